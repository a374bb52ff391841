import SDCore

extension MessageQueueConformance {
  static let endCases: [Case] = [
    Case("a lease ends once", where: { $0.traits.knowsEndedLeases }) { suite in
      try await suite.with { bench in
        _ = try await bench.send("once")
        let lease = try await bench.receiveOne()
        try expectEqual(try await bench.queue.complete([lease]), [.done], "the first complete")
        try expectEqual(try await bench.queue.complete([lease]), [.lost], "the second complete")
        try expectEqual(try await bench.queue.abandon([lease], after: .zero), [.lost], "abandon after complete")
        try expectEqual(
          try await bench.queue.extend([lease], visibility: bench.units(1)), [.lost], "extend after complete")
        try await bench.expectNothing("the message was completed")
      }
    },
    Case("an abandoned message is due at once, and its old lease is lost") { suite in
      try await suite.with(visibility: 20) { bench in
        _ = try await bench.send("back")
        let first = try await bench.receiveOne(visibility: 20)
        try expectEqual(try await bench.queue.abandon([first], after: .zero), [.done], "abandon")
        let second = try await bench.receiveOne("the abandoned message", visibility: 20)
        try expectEqual(second.receiveCount, 2, "receive count")
        try expectEqual(
          try await bench.queue.extend([first], visibility: bench.units(1)), [.lost], "extend by the old lease")
        try expectEqual(try await bench.queue.complete([second]), [.done], "complete")
      }
    },
    Case("an abandoned message stays away for the delay asked for") { suite in
      try await suite.with(visibility: 20) { bench in
        _ = try await bench.send("later")
        let lease = try await bench.receiveOne(visibility: 20)
        try expectEqual(try await bench.queue.abandon([lease], after: bench.units(3)), [.done], "abandon")
        try await bench.expectNothing("the delay has not passed")
        try await bench.pass(1)
        try await bench.expectNothing("the delay has not passed")
        try await bench.pass(3)
        try expectEqual(try await bench.receiveOne("the abandoned message").receiveCount, 2, "receive count")
      }
    },
    Case("leases end in any order") { suite in
      try await suite.with(visibility: 20) { bench in
        for n in 0..<4 { _ = try await bench.send("m\(n)") }
        var leases: [Lease] = []
        for _ in 0..<4 { leases.append(try await bench.receiveOne(visibility: 20)) }
        try expectEqual(try await bench.queue.complete([leases[3]]), [.done], "the last one")
        try expectEqual(try await bench.queue.abandon([leases[0]], after: .zero), [.done], "the first one")
        try expectEqual(try await bench.queue.complete([leases[2], leases[1]]), [.done, .done], "the rest, reversed")
        let back = try await bench.receiveOne("the abandoned one")
        try expectEqual(back.messageID, leases[0].messageID, "message id")
        _ = try await bench.queue.complete([back])
        try await bench.expectNothing("all were ended")
      }
    },
    Case("a batch of ends answers for each lease in its place") { suite in
      try await suite.with { bench in
        _ = try await bench.send("a")
        let lost = try await bench.receiveOne(visibility: 1)
        try await bench.pass(2)
        let again = try await bench.receiveOne("the expired message", visibility: 20)
        _ = try await bench.send("b")
        let other = try await bench.receiveOne(visibility: 20)
        let extended = try await bench.queue.extend([other, lost, again], visibility: bench.units(20))
        try expectEqual(extended, [.done, .lost, .done], "extend")
        let completed = try await bench.queue.complete([lost, other, again])
        try expectEqual(completed, [.lost, .done, .done], "complete")
        try expectEqual(try await bench.queue.complete([]), [], "an empty batch")
      }
    },
    Case("a receipt that the queue never gave is lost") { suite in
      try await suite.with { bench in
        _ = try await bench.send("real")
        let real = try await bench.receiveOne(visibility: 6)
        for receipt in ["", "no such receipt", "0", real.receipt + "x", "\u{0}", "é'\"; --"] {
          var forged = real
          forged.receipt = receipt
          try expectEqual(try await bench.queue.complete([forged]), [.lost], "complete with a forged receipt")
        }
        try expectEqual(try await bench.queue.complete([real]), [.done], "complete")
      }
    },
    Case("counts tell waiting from leased", where: { $0.traits.exactStats }) { suite in
      try await suite.with(visibility: 6) { bench in
        for n in 0..<3 { _ = try await bench.send("m\(n)") }
        let lease = try await bench.receiveOne()
        var stats = try await bench.queue.stats()
        try expectEqual([stats.waiting, stats.inFlight, stats.delayed], [2, 1, 0], "waiting, in flight, delayed")
        _ = try await bench.queue.complete([lease])
        _ = try await bench.receiveOne()
        try await bench.pass(7)
        stats = try await bench.queue.stats()
        try expectEqual([stats.waiting, stats.inFlight, stats.delayed], [2, 0, 0], "counts after complete and expiry")
        if let age = stats.oldestAge { try expect(age >= bench.units(7).seconds, "the oldest message's age: \(age)") }
      }
    },
  ]
}
