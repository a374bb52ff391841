import AWSPlugins
import MemoryPlugins
import SDCore
import SDTestKit
import Testing

/// The contract's own suite over moto, and, with time passing by hand, over a store in memory.
@Suite struct LedgerConformanceTests {
  static let remote = TaskLedgerConformance(.init(manualTime: false, publishesAtomically: false)) {
    let (store, rival) = try await MotoAccount.stores()
    let client = try MotoAccount.client()
    let subscribed = try await MotoTopic.make([.init(queue: "q")], client)
    return .init(
      ledger: ObjectTaskLedger(store: store), rival: ObjectTaskLedger(store: rival), topic: subscribed.topic,
      queue: subscribed.queues[0], time: .real)
  }

  static let local = TaskLedgerConformance(.init(publishes: false, publishesAtomically: false)) {
    let clock = ManualClock()
    let system = MemorySystem(clocks: clock.clocks)
    func ledger() -> ObjectTaskLedger { ObjectTaskLedger(store: system.store("ledger"), clocks: clock.clocks) }
    return .init(ledger: ledger(), rival: ledger(), time: .manual(clock))
  }

  @Test(.enabled(if: MotoAccount.isThere), arguments: remote.cases)
  func conformsOnS3(_ testCase: TaskLedgerConformance.Case) async throws {
    try await MotoAccount.turnstile.pass { try await Self.remote.run(testCase) }
  }

  @Test(arguments: local.cases)
  func conformsOnAnyStore(_ testCase: TaskLedgerConformance.Case) async throws { try await Self.local.run(testCase) }
}
