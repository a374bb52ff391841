import HTTPTypes
import MemoryPlugins
import SDCore
import SDTestKit
import Testing

@testable import SDGateway

@Suite struct PriorityTests {
  private static let catalog = RuntimeCatalog([
    .init(name: "sdruntime", engine: "test-pattern", model: "m.safetensors", priorityQueue: "sdruntime-high"),
    .init(name: "plain", engine: "test-pattern"),
  ])

  @Test("Urgent tasks go to the queue for them and no other, by runtime and by model")
  func routes() async throws {
    let house = try House(catalog: Self.catalog)
    let door = house.door()
    for change in [["id": "a"], ["id": "b", "priority": "normal"], ["id": "c", "priority": "high"]]
      as [[String: JSONValue?]]
    {
      #expect(await door.post("/v1/tasks", lighthouse.with(change)).status == .created)
    }
    let byModel = lighthouse.with(["id": "d", "priority": "high", "runtime": nil, "model": "m.safetensors"])
    #expect(await door.post("/v1/tasks", byModel).status == .created)
    let urgent = try await house.system.queue("sdruntime-high").receive(max: 10, wait: .zero, visibility: nil)
    #expect(try Set(urgent.map { try TaskMessage.decode($0.body).key.id }) == ["c", "d"])
    #expect(try await Set(house.received().map { try TaskMessage.decode($0.body).key.id }) == ["a", "b"])
    #expect(try await door.get("/v1/tasks/c").json["priority"] == "high")
  }

  @Test("A runtime without such a queue, and a key that may not, are told so")
  func refused() async throws {
    let plain = lighthouse.with(["runtime": "plain", "priority": "high"])
    let answer = await (try House(catalog: Self.catalog)).door().post("/v1/tasks", plain)
    #expect(answer.status == .unprocessableContent)
    #expect(try await answer.json["errors"]?.array?.first?["pointer"] == "/priority")
    let key = APIKey(name: "k", digests: [SecretDigest(of: "k")], mayHurry: false)
    let door = (try House(catalog: Self.catalog, keys: [key])).door()
    let urgent = lighthouse.with(["priority": "high"])
    #expect(await door.post("/v1/tasks", urgent, headers: [.apiKey: "k"]).status == .unprocessableContent)
  }

  @Test("What is urgent is handed out first, and leases find their way back")
  func order() async throws {
    let house = try House(catalog: Self.catalog)
    let (urgent, ordinary) = (house.system.queue("sdruntime-high"), house.queue)
    let both = UrgentFirstQueue(urgent: urgent, ordinary: ordinary)
    for name in ["a", "b", "c", "d"] { try await ordinary.send(OutgoingMessage(body: Array(name.utf8))) }
    for name in ["x", "y"] { try await urgent.send(OutgoingMessage(body: Array(name.utf8))) }
    func receive() async throws -> Lease {
      try #require(try await both.receive(max: 1, wait: .zero, visibility: nil).first)
    }
    let leases = [try await receive(), try await receive(), try await receive(), try await receive()]
    #expect(leases.map { String(decoding: $0.body, as: UTF8.self) } == ["x", "y", "a", "b"])
    #expect(try await both.extend([leases[2], leases[0]], visibility: .seconds(30)) == [.done, .done])
    #expect(try await both.complete([leases[0], leases[2], leases[3]]) == [.done, .done, .done])
    #expect(try await both.complete([leases[0], leases[2]]) == [.lost, .lost])
    #expect(try await both.deadLetter([leases[1]], reason: .init(code: "poison", message: "x")) == [.done])
    #expect(try await urgent.stats().dead == 1)
    #expect(try await ordinary.stats().waiting == 2)
  }

  @Test("An urgent message wakes who waits at both within a turn")
  func waits() async throws {
    let clock = ManualClock()
    let house = try House(catalog: Self.catalog, clocks: clock.clocks)
    let urgent = house.system.queue("sdruntime-high")
    let both = UrgentFirstQueue(urgent: urgent, ordinary: house.queue, clocks: clock.clocks)
    async let received = both.receive(max: 1, wait: .seconds(20), visibility: nil)
    try await eventually("somebody who waits") { clock.sleepers > 0 }
    try await urgent.send(OutgoingMessage(body: [1]))
    clock.advance(by: .seconds(2))
    #expect(try await received.map(\.body) == [[1]])
  }
}
