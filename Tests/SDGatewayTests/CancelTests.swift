import HTTPTypes
import MemoryPlugins
import SDCore
import SDTestKit
import Testing

@testable import SDGateway

@Suite struct CancelTests {
  @Test("A queued task is cancelled at once, and announced")
  func queued() async throws {
    let house = try House()
    let door = house.door()
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t1"]))
    let answer = await door.delete("/v1/tasks/t1")
    #expect(answer.status == .ok)
    #expect(try await answer.json["state"] == "cancelled")
    #expect(try await answer.json["error"]?["code"] == "cancelled")
    let record = try #require(try await house.system.ledger.latest(TaskKey(id: "t1"))?.record)
    #expect(record.announced && record.notice != nil && record.finishedAt != nil)
    #expect(try await JSONValue(parsing: house.store.get("t1/t1.out").bytes)["parameters"]?["status"] == 0)
    let notices = try await house.announced()
    #expect(notices.count == 1 && notices.first?["state"] == "cancelled" && notices.first?["result"] == false)
    #expect(await door.delete("/v1/tasks/t1").status == .conflict)
    #expect(try await house.announced().isEmpty)
  }

  @Test("A running task is asked to stop, as often as one asks")
  func running() async throws {
    let house = try House()
    let door = house.door()
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t1"]))
    try await house.work("t1") { $0.state = .running }
    for _ in 0..<2 {
      let answer = await door.delete("/v1/tasks/t1")
      #expect(answer.status == .accepted)
      #expect(try await answer.json["cancel_requested"] == true)
    }
    #expect(try await house.system.ledger.latest(TaskKey(id: "t1"))?.record.cancelRequested == true)
    #expect(try await house.announced().isEmpty)
  }

  @Test("An ended task is past it", arguments: [TaskState.succeeded, .failed])
  func ended(state: TaskState) async throws {
    let house = try House()
    let door = house.door()
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t1"]))
    try await house.work("t1") { $0.state = state }
    #expect(await door.delete("/v1/tasks/t1").status == .conflict)
    #expect(try await house.system.ledger.latest(TaskKey(id: "t1"))?.record.state == state)
  }

  @Test("A task that nobody submitted is a 404", arguments: ["nobody", "a%20b", "..%2f", "%2e%2e"])
  func absent(id: String) async throws {
    #expect(await (try House()).door().delete("/v1/tasks/\(id)").status == .notFound)
  }

  @Test("A cancel stands although its announcement does not get through; that is left to the worker")
  func unannounced() async throws {
    let house = try House(events: BrokenTopic())
    let door = house.door()
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t1"]))
    #expect(await door.delete("/v1/tasks/t1").status == .ok)
    let record = try #require(try await house.system.ledger.latest(TaskKey(id: "t1"))?.record)
    #expect(record.state == .cancelled && record.notice != nil && !record.announced)
  }

  @Test("A task past its time is written and announced by whoever looks")
  func expired() async throws {
    let clock = ManualClock()
    let house = try House(clocks: clock.clocks)
    let door = house.door()
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t1", "expires_in": 60]))
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t2", "expires_in": 60]))
    clock.advance(by: .seconds(61))
    #expect(try await door.get("/v1/tasks?state=expired").json["tasks"]?.array?.count == 2)
    #expect(try await door.get("/v1/tasks?state=queued").json["tasks"] == [])
    #expect(try await door.get("/v1/tasks/t1").json["state"] == "expired")
    #expect(try await house.system.ledger.latest(TaskKey(id: "t1"))?.record.state == .expired)
    #expect(try await house.announced().map { $0["id"] } == ["t1"])
    #expect(await door.delete("/v1/tasks/t2").status == .conflict)
  }

  private struct BrokenTopic: EventTopic {
    var name: String { "broken" }
    var maximumBytes: Int { 1000 }
    func publish(_ publication: Publication) async throws -> String { throw SDError(.unavailable, "publishing") }
  }
}
