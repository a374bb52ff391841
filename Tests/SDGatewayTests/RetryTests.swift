import HTTPTypes
import MemoryPlugins
import SDCore
import SDTestKit
import Testing

@testable import SDGateway

@Suite("A retry") struct RetryTests {
  @Test("opens the next run with the same request, once however often it is repeated")
  func failed() async throws {
    let house = try House()
    let door = house.door()
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t1", "context": 7]))
    try await house.work("t1") { $0.state = .failed }
    let first = await door.post("/v1/tasks/t1/retry?run=1", [:])
    #expect(first.status == .created && first.headers[.location] == "/v1/tasks/t1?run=2")
    #expect(try await first.json["state"] == "queued")
    #expect(try await first.json["run"] == 2)
    #expect(try await first.json["context"] == 7)
    let again = await door.post("/v1/tasks/t1/retry?run=1", [:])
    #expect(again.status == .ok)
    #expect(try await again.json["run"] == 2)
    let ledger = house.system.ledger
    let before = try #require(try await ledger.read(RunKey(TaskKey(id: "t1"), run: 1)))
    let after = try #require(try await ledger.read(RunKey(TaskKey(id: "t1"), run: 2)))
    #expect(before.request == after.request && before.record.digest == after.record.digest)
    // The first submission is still known for what it was.
    #expect(await door.post("/v1/tasks", lighthouse.with(["id": "t1", "context": 7])).status == .ok)
  }

  @Test("of what has succeeded, not ended, or been followed is a conflict", arguments: [TaskState.succeeded, .running])
  func refused(state: TaskState) async throws {
    let house = try House()
    let door = house.door()
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t1"]))
    try await house.work("t1") { $0.state = state }
    #expect(await door.post("/v1/tasks/t1/retry", [:]).status == .conflict)
    #expect(await door.post("/v1/tasks/nobody/retry", [:]).status == .notFound)
  }

  @Test("lives as long as the run before was meant to")
  func expired() async throws {
    let clock = ManualClock()
    let house = try House(clocks: clock.clocks)
    let door = house.door()
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t1", "expires_in": 60]))
    clock.advance(by: .seconds(61))
    #expect(try await door.get("/v1/tasks/t1").json["state"] == "expired")
    #expect(await door.post("/v1/tasks/t1/retry", [:]).status == .created)
    clock.advance(by: .seconds(59))
    #expect(try await door.get("/v1/tasks/t1").json["state"] == "queued")
    clock.advance(by: .seconds(2))
    #expect(try await door.get("/v1/tasks/t1").json["state"] == "expired")
    // What was cancelled can be wanted after all.
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t2"]))
    _ = await door.delete("/v1/tasks/t2")
    #expect(try await door.post("/v1/tasks/t2/retry", [:]).json["run"] == 2)
  }
}
