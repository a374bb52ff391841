import SDCore

extension TaskLedgerConformance {
  static let pageCases: [Case] = [
    Case("a page of an empty ledger is empty and the last") { suite in
      try await suite.with { fixture in
        try expectEqual(try await fixture.ledger.page(LedgerQuery()), LedgerPage(records: [], next: nil), "page")
      }
    },
    Case("pages run from the newest to the oldest without gaps and overlaps, ties included") { suite in
      try await suite.with { fixture in
        // Written out of order; every third record shares its time with the one before.
        let times: [Int64] = (0..<20).map { 1_767_225_600_000 + Int64($0 - ($0 % 3 == 2 ? 1 : 0)) * 1000 }
        for n in stride(from: 0, to: 20, by: 2) + stride(from: 19, to: 0, by: -2) {
          _ = try await fixture.ledger.create(sampleRecord("t\(n)", at: times[n]), request: []).written("create")
        }
        for limit in [1, 3, 7, 19, 20, 21, 1000] {
          let records = try await fixture.pages(LedgerQuery(limit: limit))
          try expectEqual(records.map(\.createdAt.milliseconds), times.sorted(by: >), "times by pages of \(limit)")
          try expectEqual(Set(records.map(\.key.task.id)).count, 20, "tasks by pages of \(limit)")
        }
      }
    },
    Case("runs of one task are listed each") { suite in
      try await suite.with { fixture in
        for run in 1...3 {
          _ = try await fixture.ledger.create(sampleRecord("t", run: run), request: []).written("create")
        }
        try expectEqual(Set(try await fixture.pages(LedgerQuery(limit: 1)).map(\.key.run)), [1, 2, 3], "runs")
      }
    },
    Case("filters by state and runtime show what matches, as it stands now") { suite in
      try await suite.with { fixture in
        let states: [TaskState] = [.queued, .running, .succeeded, .failed, .cancelled, .expired]
        for n in 0..<24 {
          let runtime = n % 4 == 0 ? nil : "r\(n % 4)"
          _ = try await fixture.ledger.create(
            sampleRecord("t\(n)", runtime: runtime, state: states[n % 6], at: 1_767_225_600_000 + Int64(n)), request: []
          ).written("create")
        }
        var entry = try unwrap(try await fixture.ledger.latest(TaskKey(id: "t0")), "t0")
        entry.record.state = .succeeded
        entry.record.runtime = "r1"
        _ = try await fixture.ledger.update(entry).written("update")
        for limit in [1, 2, 5, 1000] {
          func ids(_ states: Set<TaskState>, _ runtime: String?) async throws -> [String] {
            try await fixture.pages(LedgerQuery(states: states, runtime: runtime, limit: limit)).map(\.key.task.id)
          }
          try expectEqual(try await ids([.queued], nil), ["t18", "t12", "t6"], "queued")
          try expectEqual(try await ids([.succeeded], nil), ["t20", "t14", "t8", "t2", "t0"], "succeeded")
          try expectEqual(try await ids([], "r1"), ["t21", "t17", "t13", "t9", "t5", "t1", "t0"], "of r1")
          try expectEqual(
            try await ids([.running, .failed], "r3"), ["t19", "t15", "t7", "t3"], "running or failed of r3")
          try expectEqual(try await ids([.queued], "nobody"), [], "of a runtime without tasks")
        }
      }
    },
    Case("a cursor goes on where its page ended, whatever came since") { suite in
      try await suite.with { fixture in
        for n in 0..<6 {
          _ = try await fixture.ledger.create(sampleRecord("t\(n)", at: 1_767_225_600_000 + Int64(n)), request: [])
            .written("create")
        }
        let first = try await fixture.ledger.page(LedgerQuery(limit: 3))
        try expectEqual(first.records.map(\.key.task.id), ["t5", "t4", "t3"], "the first page")
        _ = try await fixture.ledger.create(sampleRecord("new", at: 1_767_225_700_000), request: []).written("create")
        let rest = try await fixture.pages(LedgerQuery(limit: 2, cursor: try unwrap(first.next, "a cursor")))
        try expectEqual(rest.map(\.key.task.id), ["t2", "t1", "t0"], "the rest")
      }
    },
    Case("a cursor that the ledger never gave is refused") { suite in
      try await suite.with { fixture in
        _ = try await fixture.ledger.create(sampleRecord("t"), request: []).written("create")
        for cursor in ["", "nonsense", "-1", "..", "\u{0}", String(repeating: "9", count: 400)] {
          try await expectError(.invalid, from: "a page at cursor \(cursor.debugDescription)") {
            try await fixture.ledger.page(LedgerQuery(cursor: cursor))
          }
        }
      }
    },
  ]
}

extension TaskLedgerConformance.Fixture {
  /// Every record of a query, page by page.
  func pages(_ query: LedgerQuery) async throws -> [TaskRecord] {
    var (records, query): ([TaskRecord], LedgerQuery) = ([], query)
    for _ in 0..<10_000 {
      let page = try await rival.page(query)
      try expect(page.records.count <= query.limit, "\(page.records.count) records on a page of \(query.limit)")
      records += page.records
      guard let next = page.next else { return records }
      query.cursor = next
    }
    throw ConformanceFailure("a listing that does not end", #fileID, #line)
  }
}

private func + (a: StrideTo<Int>, b: StrideTo<Int>) -> [Int] { Array(a) + Array(b) }
