import SDCore

extension MessageQueueConformance {
  static let leaseCases: [Case] = [
    Case("a message comes out as it went in, leased to one consumer") { suite in
      try await suite.with { bench in
        let id = try await bench.send("hello")
        let before = bench.time.clocks.instant
        let lease = try await bench.receiveOne(visibility: 3)
        try expectEqual(lease.text, "hello", "body")
        try expectEqual(lease.messageID, id, "message id")
        try expectEqual(lease.receiveCount, 1, "receive count")
        try expect(!lease.receipt.isEmpty, "a lease has a receipt")
        let latest = bench.time.clocks.instant.advanced(by: bench.units(3))
        try expect(
          lease.deadline > before && lease.deadline <= latest, "the deadline is no later than the queue has it")
        try await bench.expectNothing("a leased message is held")
        try expectEqual(try await bench.queue.complete([lease]), [.done], "outcome of complete")
        try await bench.pass(4)
        try await bench.expectNothing("a completed message is gone")
      }
    },
    Case("an empty queue answers nothing at once") { suite in
      try await suite.with { bench in try await bench.expectNothing("nothing was sent") }
    },
    Case("a message is handed out again when its lease expires, with a new receipt and a higher count") { suite in
      try await suite.with { bench in
        let id = try await bench.send("again")
        let first = try await bench.receiveOne(visibility: 2)
        try await bench.pass(3)
        let second = try await bench.receiveOne("the expired message")
        try expectEqual(second.messageID, id, "message id")
        try expectEqual(second.receiveCount, 2, "receive count")
        try expect(first.receipt != second.receipt, "each delivery has a receipt of its own")
      }
    },
    Case("the queue's own visibility holds when none is asked for") { suite in
      try await suite.with(visibility: 4) { bench in
        try expectEqual(try await bench.queue.visibility, bench.units(4), "the visibility that the queue tells")
        _ = try await bench.send("own")
        _ = try await bench.receiveOne()
        try await bench.pass(2)
        try await bench.expectNothing("half of the visibility has passed")
        try await bench.pass(3)
        _ = try await bench.receiveOne("the expired message")
      }
    },
    Case("a lease that is extended outlives its first deadline and ends at the new one") { suite in
      try await suite.with { bench in
        _ = try await bench.send("longer")
        let lease = try await bench.receiveOne(visibility: 3)
        try await bench.pass(1)
        try expectEqual(try await bench.queue.extend([lease], visibility: bench.units(5)), [.done], "extend")
        try await bench.pass(3)
        try await bench.expectNothing("the first deadline has passed, the new one not")
        try await bench.pass(3)
        try expectEqual(try await bench.receiveOne("the expired message").receiveCount, 2, "receive count")
      }
    },
    Case("a lease can be made shorter") { suite in
      try await suite.with(visibility: 20) { bench in
        _ = try await bench.send("shorter")
        let lease = try await bench.receiveOne(visibility: 20)
        try expectEqual(try await bench.queue.extend([lease], visibility: bench.units(1)), [.done], "extend")
        try await bench.pass(2)
        _ = try await bench.receiveOne("the message of the shortened lease")
      }
    },
    Case("the ends of an expired lease are lost, and change nothing for the new holder") { suite in
      try await suite.with { bench in
        _ = try await bench.send("stale")
        let stale = try await bench.receiveOne(visibility: 2)
        try await bench.pass(3)
        let held = try await bench.receiveOne("the expired message", visibility: 6)
        try expectEqual(try await bench.queue.extend([stale], visibility: bench.units(1)), [.lost], "extend")
        try expectEqual(try await bench.queue.abandon([stale], after: .zero), [.lost], "abandon")
        if bench.traits.abilities.contains(.deadLetter) {
          let reason = DeadLetterReason(code: "poison", message: "stale")
          try expectEqual(try await bench.queue.deadLetter([stale], reason: reason), [.lost], "deadLetter")
        }
        try expectEqual(try await bench.queue.complete([stale]), [.lost], "complete")
        try await bench.pass(2)
        try await bench.expectNothing("the new holder still holds it")
        try expectEqual(try await bench.queue.complete([held]), [.done], "complete by the new holder")
      }
    },
    Case("an expired lease is lost even before the message is handed out again") { suite in
      try await suite.with { bench in
        _ = try await bench.send("expired")
        let lease = try await bench.receiveOne(visibility: 1)
        try await bench.pass(2)
        try expectEqual(try await bench.queue.complete([lease]), [.lost], "complete")
        try expectEqual(try await bench.queue.extend([lease], visibility: bench.units(2)), [.lost], "extend")
        _ = try await bench.receiveOne("the expired message")
      }
    },
    Case("two consumers never hold one lease") { suite in
      try await suite.with(visibility: 60) { bench in
        let count = 40
        for n in 0..<count { _ = try await bench.send("m\(n)") }
        let held = try await withThrowingTaskGroup(of: [Lease].self) { group in
          for _ in 0..<4 {
            group.addTask {
              var held: [Lease] = []
              for _ in 0..<200 {
                let leases = try await bench.receive(3, visibility: 60)
                if leases.isEmpty { break }
                held += leases
              }
              return held
            }
          }
          return try await group.reduce(into: []) { $0 += $1 }
        }
        try expectEqual(Set(held.map(\.receipt)).count, held.count, "receipts")
        try expectEqual(Set(held.map(\.messageID)).count, held.count, "message ids among live leases")
        if bench.time.isManual { try expectEqual(held.count, count, "leases") }
      }
    },
    Case("a duplicate delivery has a lease of its own; the first end has the message", where: { $0.traits.duplicates })
    {
      suite in
      try await suite.with { bench in
        let duplicate = try unwrap(bench.fixture.duplicate, "the fixture's way to duplicate")
        let id = try await bench.send("twice")
        let first = try await bench.receiveOne(visibility: 6)
        try await duplicate(id)
        let second = try await bench.receiveOne("the duplicate", visibility: 6)
        try expectEqual(second.messageID, id, "message id")
        try expectEqual(second.receiveCount, 2, "receive count")
        try expect(first.receipt != second.receipt, "each delivery has a receipt of its own")
        try expectEqual(try await bench.queue.complete([first]), [.done], "the first end")
        try expectEqual(try await bench.queue.complete([second]), [.lost], "the second end")
        try await bench.pass(7)
        try await bench.expectNothing("the message was completed")
      }
    },
    Case("a lease cannot be extended past the queue's limit", where: { $0.traits.manualTime }) { suite in
      try await suite.with { bench in
        let longest = bench.queue.capabilities.maximumLease
        _ = try await bench.send("long")
        let lease = try await bench.receiveOne()
        for _ in 0..<2 {
          try await bench.time.pass(bench.units(2))
          try expectEqual(try await bench.queue.extend([lease], visibility: longest), [.done], "extend")
        }
        // Past the limit, though not past what was asked for last.
        try await bench.time.pass(longest - bench.units(1))
        try expectEqual(try await bench.queue.complete([lease]), [.lost], "complete past the limit")
        _ = try await bench.receiveOne("the message of the lease that ran into the limit")
      }
    },
  ]
}
