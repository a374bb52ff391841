import SDCore

extension MessageQueueConformance {
  static let letterCases: [Case] = [
    Case("a dead letter keeps body and attributes and says why it is dead", where: { $0.has(.deadLetter) }) { suite in
      try await suite.with(visibility: 20) { bench in
        let group = bench.traits.abilities.contains(.groups) ? "g" : nil
        let id = try await bench.queue.send(
          OutgoingMessage(
            body: Array("pöison".utf8), attributes: ["runtime": "x", "n": .number("1.0")], groupID: group))
        let lease = try await bench.receiveOne()
        let reason = DeadLetterReason(code: "poison", message: "not JSON: é")
        try expectEqual(try await bench.queue.deadLetter([lease], reason: reason), [.done], "deadLetter")
        try await bench.expectNothing("a dead letter is gone from the queue")
        let letter = try await bench.letter()
        try expectEqual(letter.text, "pöison", "body")
        try expectEqual(DeadLetterReason(letter.attributes), reason, "reason")
        try expectEqual(letter.attributes["runtime"], "x", "an attribute")
        try expectEqual(letter.attributes["n"], .number("1.0"), "an attribute")
        try expectEqual(letter.attributes[DeadLetterReason.messageIDAttribute]?.text, id, "the original id")
        try expectEqual(letter.receiveCount, 1, "receive count of the letter")
        if bench.traits.knowsEndedLeases {
          try expectEqual(try await bench.queue.complete([lease]), [.lost], "complete after deadLetter")
        }
      }
    },
    Case("a letter can be sent back and dead-lettered again", where: { $0.has(.deadLetter) }) { suite in
      try await suite.with(visibility: 20) { bench in
        let group = bench.traits.abilities.contains(.groups) ? "g" : nil
        _ = try await bench.send("letter", group: group)
        _ = try await bench.queue.deadLetter(
          [try await bench.receiveOne()], reason: .init(code: "poison", message: "one"))
        let letters = try unwrap(bench.fixture.deadLetters, "the dead-letter queue")
        let letter = try await bench.letter()
        let redriven = try await bench.queue.send(
          OutgoingMessage(body: letter.body, attributes: letter.attributes, groupID: group))
        try expectEqual(try await letters.complete([letter]), [.done], "complete of the letter")
        let again = try await bench.receiveOne("the redriven letter")
        try expectEqual(DeadLetterReason(again.attributes)?.message, "one", "the reason that it carries")
        _ = try await bench.queue.deadLetter([again], reason: .init(code: "internal", message: "two"))
        let second = try await bench.letter()
        try expectEqual(DeadLetterReason(second.attributes)?.message, "two", "the newer reason")
        try expectEqual(
          second.attributes[DeadLetterReason.messageIDAttribute]?.text, redriven, "the id it had in the queue")
      }
    },
    Case("a message past its receives goes to the dead-letter queue by itself", where: { $0.has(.deadLetter) }) {
      suite in
      try await suite.with(visibility: 1, maximumReceives: 2) { bench in
        let id = try await bench.send("hopeless")
        for count in 1...2 {
          try expectEqual(try await bench.receiveOne(visibility: 1).receiveCount, count, "receive count")
          try await bench.pass(2)
        }
        try await bench.expectNothing("its receives are used up")
        let letter = try await bench.letter()
        try expectEqual([letter.text, letter.messageID], ["hopeless", id], "body and id of the letter")
        try expectEqual(DeadLetterReason(letter.attributes), nil, "a letter that the queue moved has no reason")
      }
    },
    Case("a message past its receives does not hold back the next one", where: { $0.has(.deadLetter) }) { suite in
      try await suite.with(visibility: 1, maximumReceives: 1) { bench in
        let group = bench.traits.abilities.contains(.groups) ? "g" : nil
        _ = try await bench.send("hopeless", group: group)
        _ = try await bench.receiveOne(visibility: 1)
        _ = try await bench.send("healthy", group: group)
        try await bench.pass(2)
        try expectEqual(try await bench.receiveOne("the healthy message").text, "healthy", "body")
        try expectEqual(try await bench.letter().text, "hopeless", "letter")
      }
    },
    Case("dead letters are counted", where: { $0.has(.deadLetter) && $0.traits.exactStats }) { suite in
      try await suite.with { bench in
        _ = try await bench.send("letter")
        _ = try await bench.queue.deadLetter([try await bench.receiveOne()], reason: .init(code: "poison", message: ""))
        let stats = try await bench.queue.stats()
        try expectEqual([stats.waiting, stats.inFlight, stats.dead ?? -1], [0, 0, 1], "waiting, in flight, dead")
      }
    },
    Case("the largest message can be dead-lettered", where: { $0.has(.deadLetter) }) { suite in
      try await suite.with(visibility: 60) { bench in
        let group = bench.traits.abilities.contains(.groups) ? "g" : nil
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: bench.queue.capabilities.maximumBytes)
        _ = try await bench.queue.send(OutgoingMessage(body: body, groupID: group))
        let reason = DeadLetterReason(code: "poison", message: String(repeating: "é", count: 4000))
        let lease = try await bench.receiveOne()
        try expectEqual(try await bench.queue.deadLetter([lease], reason: reason), [.done], "deadLetter")
        let letter = try await bench.letter()
        try expect(
          !letter.body.isEmpty && DeadLetterReason(letter.attributes)?.code == "poison",
          "the letter is there, and says why")
      }
    },
    Case("dead-lettering without a dead-letter queue is refused", where: { !$0.has(.deadLetter) }) { suite in
      try await suite.with { bench in
        _ = try await bench.send("letter")
        let lease = try await bench.receiveOne()
        try await expectError(.unsupported, from: "deadLetter") {
          try await bench.queue.deadLetter([lease], reason: .init(code: "poison", message: ""))
        }
        try expectEqual(try await bench.queue.complete([lease]), [.done], "complete")
      }
    },
  ]
}

extension Bench {
  func letter(file: StaticString = #fileID, line: UInt = #line) async throws -> Lease {
    let letters = try unwrap(fixture.deadLetters, "the dead-letter queue")
    for _ in 0..<(time.isManual ? 1 : 10) {
      let leases = try await letters.receive(max: 1, wait: time.isManual ? .zero : units(1), visibility: units(60))
      if let letter = leases.first { return letter }
    }
    throw ConformanceFailure("the dead-letter queue is empty", file, line)
  }
}
