import SDCore

extension MessageQueueConformance {
  static let operationCases: [Case] = [
    Case("a look shows messages and leaves them where they are", where: { $0.traits.operations != nil }) { suite in
      try await suite.with(visibility: 20) { bench in
        let queue = try bench.operable()
        let first = try await bench.send("first", group: "a")
        let second = try await bench.send("second", group: "b")
        let seen = try await bench.peek(queue, 2)
        try expectEqual(Set(seen.map(\.id)), [first, second], "ids")
        try expectEqual(Set(seen.map { String(decoding: $0.body, as: UTF8.self) }), ["first", "second"], "bodies")
        try expectEqual(Set(seen.map(\.standing)), [.waiting], "standing")
        let counted = bench.looksCount ? 1 : 0
        try expectEqual(Set(seen.map(\.receiveCount)), [counted], "receives")
        let lease = try await bench.receiveOne("a message that was only looked at")
        if !bench.looksCount { try expectEqual(lease.receiveCount, 1, "receives after the look") }
      }
    },
    Case("a look shows attributes and no more messages than asked for", where: { $0.traits.operations != nil }) {
      suite in
      try await suite.with(visibility: 20) { bench in
        let queue = try bench.operable()
        for number in 1...12 {
          _ = try await queue.send(
            OutgoingMessage(body: [0x61], attributes: ["n": .number("\(number)")], groupID: "g\(number)"))
        }
        let seen = try await bench.peek(queue, 11)
        try expectEqual(seen.count, 11, "messages")
        try expectEqual(Set(seen.compactMap { $0.attributes["n"]?.text }).count, 11, "attributes")
      }
    },
    Case("a look at an empty queue shows nothing", where: { $0.traits.operations != nil }) { suite in
      try await suite.with { bench in
        let queue = try bench.operable()
        try expectEqual(try await bench.time.running { try await queue.peek(max: 10) }, [], "messages")
      }
    },
    Case("a look tells who is leased and who is delayed", where: { $0.showsAll && $0.has(.delay) }) { suite in
      try await suite.with(visibility: 20) { bench in
        let queue = try bench.operable()
        let leased = try await bench.send("leased", group: "a")
        _ = try await bench.receiveOne()
        let delayed = try await bench.send("delayed", group: "b", delay: 5)
        let standings = Dictionary(
          uniqueKeysWithValues: try await bench.peek(queue, 2).map { ($0.id, $0.standing) })
        try expectEqual(standings, [leased: .inFlight, delayed: .delayed], "standings")
      }
    },
    Case("a purge removes every message, leased ones too", where: { $0.traits.operations != nil }) { suite in
      try await suite.with(visibility: 20) { bench in
        let queue = try bench.operable()
        for number in 1...3 { _ = try await bench.send("\(number)", group: "g\(number)") }
        let lease = try await bench.receiveOne()
        if let count = try await queue.purge() { try expectEqual(count, 3, "messages removed") }
        try await bench.expectNothing("the queue was purged")
        if bench.traits.knowsEndedLeases {
          try expectEqual(try await queue.complete([lease]), [.lost], "complete after the purge")
        }
        _ = try await bench.send("later", group: "g1")
        try expectEqual(try await bench.receiveOne("a message sent after the purge").text, "later", "body")
      }
    },
    Case("the dead-letter queue can be found", where: { $0.traits.operations != nil && $0.has(.deadLetter) }) { suite in
      try await suite.with(visibility: 20) { bench in
        let queue = try bench.operable()
        _ = try await bench.send("letter", group: "g")
        let reason = DeadLetterReason(code: "poison", message: "not JSON")
        _ = try await queue.deadLetter([try await bench.receiveOne()], reason: reason)
        let letters = try unwrap(try await queue.deadLetterQueue(), "the dead-letter queue")
        try expect(try await letters.exists(), "the dead-letter queue exists")
        let letter = try unwrap(try await bench.peek(letters, 1).first, "the letter")
        try expectEqual(DeadLetterReason(letter.attributes), reason, "reason")
      }
    },
    Case(
      "letters that are sent back come again, without their reason",
      where: { $0.traits.operations != nil && $0.has(.deadLetter) }
    ) { suite in
      try await suite.with(visibility: 20) { bench in
        let queue = try bench.operable()
        let clocks = bench.time.clocks
        for number in 1...12 {
          _ = try await bench.send("letter \(number)", group: "g\(number)")
          _ = try await queue.deadLetter([try await bench.receiveOne()], reason: .init(code: "poison", message: ""))
        }
        let result = try await bench.time.running {
          try await DeadLetters(of: queue, clocks: clocks).redrive(.code("poison"))
        }
        try expectEqual([result.done.count, result.failed.count], [12, 0], "done and failed")
        var bodies: Set<String> = []
        for _ in 1...12 {
          let lease = try await bench.receiveOne("a letter that was sent back")
          bodies.insert(lease.text)
          try expectEqual(DeadLetterReason(lease.attributes), nil, "its reason")
          try expect(lease.attributes[Redrive.attribute]?.text != nil, "the mark that it was sent back")
        }
        try expectEqual(bodies.count, 12, "different letters")
      }
    },
    Case("letters that are not meant stay", where: { $0.traits.operations != nil && $0.has(.deadLetter) }) { suite in
      try await suite.with(visibility: 20) { bench in
        let queue = try bench.operable()
        let clocks = bench.time.clocks
        for code in ["poison", "internal"] {
          _ = try await bench.send(code, group: code)
          _ = try await queue.deadLetter([try await bench.receiveOne()], reason: .init(code: code, message: ""))
        }
        let result = try await bench.time.running {
          try await DeadLetters(of: queue, clocks: clocks).drop(.code("internal"))
        }
        try expectEqual(result.done.count, 1, "letters dropped")
        let left = try await bench.time.running { try await DeadLetters(of: queue, clocks: clocks).list(max: 10) }
        try expectEqual(left.map(\.code), ["poison"], "letters left")
        try expectEqual(try await bench.letter().text, "poison", "the letter can be received at once")
      }
    },
  ]

  fileprivate var showsAll: Bool { traits.operations.map { !$0.contains(.looksCount) } ?? false }
}

extension Bench {
  fileprivate var looksCount: Bool { traits.operations?.contains(.looksCount) ?? false }

  fileprivate func operable() throws -> any OperableQueue {
    let queue = try unwrap(queue as? any OperableQueue, "the queue as one that can be operated")
    try expectEqual(queue.operations, traits.operations, "the queue's declared operations")
    return queue
  }

  /// A look that must show so many; services show fewer now and then.
  fileprivate func peek(_ queue: any OperableQueue, _ count: Int) async throws -> [QueuedMessage] {
    for _ in 0..<(time.isManual ? 0 : 5) {
      let seen = try await queue.peek(max: count)
      if seen.count == count { return seen }
    }
    return try await time.running { try await queue.peek(max: count) }
  }
}
