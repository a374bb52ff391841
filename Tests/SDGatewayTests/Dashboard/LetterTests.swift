import HTTPTypes
import MemoryPlugins
import SDCore
import Testing

@testable import SDGateway

@Suite struct LetterTests {
  private static let path = "/v1/runtimes/sdruntime/dead-letters"

  /// A system with letters of some tasks.
  private func house(_ ids: [String], keys: [APIKey]? = nil) async throws -> (House, FrontDoor) {
    let house = try House(keys: keys)
    let door = house.door()
    for id in ids {
      let submitted = await door.post(
        "/v1/tasks", lighthouse.with(["id": .string(id)]), headers: keys == nil ? [:] : [.apiKey: "o"])
      #expect(submitted.status == .created)
      let leases = try await house.received()
      _ = try await house.queue.deadLetter(leases, reason: DeadLetterReason(code: "engine_failed", message: "it broke"))
    }
    return (house, door)
  }

  @Test("Letters are listed with their reasons and tasks, redriven to their queue, or dropped")
  func handles() async throws {
    let (house, door) = try await house(["t1", "t2", "t3"])
    let listed = try await door.get(Self.path).json["letters"]?.array ?? []
    #expect(listed.map { $0["task"] } == ["t1", "t2", "t3"])
    #expect(listed.allSatisfy { $0["code"] == "engine_failed" && $0["reason"] == "it broke" && $0["run"] == 1 })
    let ids = listed.compactMap { $0["id"] }
    let redriven = await door.post("\(Self.path):redrive", ["ids": .array([ids[0], "nobody"])])
    #expect(redriven.status == .ok)
    #expect(try await redriven.json == ["redriven": [ids[0]], "missing": ["nobody"], "failed": [:]])
    #expect(try await house.received().map { try TaskMessage.decode($0.body).key.id } == ["t1"])
    let dropped = try await door.post("\(Self.path):drop", ["code": "engine_failed"]).json
    #expect(Set((dropped["dropped"]?.array ?? []).compactMap(\.string)) == Set(ids[1...].compactMap(\.string)))
    #expect(try await door.get(Self.path).json == ["letters": []])
  }

  @Test(
    "What does not say clearly which letters moves none",
    arguments: [
      [:], ["all": false], ["ids": []], ["ids": [1]], ["code": 1], ["all": true, "code": "x"], ["some": true],
    ] as [JSONValue])
  func unclear(body: JSONValue) async throws {
    let (_, door) = try await house(["t1"])
    for verb in ["redrive", "drop"] {
      let answer = await door.post("\(Self.path):\(verb)", body)
      #expect(answer.status == .unprocessableContent)
      #expect(try await answer.json["errors"]?.array?.isEmpty == false)
    }
    #expect(try await door.get(Self.path).json["letters"]?.array?.count == 1)
  }

  @Test("Letters are for operators: other keys, and whom another gate let in, are told so")
  func operators() async throws {
    let keys = [
      APIKey(name: "o", digests: [SecretDigest(of: "o")], mayOperate: true),
      APIKey(name: "plain", digests: [SecretDigest(of: "p")]),
    ]
    let (_, door) = try await house(["t1"], keys: keys)
    #expect(await door.get(Self.path).status == .unauthorized)
    #expect(await door.get(Self.path, headers: [.apiKey: "p"]).status == .forbidden)
    for verb in ["redrive", "drop"] {
      let answer = await door.post("\(Self.path):\(verb)", ["all": true], headers: [.apiKey: "p"])
      #expect(answer.status == .forbidden && answer.headers[.contentType] == "application/problem+json")
    }
    #expect(try await door.get(Self.path, headers: [.apiKey: "o"]).json["letters"]?.array?.count == 1)
    var fromAPIGateway = GatewayRequest(.get, Self.path)
    fromAPIGateway.letInAs = "key-1"
    #expect(await (try await house([]).1).respond(to: fromAPIGateway).status == .forbidden)
  }

  @Test("Runtimes that are not there, and those whose letters cannot be reached, are a 404")
  func nowhere() async throws {
    let (_, door) = try await house([])
    #expect(await door.get("/v1/runtimes/nobody/dead-letters").status == .notFound)
    #expect(await door.get("/v1/runtimes/sdruntime-job/dead-letters").status == .notFound)
    #expect(await door.get("\(Self.path)?limit=0").status == .badRequest)
  }
}
