import SDCore
import SDTestKit
import Testing

@testable import LocalPlugins

/// What the contract's suite does not ask of topics: subscriptions that change, and rivals.
@Suite struct LocalTopicTests {
  @Test func subscriptionsHoldForEveryProcessAndChangeAtOnce() async throws {
    let directory = try TemporaryDirectory()
    let (mine, theirs) = (try directory.database(), try directory.database())
    let (topic, rival) = (LocalTopic("t", in: mine), LocalTopic("t", in: theirs))
    let filter = try FilterPolicy(["runtime": ["a"]], scope: .attributes)
    try await topic.replaceSubscriptions([.init(queue: "a", filter: filter), .init(queue: "all", rawDelivery: false)])
    #expect(
      try await rival.subscriptions() == [.init(queue: "a", filter: filter), .init(queue: "all", rawDelivery: false)])

    func counts() async throws -> [Int] {
      [
        try await LocalQueue("a", in: mine).stats().waiting, try await LocalQueue("all", in: mine).stats().waiting,
        try await LocalQueue("new", in: mine).stats().waiting,
      ]
    }
    try await rival.publish(Publication(body: [0x31], attributes: ["runtime": "a"]))
    #expect(try await counts() == [1, 1, 0])
    try await topic.unsubscribe(queue: "a")
    try await topic.subscribe(.init(queue: "new"))
    try await rival.publish(Publication(body: [0x31], attributes: ["runtime": "a"]))
    #expect(try await counts() == [1, 2, 1])
    try await LocalTopic("other", in: mine).publish(Publication(body: [0x31]))
    #expect(try await counts() == [1, 2, 1])
  }

  @Test func aQueueOfGroupsGetsAGroupWithEveryPublication() async throws {
    let directory = try TemporaryDirectory()
    let database = try directory.database()
    let topic = LocalTopic("t", in: database)
    try await topic.subscribe(.init(queue: "q.fifo"))
    let id = try await topic.publish(Publication(body: [0x31]))
    try await topic.publish(Publication(body: [0x32], groupID: "g"))
    let queue = LocalQueue("q.fifo", in: database, settings: .init(isFIFO: true))
    let leases = try await queue.receive(max: 10, wait: .zero, visibility: nil)
    #expect(leases.map(\.groupID) == [id, "g"])
  }
}
