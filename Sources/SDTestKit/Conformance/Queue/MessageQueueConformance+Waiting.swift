import SDCore

extension MessageQueueConformance {
  static let waitCases: [Case] = [
    Case("a waiting receive wakes when a message is sent") { suite in
      try await suite.with { bench in
        let received = try await withThrowingTaskGroup(of: [Lease].self) { group in
          group.addTask { try await bench.queue.receive(max: 1, wait: bench.units(2), visibility: nil) }
          // Either order of the two is right: the message must come without time passing.
          if case .manual(let clock) = bench.time { try await clock.untilSleepers(1) }
          _ = try await bench.send("wake")
          return try await group.next() ?? []
        }
        if bench.time.isManual { try expectEqual(received.map(\.text), ["wake"], "what the waiting receive got") }
      }
    },
    Case("a waiting receive ends empty-handed when its wait is over") { suite in
      try await suite.with { bench in
        let leases = try await bench.time.running {
          try await bench.queue.receive(max: 1, wait: bench.units(2), visibility: nil)
        }
        try expect(leases.isEmpty, "nothing was sent")
      }
    },
    Case("a waiting receive gets a message whose lease expires meanwhile") { suite in
      try await suite.with { bench in
        _ = try await bench.send("expiring")
        let first = try await bench.receiveOne(visibility: 1)
        let leases = try await bench.receiveWhenDue(after: 1)
        try expectEqual(leases.map(\.messageID), [first.messageID], "what the waiting receive got")
      }
    },
    Case("one message wakes one of several waiting receives", where: { $0.traits.manualTime }) { suite in
      try await suite.with(visibility: 60) { bench in
        guard case .manual(let clock) = bench.time else { return }
        let counts = try await withThrowingTaskGroup(of: Int.self) { group in
          for _ in 0..<4 {
            group.addTask {
              try await bench.queue.receive(max: 1, wait: bench.units(1), visibility: bench.units(60)).count
            }
          }
          try await clock.untilSleepers(4)
          _ = try await bench.send("one")
          let first = try await group.next() ?? 0
          try expectEqual(first, 1, "what the woken receive got")
          try await clock.untilSleepers(3)
          clock.advance(by: bench.units(2))
          return try await group.reduce(into: [first]) { $0.append($1) }
        }
        try expectEqual(counts.reduce(0, +), 1, "leases of one message")
      }
    },
    Case("a cancelled receive ends, and no message is lost by it") { suite in
      try await suite.with { bench in
        let waiting = Task { try await bench.queue.receive(max: 1, wait: bench.units(2), visibility: bench.units(1)) }
        if case .manual(let clock) = bench.time { try await clock.untilSleepers(1) }
        waiting.cancel()
        do {
          let leases = try await waiting.value
          try expect(leases.isEmpty, "a cancelled receive hands out nothing")
        } catch is CancellationError {}
        _ = try await bench.send("kept")
        try await bench.pass(2)
        try expectEqual(try await bench.receiveOne("the message sent after the cancelled receive").text, "kept", "body")
      }
    },
    Case("a delayed message comes when its delay has passed", where: { $0.has(.delay) }) { suite in
      try await suite.with { bench in
        _ = try await bench.send("late", delay: 3)
        _ = try await bench.send("soon")
        try expectEqual(try await bench.receiveOne("the undelayed message", visibility: 20).text, "soon", "body")
        try await bench.expectNothing("the delay has not passed")
        if bench.traits.exactStats { try expectEqual(try await bench.queue.stats().delayed, 1, "delayed") }
        try await bench.pass(4)
        try expectEqual(try await bench.receiveOne("the delayed message").text, "late", "body")
      }
    },
    Case("a waiting receive gets a message whose delay ends meanwhile", where: { $0.has(.delay) }) { suite in
      try await suite.with { bench in
        _ = try await bench.send("late", delay: 1)
        let leases = try await bench.receiveWhenDue(after: 1)
        try expectEqual(leases.map(\.text), ["late"], "what the waiting receive got")
      }
    },
    Case("a delay is refused where it cannot be kept", where: { !$0.has(.delay) }) { suite in
      try await suite.with { bench in
        try await expectError(.unsupported, from: "a send with a delay") { try await bench.send("late", delay: 3) }
        try await bench.expectNothing("the message was refused")
      }
    },
  ]
}

extension Bench {
  /// A waiting receive that must end when something becomes due, not when its wait is over.
  fileprivate func receiveWhenDue(after units: Int) async throws -> [Lease] {
    let wait = min(self.units(4), queue.capabilities.maximumWait)
    let start = time.clocks.instant
    let leases = try await time.running { try await queue.receive(max: 1, wait: wait, visibility: nil) }
    if time.isManual {
      let waited = start.duration(to: time.clocks.instant)
      try expect(waited >= self.units(units) && waited < wait, "it waited \(waited), due after \(self.units(units))")
    }
    return leases
  }
}
