import MemoryPlugins
import SDCore
import SDTestKit
import Testing

@Suite struct MemoryQueueConformanceTests {
  static let standard = suite(.standard, [.delay, .fairShare, .deadLetter])
  static let fifo = suite(.fifo, [.groups, .deduplication, .deadLetter])
  static let bare = MessageQueueConformance(.init(abilities: [.delay, .fairShare], duplicates: true, operations: [])) {
    setup in
    let clock = ManualClock()
    let queue = MemorySystem(clocks: clock.clocks).queue(
      "q", configuration: .init(visibility: setup.visibility, deadLetters: .none))
    return fixture(queue, clock)
  }

  static func suite(
    _ kind: MemoryQueue.Configuration.Kind, _ abilities: QueueCapabilities.Ability
  ) -> MessageQueueConformance {
    MessageQueueConformance(.init(abilities: abilities, duplicates: true, operations: [])) { setup in
      let clock = ManualClock()
      let queue = MemorySystem(clocks: clock.clocks).queue(
        "q",
        configuration: .init(kind: kind, visibility: setup.visibility, maximumReceives: setup.maximumReceives ?? 1000))
      return fixture(queue, clock)
    }
  }

  static func fixture(_ queue: MemoryQueue, _ clock: ManualClock) -> MessageQueueConformance.Fixture {
    .init(queue: queue, deadLetters: queue.deadLetters, time: .manual(clock)) { queue.injectDuplicate(of: $0) }
  }

  @Test("A standard queue conforms", arguments: standard.cases)
  func standardQueue(_ testCase: MessageQueueConformance.Case) async throws { try await Self.standard.run(testCase) }

  @Test("A FIFO queue conforms", arguments: fifo.cases)
  func fifoQueue(_ testCase: MessageQueueConformance.Case) async throws { try await Self.fifo.run(testCase) }

  @Test("A queue without a dead-letter queue conforms", arguments: bare.cases)
  func bareQueue(_ testCase: MessageQueueConformance.Case) async throws { try await Self.bare.run(testCase) }
}

@Suite struct MemoryObjectStoreConformanceTests {
  static let plain = ObjectStoreConformance {
    let system = MemorySystem()
    return .init(store: system.store("b"), rival: system.store("b"))
  }
  static let prefixed = ObjectStoreConformance(.init(hugeBytes: 4 << 20)) {
    let system = MemorySystem()
    for key in ["neighbour", "a/", "a/é"] { try await system.store("b").put(key, [1]) }
    return .init(store: system.store("b", prefix: "a/é/../"), rival: system.store("b", prefix: "a/é/.."))
  }

  @Test("A store conforms", arguments: plain.cases)
  func plainStore(_ testCase: ObjectStoreConformance.Case) async throws { try await Self.plain.run(testCase) }

  @Test("A store under a prefix conforms", arguments: prefixed.cases)
  func prefixedStore(_ testCase: ObjectStoreConformance.Case) async throws { try await Self.prefixed.run(testCase) }
}

@Suite struct MemoryTaskLedgerConformanceTests {
  static let suite = TaskLedgerConformance {
    let clock = ManualClock()
    let system = MemorySystem(clocks: clock.clocks)
    let topic = system.topic("tasks")
    topic.subscribe(Subscription(queue: "q"))
    return .init(ledger: system.ledger, topic: topic, queue: system.queue("q"), time: .manual(clock))
  }

  @Test("The ledger conforms", arguments: suite.cases)
  func ledgerConforms(_ testCase: TaskLedgerConformance.Case) async throws { try await Self.suite.run(testCase) }
}

@Suite struct MemoryTopicConformanceTests {
  static let suite = EventTopicConformance { subscriptions in
    let clock = ManualClock()
    let system = MemorySystem(clocks: clock.clocks)
    let topic = system.topic("tasks")
    for subscription in subscriptions { topic.subscribe(subscription) }
    return .init(topic: topic, queues: subscriptions.map { system.queue($0.queue) }, time: .manual(clock))
  }

  @Test("The topic conforms", arguments: suite.cases)
  func topicConforms(_ testCase: EventTopicConformance.Case) async throws { try await Self.suite.run(testCase) }
}
