import HTTPTypes
import MemoryPlugins
import SDCore
import Testing

@testable import SDGateway

@Suite struct BatchTests {
  @Test("Each task of a batch has an outcome of its own, in their order")
  func outcomes() async throws {
    let house = try House()
    let door = house.door()
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "known"]))
    let tasks: [JSONValue] = [
      lighthouse.with(["id": "t1"]), lighthouse.with(["type": "x"]), 7, lighthouse.with(["id": "known"]),
      lighthouse.with(["id": "known", "type": "pipeline"]), lighthouse.with(["runtime": "nobody"]),
    ]
    let answer = await door.post("/v1/tasks:batch", ["tasks": .array(tasks)])
    #expect(answer.status == .ok)
    let results = try await answer.json["results"]?.array ?? []
    #expect(results.map { $0["status"]?.int } == [201, 422, 400, 200, 409, 422])
    #expect(results.map { $0["task"]?["id"]?.string } == ["t1", nil, nil, "known", nil, nil])
    #expect(results[1]["problem"]?["errors"]?.array?.first?["pointer"] == "/type")
    #expect(results[1]["problem"]?["instance"] == "/v1/tasks:batch#/tasks/1")
    #expect(try await house.system.ledger.page(.init()).records.count == 2)
  }

  @Test("A hundred are taken, one more is not, nor none", arguments: [(100, 200), (101, 422), (0, 422)])
  func sizes(count: Int, status: Int) async throws {
    let house = try House()
    let tasks = (0..<count).map { lighthouse.with(["id": .string("t\($0)")]) }
    #expect(await house.door().post("/v1/tasks:batch", ["tasks": .array(tasks)]).status.code == status)
    #expect(try await house.system.ledger.page(.init(limit: 1000)).records.count == (status == 200 ? count : 0))
  }

  @Test("What is no batch is refused", arguments: [[:], ["tasks": 1], ["tasks": [], "x": 1], [1]] as [JSONValue])
  func none(body: JSONValue) async throws {
    let status = await (try House()).door().post("/v1/tasks:batch", body).status
    #expect(status == (body.object == nil ? .badRequest : .unprocessableContent))
  }

  @Test("A batch with an idempotency key is safe to repeat")
  func idempotency() async throws {
    let house = try House()
    let door = house.door()
    let batch: JSONValue = ["tasks": [lighthouse, lighthouse, lighthouse]]
    var ids: [[String]] = []
    for status in [201, 200] {
      let results = try await door.post("/v1/tasks:batch", batch, headers: [.idempotencyKey: "k"]).json["results"]
      #expect(results?.array?.map { $0["status"]?.int } == [status, status, status])
      ids.append(results?.array?.compactMap { $0["task"]?["id"]?.string } ?? [])
    }
    #expect(ids[0] == ids[1] && Set(ids[0]).count == 3)
  }
}
