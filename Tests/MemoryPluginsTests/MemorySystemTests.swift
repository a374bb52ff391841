import MemoryPlugins
import SDCore
import SDTestKit
import Testing

@Suite struct MemorySystemTests {
  @Test("A name means one system, and in it one queue, topic and bucket")
  func names() async throws {
    let name = "shared-\(UInt64.random(in: 0...UInt64.max))"
    let system = MemorySystem.named(name)
    #expect(MemorySystem.named(name) === system && MemorySystem.named(name + "x") !== system)
    #expect(system.queue("q") === system.queue("q") && system.topic("t") === system.topic("t"))
    try await system.store("b").put("k", [1])
    #expect(try await system.store("b").get("k").bytes == [1])
    await #expect(throws: SDError.self) { try await system.store("other").get("k") }
    #expect(try await system.store("b", prefix: "p").keys == [])
    #expect(system.queueNames == ["q", "q-dlq"])
  }

  @Test("A queue's letters are in the queue of its name, where they can be received")
  func letters() async throws {
    let system = MemorySystem(clocks: ManualClock().clocks)
    let queue = system.queue("q", configuration: .init(deadLetters: .named("letters")))
    try await queue.send(OutgoingMessage(body: [1]))
    _ = try await queue.deadLetter(
      try await queue.receive(max: 1, wait: .zero, visibility: nil), reason: .init(code: "poison", message: "x"))
    #expect(try await system.queue("letters").receive(max: 1, wait: .zero, visibility: nil).count == 1)
    #expect(!system.queue("letters").capabilities.abilities.contains(.deadLetter))
    #expect(system.queue("own", configuration: .init(deadLetters: .named("own"))).deadLetters == nil)
  }

  @Test("A subscription can be replaced and ended")
  func subscriptions() async throws {
    let system = MemorySystem()
    let topic = system.topic("t")
    topic.subscribe(Subscription(queue: "q", rawDelivery: false))
    topic.subscribe(Subscription(queue: "q"))
    #expect(topic.subscriptions == [Subscription(queue: "q")])
    try await topic.publish(Publication(body: Array("x".utf8)))
    topic.unsubscribe(queue: "q")
    try await topic.publish(Publication(body: Array("y".utf8)))
    #expect(try await system.queue("q").receive(max: 10, wait: .zero, visibility: nil).map(\.body) == [Array("x".utf8)])
  }

  @Test("A FIFO queue hears a topic, one message for each publication")
  func fifo() async throws {
    let system = MemorySystem()
    let queue = system.queue("q", configuration: .init(kind: .fifo))
    let topic = system.topic("t")
    topic.subscribe(Subscription(queue: "q"))
    for body in ["a", "a", "b"] { try await topic.publish(Publication(body: Array(body.utf8), groupID: "g")) }
    try await topic.publish(Publication(body: Array("c".utf8)))
    #expect(try await queue.stats().waiting == 4)
    #expect(try await queue.receive(max: 10, wait: .zero, visibility: nil).count == 2)
  }

  @Test("Thousands of messages pass in bounded time, with many groups or with one", arguments: [1, 5000])
  func many(groups: Int) async throws {
    let queue = MemorySystem().queue("q", configuration: .init(kind: .fifo))
    for n in 0..<5000 { try await queue.send(OutgoingMessage(body: [], groupID: "g\(n % groups)")) }
    var count = 0
    while true {
      let leases = try await queue.receive(max: 10, wait: .zero, visibility: nil)
      if leases.isEmpty { break }
      count += leases.count
      _ = try await queue.complete(leases)
    }
    #expect(count == 5000)
    #expect(try await queue.stats() == QueueStats(waiting: 0, inFlight: 0, delayed: 0, dead: 0))
  }

  @Test("A send and a receive that asks for nonsense are refused")
  func nonsense() async throws {
    let queue = MemorySystem().queue("q")
    await #expect(throws: SDError.self) { try await queue.receive(max: 0, wait: .zero, visibility: nil) }
    await #expect(throws: SDError.self) {
      try await queue.complete(
        (0..<11).map { _ in
          Lease(
            receipt: "", messageID: "", body: [], attributes: [:], receiveCount: 1, sentAt: nil,
            deadline: .init(sinceOrigin: .zero))
        })
    }
  }
}

extension MemoryObjectStore {
  fileprivate var keys: [String] {
    get async throws { try await list(prefix: "", after: nil, limit: 1000).objects.map(\.key) }
  }
}
