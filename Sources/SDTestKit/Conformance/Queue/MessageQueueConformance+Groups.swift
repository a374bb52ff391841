import SDCore

extension MessageQueueConformance {
  static let groupCases: [Case] = [
    Case("messages of a group come in order, one at a time", where: { $0.has(.groups) }) { suite in
      try await suite.with(visibility: 20) { bench in
        for n in 0..<4 { _ = try await bench.send("m\(n)", group: "g") }
        for n in 0..<4 {
          let lease = try await bench.receiveOne()
          try expectEqual(lease.text, "m\(n)", "message in order")
          try expectEqual(lease.groupID, "g", "group")
          try await bench.expectNothing("one of the group is leased")
          try expectEqual(try await bench.queue.complete([lease]), [.done], "complete")
        }
      }
    },
    Case("a leased group holds back no other group", where: { $0.has(.groups) }) { suite in
      try await suite.with(visibility: 20) { bench in
        _ = try await bench.send("a1", group: "a")
        _ = try await bench.send("a2", group: "a")
        _ = try await bench.send("b1", group: "b")
        let first = try await bench.receiveOne()
        let second = try await bench.receiveOne("a message of the other group")
        try expectEqual(Set([first.text, second.text]), ["a1", "b1"], "heads of the groups")
        try await bench.expectNothing("one of each group is leased")
      }
    },
    Case("a message whose lease expires stays ahead of its group", where: { $0.has(.groups) }) { suite in
      try await suite.with { bench in
        _ = try await bench.send("m0", group: "g")
        _ = try await bench.send("m1", group: "g")
        _ = try await bench.receiveOne(visibility: 2)
        try await bench.pass(3)
        let again = try await bench.receiveOne("the expired head", visibility: 20)
        try expectEqual([again.text, "\(again.receiveCount)"], ["m0", "2"], "head and its receive count")
        _ = try await bench.queue.complete([again])
        try expectEqual(try await bench.receiveOne().text, "m1", "the next one")
      }
    },
    Case("an abandoned message stays ahead of its group, its delay included", where: { $0.has(.groups) }) { suite in
      try await suite.with(visibility: 20) { bench in
        _ = try await bench.send("m0", group: "g")
        _ = try await bench.send("m1", group: "g")
        let head = try await bench.receiveOne(visibility: 20)
        _ = try await bench.queue.abandon([head], after: bench.units(3))
        try await bench.expectNothing("the head of the group is delayed")
        try await bench.pass(4)
        try expectEqual(try await bench.receiveOne("the delayed head").text, "m0", "head")
      }
    },
    Case("a message without a group is refused by a queue of groups", where: { $0.has(.groups) }) { suite in
      try await suite.with { bench in
        try await expectError(.invalid, from: "a send without a group") {
          try await bench.queue.send(OutgoingMessage(body: [UInt8]("x".utf8)))
        }
      }
    },
    Case("a repeat within five minutes is accepted and dropped", where: { $0.has(.deduplication) }) { suite in
      try await suite.with(visibility: 20) { bench in
        let first = try await bench.send("one", group: "g", deduplication: "d")
        let second = try await bench.send("two", group: "g", deduplication: "d")
        _ = try await bench.send("three", group: "g", deduplication: "other")
        if bench.traits.remembersRepeats { try expectEqual(second, first, "id answered to the repeat") }
        try expectEqual(try await bench.drain(), ["one", "three"], "what is in the queue")
        guard bench.traits.remembersRepeats else { return }
        _ = try await bench.send("four", group: "g", deduplication: "d")
        try await bench.expectNothing("completed or not, the id was seen")
      }
    },
    Case(
      "a repeat after five minutes is a message of its own", where: { $0.has(.deduplication) && $0.traits.manualTime }
    ) {
      suite in
      try await suite.with(visibility: 60) { bench in
        let first = try await bench.send("one", group: "g", deduplication: "d")
        try await bench.time.pass(.seconds(299))
        _ = try await bench.send("dropped", group: "g", deduplication: "d")
        try await bench.time.pass(.seconds(2))
        let second = try await bench.send("two", group: "g", deduplication: "d")
        try expect(first != second, "the id was forgotten")
        try expectEqual(try await bench.drain(), ["one", "two"], "what is in the queue")
      }
    },
    Case("a busy tenant does not hold back another", where: { $0.has(.fairShare) && $0.traits.manualTime }) { suite in
      try await suite.with(visibility: 600) { bench in
        for n in 0..<50 { _ = try await bench.send("busy\(n)", group: "busy") }
        for n in 0..<3 { _ = try await bench.receiveOne("busy \(n)") }
        _ = try await bench.send("quiet", group: "quiet")
        var seen: [String] = []
        for _ in 0..<4 { seen.append(try await bench.receiveOne(visibility: 600).text) }
        try expect(seen.contains("quiet"), "the quiet tenant's one message is not among the next four: \(seen)")
      }
    },
    Case("no tenant starves, those without a name included", where: { $0.has(.fairShare) }) { suite in
      try await suite.with(visibility: 60) { bench in
        for n in 0..<6 {
          _ = try await bench.send("a\(n)", group: "a")
          _ = try await bench.send("b\(n)", group: "b")
          _ = try await bench.send("none\(n)")
        }
        let bodies = try await bench.drain()
        try expectEqual(Set(bodies).count, 18, "messages of all tenants")
        try expectEqual(bodies.count, 18, "deliveries")
      }
    },
    Case("a tenant's name comes along with its message", where: { $0.has(.fairShare) }) { suite in
      try await suite.with { bench in
        _ = try await bench.send("x", group: "tenant-1")
        try expectEqual(try await bench.receiveOne().groupID, "tenant-1", "group")
      }
    },
  ]
}
