import SDCore

extension TaskLedgerConformance {
  static let progressCases: [Case] = [
    Case("progress comes out as last noted, and leaves the record alone") { suite in
      try await suite.with { fixture in
        let entry = try await fixture.ledger.create(sampleRecord("t"), request: [1]).written("create")
        let key = entry.record.key
        try expectEqual(try await fixture.rival.progress(of: key), nil, "progress before any was noted")
        for step in 1...3 {
          let progress = TaskProgress(
            fraction: Double(step) / 4, step: step, steps: 4, eta: 1.5, preview: patterned(2000),
            previewType: "image/jpeg")
          try await fixture.ledger.setProgress(progress, of: key)
          try expectEqual(try await fixture.rival.progress(of: key), progress, "progress")
        }
        let plain = TaskProgress(fraction: 1)
        try await fixture.ledger.setProgress(plain, of: key)
        try expectEqual(try await fixture.rival.progress(of: key), plain, "progress without details")
        try expectEqual(try await fixture.rival.read(key, unlessAt: entry.revision), .unchanged, "the record")
        try expectEqual(try await fixture.rival.progress(of: RunKey(key.task, run: 2)), nil, "progress of another run")
      }
    },
    Case("a watch is seen by others until its time is over") { suite in
      try await suite.with { fixture in
        let key = try await fixture.ledger.create(sampleRecord("t"), request: []).written("create").record.key
        let other = RunKey(key.task, run: 2)
        try expectEqual(try await fixture.rival.isWatched(key), false, "watched before anyone watches")
        try await fixture.ledger.watch(key, for: fixture.time.unit * 3)
        try expectEqual(try await fixture.rival.isWatched(key), true, "watched")
        try expectEqual(try await fixture.rival.isWatched(other), false, "another run watched")
        try await fixture.time.pass(fixture.time.unit * 4)
        try expectEqual(try await fixture.rival.isWatched(key), false, "watched after its time")
      }
    },
    Case("a watch is renewed, and a shorter one does not end a longer") { suite in
      try await suite.with { fixture in
        let key = try await fixture.ledger.create(sampleRecord("t"), request: []).written("create").record.key
        try await fixture.ledger.watch(key, for: fixture.time.unit * 2)
        try await fixture.time.pass(fixture.time.unit)
        try await fixture.rival.watch(key, for: fixture.time.unit * 4)
        try await fixture.ledger.watch(key, for: fixture.time.unit)
        try await fixture.time.pass(fixture.time.unit * 2)
        try expectEqual(try await fixture.rival.isWatched(key), true, "watched by the longer watch")
      }
    },
  ]

  static let expiryCases: [Case] = [
    Case("queued runs past their time are found, and no others") { suite in
      try await suite.with { fixture in
        let start: Int64 = 1_767_225_600_000
        let due = try await fixture.ledger.create(sampleRecord("due", at: start), request: [1]).written("create")
        _ = try await fixture.ledger.create(sampleRecord("begun", state: .running, at: start), request: [])
        _ = try await fixture.ledger.create(sampleRecord("later", at: start + 1), request: [])
        let then = Timestamp(milliseconds: start + 60_000)
        let early = Timestamp(milliseconds: start + 59_999)
        try expectEqual(try await fixture.rival.overdue(at: early, limit: 10), [], "before anything is overdue")
        try expectEqual(try await fixture.rival.overdue(at: then, limit: 10), [due], "what is overdue")
        let both = try await fixture.rival.overdue(at: then + .milliseconds(1), limit: 10)
        try expectEqual(both.map(\.record.key.task.id).sorted(), ["due", "later"], "a moment later")
        try expectEqual(try await fixture.rival.overdue(at: then + .milliseconds(1), limit: 1).count, 1, "limited")
        var ended = due
        ended.record.state = .expired
        _ = try await fixture.ledger.update(ended).written("update")
        try expectEqual(try await fixture.rival.overdue(at: then, limit: 10), [], "once it is written")
      }
    }
  ]

  static let publishCases: [Case] = [
    Case("a created record is published, with its revision", where: { $0.traits.publishes }) { suite in
      try await suite.with { fixture in
        let (topic, queue) = (try unwrap(fixture.topic, "a topic"), try unwrap(fixture.queue, "a queue"))
        let write = try await fixture.ledger.create(
          sampleRecord("t"), request: [1],
          publishing: {
            Publication(body: Array("task at \($0.rawValue)".utf8), attributes: ["runtime": "x"], groupID: "tenant")
          },
          on: topic)
        let entry = try write.written("create")
        let leases = try await queue.receive(max: 1, wait: fixture.patience, visibility: nil)
        try expectEqual(leases.map(\.text), ["task at \(entry.revision.rawValue)"], "what the queue got")
        try expectEqual(leases.first?.attributes["runtime"], "x", "an attribute")
        try expectEqual(try await fixture.rival.read(entry.record.key), entry, "the record")
      }
    },
    Case("a refused create publishes nothing", where: { $0.traits.publishes }) { suite in
      try await suite.with { fixture in
        let (topic, queue) = (try unwrap(fixture.topic, "a topic"), try unwrap(fixture.queue, "a queue"))
        let first = try await fixture.ledger.create(sampleRecord("t"), request: []).written("create")
        let write = try await fixture.rival.create(
          sampleRecord("t", nonce: "other"), request: [], publishing: { _ in Publication(body: Array("x".utf8)) },
          on: topic)
        try expectEqual(try write.refused("the second create"), first, "what the second writer is shown")
        let leases = try await queue.receive(max: 1, wait: fixture.patience, visibility: nil)
        try expect(leases.isEmpty, "a refused create was published")
      }
    },
    Case("a record whose publication is refused is not there", where: { $0.traits.publishesAtomically }) { suite in
      try await suite.with { fixture in
        let topic = try unwrap(fixture.topic, "a topic")
        let tooLarge = Publication(body: [UInt8](repeating: UInt8(ascii: "x"), count: topic.maximumBytes + 1))
        let record = sampleRecord("t")
        try await expectError(.tooLarge, from: "create with a publication above the limit") {
          try await fixture.ledger.create(record, request: [], publishing: { _ in tooLarge }, on: topic)
        }
        try expectEqual(try await fixture.rival.read(record.key), nil, "the record")
        try expectEqual(try await fixture.rival.page(LedgerQuery()).records, [], "records listed")
        try expectEqual(
          try await fixture.rival.find(record.key.task, submission: record.submission), nil, "the submission")
        _ = try await fixture.ledger.create(record, request: []).written("the create without a publication")
      }
    },
    Case("a topic of another plugin is published to as well") { suite in
      try await suite.with { fixture in
        let topic = RecordingTopic()
        _ = try await fixture.ledger.create(
          sampleRecord("t"), request: [], publishing: { _ in Publication(body: [1, 2]) }, on: topic
        ).written("create")
        try expectEqual(topic.published.map(\.body), [[1, 2]], "publications")
      }
    },
  ]
}

extension TaskLedgerConformance.Fixture {
  /// How long to wait for a message that should be there.
  fileprivate var patience: Duration { time.isManual ? .zero : time.unit * 3 }
}
