import HTTPTypes
import MemoryPlugins
import SDCore
import SDTestKit
import Testing

@testable import SDGateway

@Suite struct SubmitTests {
  @Test("A task is taken, published, and told where it is")
  func submits() async throws {
    let house = try House()
    let answer = await house.door().post("/v1/tasks", lighthouse.with(["id": "t1", "context": ["n": 1]]))
    #expect(answer.status == .created)
    #expect(answer.headers[.location] == "/v1/tasks/t1")
    let task = try TaskView(json: try await answer.json)
    #expect(task.id == "t1" && task.state == .queued && task.run == 1 && task.runtime == "sdruntime")
    #expect(task.context == ["n": 1])
    let request = try TaskMessage.decode(try #require(try await house.received().first).body)
    #expect(request.content == ["prompt": "a lighthouse"] && request.api == .v1)
  }

  @Test("A task without an id gets one that an id may be")
  func minted() async throws {
    let answer = try await (try House()).door().post("/v1/tasks", lighthouse).json
    #expect(answer["id"]?.string.map(TaskNaming.isTaskID) == true)
  }

  @Test("The same key and body is the same task; another body is a conflict", arguments: [nil, 600])
  func idempotency(lifetime: Int?) async throws {
    let clock = ManualClock()
    let house = try House(clocks: clock.clocks)
    let door = house.door()
    let body = lighthouse.with(["expires_in": lifetime.map(JSONValue.int)])
    let key: HTTPFields = [.idempotencyKey: "k 1"]
    let first = await door.post("/v1/tasks", body, headers: key)
    clock.advance(by: .seconds(5))
    let second = await door.post("/v1/tasks", body, headers: key)
    #expect(first.status == .created && second.status == .ok)
    #expect(try await first.json["id"] == second.json["id"])
    let other = await door.post("/v1/tasks", body.with(["content": ["prompt": "b"]]), headers: key)
    #expect(other.status == .conflict)
    #expect(other.headers[.contentType] == "application/problem+json")
    #expect(try await door.get("/v1/tasks").json["tasks"]?.array?.count == 1)
  }

  @Test("An id with the same body is the same task; with another it is a conflict")
  func sameID() async throws {
    let door = (try House()).door()
    let body = lighthouse.with(["id": "t1"])
    #expect(await door.post("/v1/tasks", body).status == .created)
    #expect(await door.post("/v1/tasks", body).status == .ok)
    #expect(await door.post("/v1/tasks", body.with(["type": "image-to-image"])).status == .conflict)
  }

  @Test("Everything that is wrong is told at once")
  func problems() async throws {
    let body: JSONValue = ["id": "a b", "type": "x", "content": 1, "prefix": "/x", "colour": "red"]
    let answer = await (try House()).door().post("/v1/tasks", body)
    #expect(answer.status == .unprocessableContent)
    let problem = try await answer.json
    #expect(problem["status"] == 422 && problem["instance"] == "/v1/tasks")
    let pointers = Set((problem["errors"]?.array ?? []).compactMap { $0["pointer"]?.string })
    #expect(pointers == ["/id", "/runtime", "/type", "/content", "/prefix", "/colour"])
  }

  @Test(
    "Prefixes that leave their place are refused",
    arguments: ["../x", "/x", "a//b", ".sd", "a/%2e%2e/b", "a\u{0}b", "a\\b"])
  func prefixes(prefix: String) async throws {
    let answer = await (try House()).door().post("/v1/tasks", lighthouse.with(["prefix": .string(prefix)]))
    #expect(answer.status == .unprocessableContent)
    #expect(try await answer.json["errors"]?.array?.first?["pointer"] == "/prefix")
  }

  @Test("An unknown runtime is refused, naming those that there are")
  func unknownRuntime() async throws {
    let answer = await (try House()).door().post("/v1/tasks", lighthouse.with(["runtime": "nobody"]))
    #expect(answer.status == .unprocessableContent)
    #expect(try await answer.text.contains("sdruntime-job"))
  }

  @Test("A high priority is refused where no queue is for it")
  func priority() async throws {
    let answer = await (try House()).door().post("/v1/tasks", lighthouse.with(["priority": "high"]))
    #expect(answer.status == .unprocessableContent)
    #expect(try await answer.json["errors"]?.array?.first?["pointer"] == "/priority")
  }

  @Test(
    "What is no JSON is a 400, however deep",
    arguments: ["", "{", "[1]", "{\"a\":}", String(repeating: "[", count: 100_000), "{\"a\":\"\u{1}\"}"])
  func malformed(text: String) async throws {
    let answer = await (try House()).door().respond(to: GatewayRequest(.post, "/v1/tasks", body: Array(text.utf8)))
    #expect(answer.status == .badRequest)
    #expect(answer.headers[.contentType] == "application/problem+json")
  }

  @Test("A body past the limit is a 413, on the older doors in plain text")
  func tooLarge() async throws {
    let door = (try House()).door(.init(host: "0.0.0.0", maximumBodyBytes: 100))
    let body = [UInt8](repeating: 0x20, count: 101)
    let ours = await door.respond(to: GatewayRequest(.post, "/v1/tasks", body: body))
    #expect(ours.status == .contentTooLarge && ours.headers[.contentType] == "application/problem+json")
    let theirs = await door.respond(to: GatewayRequest(.post, "/v1alpha2", body: body))
    #expect(theirs.status == .contentTooLarge && theirs.headers[.contentType]?.hasPrefix("text/plain") == true)
  }

  @Test("A task larger than the topic takes travels as a stub")
  func large() async throws {
    let house = try House()
    let image = String(repeating: "A", count: 1 << 20)
    let body = lighthouse.with(["id": "big", "content": ["init_images": [.string(image)]]])
    #expect(await house.door().post("/v1/tasks", body).status == .created)
    let sent = try #require(try await house.received().first)
    #expect(sent.body.count < 10_000 && SubmissionTicket(sent.attributes)?.isStub == true)
  }

  @Test("The trace goes on with the task")
  func trace() async throws {
    let house = try House()
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    _ = await house.door().post("/v1/tasks", lighthouse, headers: [HTTPField.Name("traceparent")!: parent])
    let amazon = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    _ = await house.door().post("/v1/tasks", lighthouse, headers: [HTTPField.Name("X-Amzn-Trace-Id")!: amazon])
    let attributes = try await house.received().map(\.attributes)
    #expect(attributes.count == 2)
    #expect(attributes.first?["traceparent"] == .string(parent))
    #expect(
      attributes.first?["AWSTraceHeader"]
        == "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1")
    #expect(attributes.last?["AWSTraceHeader"] == .string(amazon))
    #expect(
      attributes.last?["traceparent"] == "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01")
  }

  @Test("An answer that is to wait holds until the end")
  func waits() async throws {
    let house = try House()
    try await withDoor(house) { door in
      async let answer = door.post("/v1/tasks", lighthouse.with(["id": "t1"]), headers: [.prefer: "wait=30"])
      try await eventually("the record") { try await house.system.ledger.latest(TaskKey(id: "t1")) != nil }
      try await house.succeed("t1", with: [1, 2])
      let done = await answer
      #expect(done.status == .created && done.headers[.preferenceApplied] == "wait=30")
      #expect(try await done.json["state"] == "succeeded")
    }
  }

  @Test("An answer that has waited long enough tells how things stand")
  func waitsInVain() async throws {
    try await withDoor(try House()) { door in
      let answer = await door.post("/v1/tasks", lighthouse, headers: [.prefer: "respond-async, wait=0"])
      let state = try await answer.json["state"]
      #expect(answer.status == .created && state == "queued")
    }
  }

  @Test("The wait of a Prefer field is read among others, and nonsense is none")
  func prefer() {
    #expect(PreferField.wait("wait=5") == 5)
    #expect(PreferField.wait("respond-async, Wait = 7; x=1") == 7)
    for text in [nil, "", "wait", "wait=", "wait=-1", "wait=x", "wait=99999999999999999999"] {
      #expect(PreferField.wait(text) == nil)
    }
  }
}
