import SDCore

extension MessageQueueConformance {
  static let bodyCases: [Case] = [
    Case("text of every kind comes out byte for byte") { suite in
      try await suite.with(visibility: 60) { bench in
        let texts = [
          "{\"prompt\":\"a lighthouse\"}", "é", "e\u{301}", "日本語🏮👩‍👩‍👧‍👦", " leading and trailing ", "a\r\nb\n\tc",
          "<&>\"'\\",
          "%00%2e%2e/", "\u{FEFF}mark", "[[[[[[", "null", "\u{7F}\u{85}\u{2028}",
        ]
        for text in texts {
          _ = try await bench.send(text)
          let lease = try await bench.receiveOne()
          try expectEqual(lease.body, Array(text.utf8), "bytes of the body")
          try expectEqual(try await bench.queue.complete([lease]), [.done], "complete")
        }
      }
    },
    Case("bytes that are no text come out as they went in, or are refused before sending") { suite in
      try await suite.with(visibility: 60) { bench in
        let group = bench.traits.abilities.contains(.groups) ? "g" : nil
        for body: [UInt8] in [[0], [0xFF, 0xFE], [0x1B, 0x07], [0xED, 0xA0, 0x80], []] {
          let outcome = try await bench.queue.send([OutgoingMessage(body: body, groupID: group)]).first
          switch try unwrap(outcome, "the outcome of a send") {
          case .success:
            let lease = try await bench.receiveOne()
            try expectEqual(lease.body, body, "bytes of the body")
            _ = try await bench.queue.complete([lease])
          case .failure(let error):
            try expect(!bench.traits.takesAnyBytes, "\(body) was refused: \(error)")
            try expectEqual(error.code, .invalid, "why a body was refused")
          }
        }
      }
    },
    Case("attributes of every type come out as they went in") { suite in
      try await suite.with { bench in
        let attributes: MessageAttributes = [
          "runtime": "sdruntime", "empty-list": .list([]), "number": .number("18446744073709551617.50"),
          "bytes": .binary([0, 1, 0xFF, 0x0A]), "odd.name_1-2": "é 🏮 \"quoted\"\n",
          "list": .list(["a", 1, true, nil, .number(JSONNumber(2))]),
          "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ]
        let group = bench.traits.abilities.contains(.groups) ? "g" : nil
        _ = try await bench.queue.send(OutgoingMessage(body: [UInt8]("x".utf8), attributes: attributes, groupID: group))
        let first = try await bench.receiveOne(visibility: 1)
        try expectEqual(first.attributes, attributes, "attributes")
        try await bench.pass(2)
        try expectEqual(try await bench.receiveOne("the redelivery").attributes, attributes, "attributes at redelivery")
      }
    },
    Case("a body of exactly the limit is taken, one byte more refused as too large") { suite in
      try await suite.with(visibility: 60) { bench in
        let limit = bench.queue.capabilities.maximumBytes
        let group = bench.traits.abilities.contains(.groups) ? "g" : nil
        let largest = [UInt8](repeating: UInt8(ascii: "x"), count: limit - 3) + Array("日".utf8)
        _ = try await bench.queue.send(OutgoingMessage(body: largest, groupID: group))
        let lease = try await bench.receiveOne()
        try expect(lease.body == largest, "the largest body came out changed")
        _ = try await bench.queue.complete([lease])
        try await expectError(.tooLarge, from: "a body above the limit") {
          try await bench.queue.send(OutgoingMessage(body: largest + [UInt8(ascii: "x")], groupID: group))
        }
        try await expectError(.tooLarge, from: "a body whose attributes exceed the limit") {
          try await bench.queue.send(OutgoingMessage(body: largest, attributes: ["a": "b"], groupID: group))
        }
        try await bench.expectNothing("nothing above the limit was taken")
      }
    },
    Case("a batch takes what it can and answers for each message in its place") { suite in
      try await suite.with(visibility: 60) { bench in
        let group = bench.traits.abilities.contains(.groups) ? "g" : nil
        let tooLarge = [UInt8](repeating: UInt8(ascii: "x"), count: bench.queue.capabilities.maximumBytes + 1)
        let outcomes = try await bench.queue.send([
          OutgoingMessage(body: Array("first".utf8), groupID: group), OutgoingMessage(body: tooLarge, groupID: group),
          OutgoingMessage(body: Array("third".utf8), groupID: group),
        ])
        try expectEqual(outcomes.count, 3, "outcomes")
        let ids = outcomes.compactMap { try? $0.get() }
        try expectEqual(ids.count, 2, "messages taken")
        try expectEqual(Set(ids).count, 2, "ids")
        guard case .failure(let error) = outcomes[1] else {
          throw ConformanceFailure("the message above the limit was taken", #fileID, #line)
        }
        try expectEqual(error.code, .tooLarge, "why the second was refused")
        try expectEqual(Set(try await bench.drain()), ["first", "third"], "what is in the queue")
        try expectEqual(try await bench.queue.send([]).count, 0, "outcomes of an empty batch")
      }
    },
    Case("a full batch is sent, received and completed; a larger one is refused whole") { suite in
      try await suite.with(visibility: 60) { bench in
        let size = bench.queue.capabilities.maximumBatch
        let messages = (0...size).map { OutgoingMessage(body: Array("m\($0)".utf8), groupID: "g\($0)") }
        try await expectError(.invalid, from: "a batch above the limit") { try await bench.queue.send(messages) }
        let outcomes = try await bench.queue.send(Array(messages.prefix(size)))
        try expectEqual(try outcomes.map { try $0.get() }.count, size, "messages taken")
        if bench.time.isManual {
          let leases = try await bench.receive(size)
          try expectEqual(leases.count, size, "leases of one receive")
          try expectEqual(try await bench.queue.complete(leases), Array(repeating: .done, count: size), "complete")
        } else {
          try expectEqual(Set(try await bench.drain()).count, size, "messages received")
        }
      }
    },
    Case("a receive answers at most as many as it was asked for") { suite in
      try await suite.with(visibility: 60) { bench in
        for n in 0..<5 { _ = try await bench.send("m\(n)") }
        let leases = try await bench.receive(2)
        try expect(leases.count <= 2, "\(leases.count) leases when 2 were asked for")
        try expect(!leases.isEmpty, "nothing of five waiting messages")
      }
    },
    Case("messages have ids of their own") { suite in
      try await suite.with { bench in
        var ids: Set<String> = []
        for _ in 0..<10 { ids.insert(try await bench.send("same")) }
        try expectEqual(ids.count, 10, "ids of ten messages with one body")
      }
    },
  ]
}
