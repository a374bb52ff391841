import SDCore

extension TaskLedgerConformance {
  static let runCases: [Case] = [
    Case("runs of one task are records of their own") { suite in
      try await suite.with { fixture in
        var entries: [LedgerEntry] = []
        for run in 1...12 {
          let record = sampleRecord("t", run: run, at: 1_767_225_600_000 + Int64(run))
          entries.append(try await fixture.ledger.create(record, request: [UInt8(run)]).written("create of run \(run)"))
          try expectEqual(try await fixture.rival.latest(record.key.task)?.record.key.run, run, "latest run")
        }
        for entry in entries {
          try expectEqual(try await fixture.rival.read(entry.record.key), entry, "run \(entry.record.key.run)")
        }
        var third = entries[2]
        third.record.state = .succeeded
        _ = try await fixture.ledger.update(third).written("update of run 3")
        let latest = try unwrap(try await fixture.rival.latest(TaskKey(id: "t")), "the latest run")
        try expectEqual(latest, entries[11], "the latest run is the highest, whichever was written last")
      }
    },
    Case("the run of a submission is found, request and all") { suite in
      try await suite.with { fixture in
        for run in 1...3 {
          _ = try await fixture.ledger.create(
            sampleRecord("t", run: run, submission: "s\(run)"), request: [UInt8(run)]
          ).written("create")
        }
        _ = try await fixture.ledger.create(sampleRecord("other", submission: "s2"), request: [9]).written("create")
        let found = try unwrap(
          try await fixture.rival.find(TaskKey(id: "t"), submission: "s2"), "the run of the submission")
        try expectEqual(found.record.key, RunKey(TaskKey(id: "t"), run: 2), "run")
        try expectEqual(found.request, [2], "request")
        try expectEqual(try await fixture.rival.find(TaskKey(id: "t"), submission: "s4"), nil, "an unknown submission")
        try expectEqual(
          try await fixture.rival.find(TaskKey(id: "other"), submission: "s1"), nil, "another task's submission")
        try expectEqual(
          try await fixture.rival.find(TaskKey(id: "other"), submission: "s2")?.request, [9], "its own submission")
        var entry = found
        entry.record.state = .running
        entry = try await fixture.ledger.update(entry).written("update")
        try expectEqual(
          try await fixture.rival.find(TaskKey(id: "t"), submission: "s2"), entry, "the run after an update")
      }
    },
    Case("tenants see their own tasks alone") { suite in
      try await suite.with { fixture in
        let tenants = ["", "a", "A", "a/b", "é", "e\u{301}", "..", "%2e"]
        for (n, tenant) in tenants.enumerated() {
          _ = try await fixture.ledger.create(sampleRecord("t", tenant: tenant, submission: "s"), request: [UInt8(n)])
            .written(
              "create for tenant \(tenant.debugDescription)")
        }
        for (n, tenant) in tenants.enumerated() {
          let task = TaskKey(tenant: tenant, id: "t")
          let what = "of tenant \(tenant.debugDescription)"
          try expectEqual(try await fixture.rival.read(RunKey(task, run: 1))?.request, [UInt8(n)], "record \(what)")
          try expectEqual(try await fixture.rival.latest(task)?.request, [UInt8(n)], "latest run \(what)")
          try expectEqual(
            try await fixture.rival.find(task, submission: "s")?.request, [UInt8(n)], "submission \(what)")
          let page = try await fixture.rival.page(LedgerQuery(tenant: tenant))
          try expectEqual(
            page.records.map { Array($0.key.task.tenant.utf8) }, [Array(tenant.utf8)], "tenants listed \(what)")
        }
        try expectEqual(try await fixture.rival.latest(TaskKey(tenant: "b", id: "t")), nil, "a tenant without tasks")
        try expectEqual(
          try await fixture.rival.page(LedgerQuery(tenant: "b")).records, [], "a page of a tenant without tasks")
      }
    },
    Case("ids that differ in case, or begin alike, are tasks of their own") { suite in
      try await suite.with { fixture in
        let ids = ["a", "A", "a-1", "a_1", "a1", "1", "01", "-a", "a-", String(repeating: "x", count: 64)]
        for (n, id) in ids.enumerated() {
          _ = try await fixture.ledger.create(sampleRecord(id), request: [UInt8(n)]).written(id)
        }
        for (n, id) in ids.enumerated() {
          try expectEqual(try await fixture.rival.latest(TaskKey(id: id))?.request, [UInt8(n)], "request of \(id)")
        }
      }
    },
  ]
}
