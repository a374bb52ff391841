import HTTPTypes
import MemoryPlugins
import SDCore
import Testing

@testable import SDGateway

@Suite struct DetailTests {
  private static let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

  @Test("A task's request is what would make it again")
  func request() async throws {
    let door = (try House()).door()
    let body = lighthouse.with([
      "id": "t1", "context": ["a": 1], "content": ["prompt": "x", "seed": .number(.init(UInt64.max))],
    ])
    _ = await door.post("/v1/tasks", body)
    let told = try await door.get("/v1/tasks/t1/request").json
    #expect(told["content"] == body["content"] && told["type"] == body["type"] && told["context"] == body["context"])
    #expect(told["runtime"] == "sdruntime" && told["id"] == nil)
    #expect(await door.post("/v1/tasks", told).status == .created)
    // The earlier doors' tasks are told in our own form.
    _ = await door.post("/v1alpha2", LegacyDoorTests.task)
    let legacy = try await door.get("/v1/tasks/test-t2i/request").json
    #expect(legacy["type"] == "text-to-image" && legacy["content"] == LegacyDoorTests.task["task"]?["content"])
    #expect(await door.get("/v1/tasks/nobody/request").status == .notFound)
  }

  @Test("A manifest is told once there is one")
  func manifest() async throws {
    let house = try House()
    let door = house.door()
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t1"]))
    #expect(await door.get("/v1/tasks/t1/manifest").status == .notFound)
    try await house.succeed("t1", with: [1])
    let manifest: JSONValue = ["id": "t1", "engine": ["model": "m"]]
    try await house.store.put("t1/t1.json", manifest.serialized())
    #expect(try await door.get("/v1/tasks/t1/manifest").json == manifest)
  }

  @Test("A trace is told by its id, with its spans where they are kept here")
  func trace() async throws {
    let house = try House()
    let door = house.door()
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t1"]), headers: [.init("traceparent")!: Self.parent])
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t2"]))
    let told = try await door.get("/v1/tasks/t1/trace").json
    let id = "0af7651916cd43dd8448eb211c80319c"
    #expect(told == ["trace_id": .string(id), "xray_id": "1-0af76519-16cd43dd8448eb211c80319c"])
    #expect(try await door.get("/v1/tasks/t1").json["trace_id"] == .string(id))
    #expect(await door.get("/v1/tasks/t2/trace").status == .notFound)
    var services = house.services
    let span = FinishedSpan(
      traceID: try #require(TraceID(id)), spanID: .make(), service: "s", name: "n", startNanoseconds: 1,
      endNanoseconds: 2)
    services.spans = KeptSpans(spans: [span])
    let keeping = FrontDoor(configuration: .init(host: "0.0.0.0"), services: services, logger: house.logger)
    #expect(try await keeping.get("/v1/tasks/t1/trace").json["spans"] == [span.json])
  }

  @Test("An output has a link that needs no key where its store has such")
  func link() async throws {
    let house = try House()
    let door = house.door()
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t1"]))
    try await house.succeed("t1", with: [1])
    #expect(await door.get("/v1/tasks/t1/outputs/2/link").status == .notFound)
    // The one in memory has none that a browser could open.
    #expect(await door.get("/v1/tasks/t1/outputs/1/link").status == .notFound)
  }

  @Test("A title is the beginning of a prompt, and a graph has none")
  func title() async throws {
    let door = (try House()).door()
    let long = String(repeating: "é", count: 200)
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t1", "content": ["prompt": .string(long)]]))
    let title = try #require(try await door.get("/v1/tasks/t1").json["title"]?.string)
    #expect(long.hasPrefix(title) && title.utf8.count <= 160 && title.utf8.count > 150)
    let graph: JSONValue = ["prompt": ["1": ["class_type": "SaveImage", "inputs": [:]]]]
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t2", "type": "pipeline", "content": graph]))
    #expect(try await door.get("/v1/tasks/t2").json["title"] == nil)
  }
}

private struct KeptSpans: SpanArchive {
  let spans: [FinishedSpan]
  func spans(of trace: TraceID, limit: Int) async throws -> [FinishedSpan] { spans.filter { $0.traceID == trace } }
}
