import SDCore

extension TaskLedgerConformance {
  static let writeCases: [Case] = [
    Case("a record comes out as it went in, with its request byte for byte") { suite in
      try await suite.with { fixture in
        var record = sampleRecord("t1")
        record.state = .succeeded
        record.attempts = 3
        record.claim = Claim(
          token: "c", epoch: 2, worker: "pod-é", messageID: "m", at: Timestamp(milliseconds: 1_767_225_601_001))
        record.cancelRequested = true
        record.startedAt = Timestamp(milliseconds: 1_767_225_602_002)
        record.finishedAt = Timestamp(milliseconds: 1_767_225_603_999)
        record.timings = ["infer": 1.25, "deliver": 0.5]
        record.outputs = [
          TaskOutput(
            key: "prefix/t1/t1-1.png", role: .image, contentType: "image/png", bytes: 12, sha256: "ab", width: 512,
            height: 768,
            seed: .max),
          TaskOutput(key: "prefix/t1/t1-2.png", role: .extra, contentType: "image/png", bytes: 0, sha256: ""),
        ]
        record.error = TaskError(.engineFailed, .infer, "no \"luck\"\n", reason: ["detail": [1, nil, true]])
        record.notice = Notice(body: "{\"a\": 1.0}", attributes: ["notice_id": "t1/1/succeeded", "n": .number("1.50")])
        record.announced = true
        let request: [UInt8] = Array(" {\"b\":1.0,\n\"a\":18446744073709551617, \"é\":\"e\u{301}\"} ".utf8) + [0, 0xFF]
        let written = try await fixture.ledger.create(record, request: request).written("create")
        try expectEqual(written.record, record, "the record answered")
        let read = try unwrap(try await fixture.rival.read(record.key), "the record")
        try expectEqual(read.record, record, "the record read")
        try expectEqual(read.request, request, "bytes of the request")
        try expectEqual(read.revision, written.revision, "revision")
      }
    },
    Case("empty and large requests are kept") { suite in
      try await suite.with { fixture in
        for (id, request) in [("empty", []), ("large", patterned(1 << 20))] {
          _ = try await fixture.ledger.create(sampleRecord(id), request: request).written("create")
          let read = try unwrap(try await fixture.rival.read(RunKey(TaskKey(id: id), run: 1)), "the record")
          try expect(read.request == request, "the \(id) request changed")
        }
      }
    },
    Case("an absent record is absent") { suite in
      try await suite.with { fixture in
        let task = TaskKey(id: "nothing")
        try expectEqual(try await fixture.ledger.read(RunKey(task, run: 1), unlessAt: nil), .absent, "read")
        try expectEqual(
          try await fixture.ledger.read(RunKey(task, run: 1), unlessAt: Revision(rawValue: "1")), .absent,
          "conditional read")
        try expectEqual(try await fixture.ledger.latest(task), nil, "latest")
        try expectEqual(try await fixture.ledger.find(task, submission: "s"), nil, "find")
        try expectEqual(try await fixture.ledger.progress(of: RunKey(task, run: 1)), nil, "progress")
        let entry = LedgerEntry(record: sampleRecord("nothing"), request: [], revision: Revision(rawValue: "1"))
        try await expectError(.notFound, from: "update") { try await fixture.ledger.update(entry) }
        try expectEqual(try await fixture.ledger.latest(task), nil, "latest after a refused update")
      }
    },
    Case("a second create of a run is refused and shown the first") { suite in
      try await suite.with { fixture in
        let first = try await fixture.ledger.create(sampleRecord("t", nonce: "mine"), request: [1]).written("create")
        let standing = try await fixture.rival.create(sampleRecord("t", nonce: "theirs"), request: [2]).refused(
          "the second create")
        try expectEqual(standing, first, "what the second writer is shown")
        try expectEqual(try await fixture.ledger.read(first.record.key), first, "what stands in the ledger")
      }
    },
    Case("a writer whose answer was lost finds its own nonce") { suite in
      try await suite.with { fixture in
        let record = sampleRecord("t", nonce: "mine")
        var entry = try await fixture.ledger.create(record, request: [1]).written("create")
        let again = try await fixture.ledger.create(record, request: [1]).refused("the same create again")
        try expectEqual(again.record.nonce, "mine", "nonce after create")
        let base = entry.revision
        entry.record.state = .running
        entry.record.nonce = "second"
        _ = try await fixture.ledger.update(entry).written("update")
        let repeated = try await fixture.ledger.update(
          LedgerEntry(record: entry.record, request: entry.request, revision: base)
        ).refused("the same update again")
        try expectEqual(repeated.record.nonce, "second", "nonce after update")
        try expectEqual(repeated.record, entry.record, "record")
      }
    },
    Case("an update over what was read goes through and has a new revision") { suite in
      try await suite.with { fixture in
        var entry = try await fixture.ledger.create(sampleRecord("t"), request: [7, 7]).written("create")
        var seen: Set<Revision> = [entry.revision]
        for state in [TaskState.running, .queued, .running, .succeeded] {
          entry.record.state = state
          entry.record.attempts += 1
          entry.record.nonce = "n\(entry.record.attempts)"
          let written = try await fixture.ledger.update(entry).written("update to \(state)")
          try expectEqual(written.record, entry.record, "record")
          try expectEqual(written.request, [7, 7], "request")
          try expect(seen.insert(written.revision).inserted, "each write has a revision of its own")
          entry = written
        }
        try expectEqual(try await fixture.rival.read(entry.record.key), entry, "what stands in the ledger")
      }
    },
    Case("an update leaves the request as it was given first") { suite in
      try await suite.with { fixture in
        var entry = try await fixture.ledger.create(sampleRecord("t"), request: [1, 2, 3]).written("create")
        entry.record.state = .running
        entry.request = [9]
        try expectEqual(
          try await fixture.ledger.update(entry).written("update").request, [1, 2, 3], "request answered")
        try expectEqual(
          try unwrap(try await fixture.rival.read(entry.record.key), "the record").request, [1, 2, 3], "request read")
      }
    },
    Case("an update over an old revision is refused and shown the newer one") { suite in
      try await suite.with { fixture in
        let base = try await fixture.ledger.create(sampleRecord("t"), request: []).written("create")
        var (winner, loser) = (base, base)
        winner.record.state = .running
        winner.record.nonce = "winner"
        loser.record.state = .cancelled
        loser.record.nonce = "loser"
        let written = try await fixture.ledger.update(winner).written("the first update")
        let standing = try await fixture.rival.update(loser).refused("the update over an old revision")
        try expectEqual(standing, written, "what the loser is shown")
        loser.revision = standing.revision
        _ = try await fixture.rival.update(loser).written("the loser's update over the newer revision")
        var forged = standing
        forged.revision = Revision(rawValue: "no such revision")
        try expectEqual(
          try await fixture.ledger.update(forged).refused("an update over no revision").record.nonce, "loser", "nonce")
      }
    },
    Case("of many who create one run exactly one wins, and all are shown the same") { suite in
      try await suite.with { fixture in
        for round in 0..<5 {
          let nonces = try await race(8, fixture) { ledger, writer in
            try await ledger.create(sampleRecord("t\(round)", nonce: "w\(writer)"), request: [UInt8(writer)])
          }
          try expectEqual(nonces.winners.count, 1, "writers that were told that they won")
          try expectEqual(nonces.shown, Set(nonces.winners), "what all were shown")
          let entry = try unwrap(try await fixture.ledger.read(RunKey(TaskKey(id: "t\(round)"), run: 1)), "the record")
          try expectEqual(entry.record.nonce, nonces.winners[0], "nonce")
          try expectEqual("w\(entry.request.first ?? 99)", nonces.winners[0], "the winner's request")
        }
      }
    },
    Case("of many who update one revision exactly one wins") { suite in
      try await suite.with { fixture in
        var base = try await fixture.ledger.create(sampleRecord("t"), request: []).written("create")
        for round in 0..<5 {
          let entry = base
          let nonces = try await race(8, fixture) { ledger, writer in
            var mine = entry
            mine.record.nonce = "r\(round)w\(writer)"
            return try await ledger.update(mine)
          }
          try expectEqual(nonces.winners.count, 1, "writers that were told that they won")
          base = try unwrap(try await fixture.rival.read(entry.record.key), "the record")
          try expectEqual(base.record.nonce, nonces.winners[0], "nonce")
        }
      }
    },
    Case("a claim that was superseded cannot commit") { suite in
      try await suite.with { fixture in
        var entry = try await fixture.ledger.create(sampleRecord("t"), request: []).written("create")
        entry.record.state = .running
        entry.record.claim = Claim(token: "one", epoch: 1, worker: "w1", messageID: "m", at: entry.record.createdAt)
        entry.record.nonce = "claim-1"
        let first = try await fixture.ledger.update(entry).written("the first claim")

        var takeover = try unwrap(try await fixture.rival.read(entry.record.key), "the record")
        takeover.record.claim = Claim(token: "two", epoch: 2, worker: "w2", messageID: "m", at: entry.record.createdAt)
        takeover.record.nonce = "claim-2"
        let second = try await fixture.rival.update(takeover).written("the second claim")

        var late = first
        late.record.state = .succeeded
        late.record.nonce = "late commit"
        let standing = try await fixture.ledger.update(late).refused("the commit of a superseded claim")
        try expectEqual(standing.record.claim?.epoch, 2, "epoch that the late writer is shown")
        var commit = second
        commit.record.state = .succeeded
        commit.record.nonce = "commit"
        _ = try await fixture.rival.update(commit).written("the commit of the holder")
        try expectEqual(try await fixture.ledger.read(entry.record.key)?.record.nonce, "commit", "nonce")
      }
    },
    Case("a read of a known revision is unchanged until somebody writes") { suite in
      try await suite.with { fixture in
        var entry = try await fixture.ledger.create(sampleRecord("t"), request: [1]).written("create")
        let key = entry.record.key
        let known = entry.revision
        try expectEqual(try await fixture.rival.read(key, unlessAt: known), .unchanged, "read at the known revision")
        entry.record.cancelRequested = true
        let written = try await fixture.ledger.update(entry).written("update")
        try expectEqual(try await fixture.rival.read(key, unlessAt: known), .entry(written), "read after an update")
        try expectEqual(
          try await fixture.rival.read(key, unlessAt: written.revision), .unchanged, "read at the new revision")
        try expectEqual(
          try await fixture.rival.read(key, unlessAt: Revision(rawValue: "")), .entry(written), "read at no revision")
      }
    },
  ]
}

/// Has writers race, half of them through each handle; answers the nonces of those that won, and what all were shown.
private func race(
  _ count: Int, _ fixture: TaskLedgerConformance.Fixture,
  _ write: @escaping @Sendable (any TaskLedger, Int) async throws -> LedgerWrite
) async throws -> (winners: [String], shown: Set<String>) {
  try await withThrowingTaskGroup(of: LedgerWrite.self) { group in
    for writer in 0..<count {
      group.addTask { try await write(writer % 2 == 0 ? fixture.ledger : fixture.rival, writer) }
    }
    var (winners, shown): ([String], Set<String>) = ([], [])
    for try await outcome in group {
      switch outcome {
      case .written(let entry):
        winners.append(entry.record.nonce)
        shown.insert(entry.record.nonce)
      case .refused(let entry): shown.insert(entry.record.nonce)
      }
    }
    return (winners, shown)
  }
}
