import HTTPTransport
import ImageKit
import SDCore
import SDTestKit
import Synchronization
import Testing

@testable import SDClient

/// What the client does when a server is slow, away, or asks to be left alone.
@Suite(.timeLimit(.minutes(2))) struct ClientTests {
  private static let task =
    #"{"id":"t1","run":1,"type":"text-to-image","state":"STATE","attempts":0,"#
    + #""cancel_requested":false,"created_at":"2026-01-01T00:00:00Z","timings":{},"outputs":[]}"#
  private static func task(_ state: String) -> String { task.replacing("STATE", with: state) }
  private static let submission = TaskSubmission(runtime: "r", type: .textToImage, content: [:])

  @Test("A stream that broke goes on where it was, and does so when the server says")
  func resumes() async throws {
    let server = try ScriptedHTTPServer { request in
      let isFirst = request.header("Last-Event-ID") == nil
      let event =
        isFirst
        ? "retry: 1\nid: 1-a\nevent: state\ndata: \(Self.task("queued"))\n\nid: 1-b\nevent: state\nda"
        : "id: 1-c\nevent: end\ndata: \(Self.task("succeeded"))\n\n"
      return .chunked(headers: [("Content-Type", "text/event-stream")], [event])
    }
    defer { server.stop() }
    var states: [TaskState] = []
    for try await event in try SDClient(server.url).events("t1") {
      switch event {
      case .state(let task), .end(let task): states.append(task.state)
      case .progress, .preview: break
      }
    }
    #expect(states == [.queued, .succeeded])
    // The event that was cut off does not count.
    #expect(server.requests.map { $0.header("Last-Event-ID") } == [nil, "1-a"])
  }

  @Test("A state that is not understood ends the waiting")
  func unreadable() async throws {
    let server = try ScriptedHTTPServer { _ in
      let event = "retry: 1\nid: 1\nevent: end\ndata: \(Self.task("dreaming"))\n\n"
      return .chunked(headers: [("Content-Type", "text/event-stream")], [event])
    }
    defer { server.stop() }
    let error = await #expect(throws: SDClientError.self) { try await SDClient(server.url).wait("t1") }
    #expect(error?.code == .unexpected && server.requests.count == 1)
  }

  @Test("A call is made again after the time that the server asks for, with the same key")
  func retryAfter() async throws {
    let server = try ScriptedHTTPServer(answers: [
      .respond(status: 429, headers: [("Retry-After", "1")], body: "{}"), .reset,
      .respond(status: 201, body: Self.task("queued")),
    ])
    defer { server.stop() }
    let pauses = Mutex<[Duration]>([])
    var client = try SDClient(server.url)
    client.sleep = { pause in pauses.withLock { $0.append(pause) } }
    #expect(try await client.submit(Self.submission).state == .queued)
    // As long as the server asks for, and of its own accord when the connection breaks.
    let waited = pauses.withLock { $0 }
    #expect(waited.count == 2)
    #expect(waited.first.map { (Duration.seconds(1)...Duration.milliseconds(1100)).contains($0) } == true)
    #expect(waited.last.map { (Duration.milliseconds(400)...Duration.milliseconds(500)).contains($0) } == true)
    let keys = Set(server.requests.map { $0.header("Idempotency-Key") })
    #expect(server.requests.count == 3 && keys.count == 1 && keys.first != .some(nil))
  }

  @Test("Who is to come again in an hour is told so at once")
  func longWait() async throws {
    let server = try ScriptedHTTPServer { _ in .respond(status: 503, headers: [("Retry-After", "3600")], body: "{}") }
    defer { server.stop() }
    let client = try SDClient(server.url)
    let error = await #expect(throws: SDClientError.self) { try await client.submit(Self.submission) }
    #expect(error?.retryAfter == .seconds(3600) && server.requests.count == 1)
  }

  @Test("A cancel is not sent twice, nor is what is refused")
  func once() async throws {
    let server = try ScriptedHTTPServer { request in
      .respond(status: request.method == "DELETE" ? 503 : 404, body: "{}")
    }
    defer { server.stop() }
    let client = try SDClient(server.url)
    await #expect(throws: SDClientError.self) { try await client.cancel("t1") }
    await #expect(throws: SDClientError.self) { try await client.task("t1") }
    #expect(server.requests.count == 2)
  }

  @Test("Each task of a batch has an outcome of its own")
  func batch() async throws {
    let house = try House()
    try await withServer(house) { address in
      let client = try SDClient(address)
      let good = TaskSubmission(runtime: "sdruntime", type: .textToImage, content: [:], id: "good")
      let bad = TaskSubmission(runtime: "nobody", type: .textToImage, content: [:])
      let results = try await client.submit([good, bad, good], idempotencyKey: "once")
      #expect(try results.first?.get().id == "good")
      guard results.count == 3, case .failure(let error) = results[1] else {
        Issue.record("\(results)")
        return
      }
      #expect(error.status == 422 && error.problem?.errors.map(\.pointer) == ["/runtime"])
      await #expect(throws: SDClientError.self) { try await client.submit([]) }
    }
  }

  @Test("A thumbnail is fetched as a small WebP")
  func thumbnail() async throws {
    let house = try House()
    let picture = try PNGWriter().write(width: 200, height: 100, .rgb([UInt8](repeating: 9, count: 60_000)))
    try await withServer(house) { address in
      let client = try SDClient(address)
      _ = try await client.submit(.init(runtime: "sdruntime", type: .textToImage, content: [:], id: "t1"))
      try await house.succeed("t1", with: picture)
      let output = try #require(try await client.task("t1").outputs.first)
      #expect(try Self.size(await client.thumbnail(of: output, side: 50)) == [50, 25])
      let error = await #expect(throws: SDClientError.self) { try await client.thumbnail(of: output, side: 5000) }
      #expect(error?.status == 400)
    }
  }

  @Test("It asks for a thumbnail as a picture, and for an output as whatever it is")
  func accepts() async throws {
    let server = try ScriptedHTTPServer { _ in .respond(status: 404, body: "{}") }
    defer { server.stop() }
    let client = try SDClient(server.url)
    let made =
      #""outputs":[{"n":1,"role":"image","uri":"s3://b/a-1.png","url":"/v1/tasks/t1/outputs/1","#
      + #""content_type":"image/png","bytes":1,"sha256":""}]"#
    let task = try TaskView(json: JSONValue(parsing: Self.task("succeeded").replacing(#""outputs":[]"#, with: made)))
    let output = try #require(task.outputs.first)
    await #expect(throws: SDClientError.self) { try await client.thumbnail(of: output) }
    await #expect(throws: SDClientError.self) { try await client.bytes(of: output) }
    #expect(server.requests.map { $0.header("Accept") } == ["image/webp", "*/*"])
  }

  @Test("A runtime of the first system's is given its own API's tasks")
  func v1alpha1() async throws {
    let catalog = RuntimeCatalog([.init(name: "sdruntime", engine: "webui", model: "m", routing: .reference)])
    let house = try House(catalog: catalog)
    try await withServer(house) { address in
      let client = try SDClient(address)
      #expect(try await client.runtimes().map(\.routing) == [.reference])
      let task = try await client.submitV1Alpha1(runtime: "sdruntime", model: "m", content: ["prompt": "a cat"])
      #expect(task.state == .queued)
      let sent = try JSONValue(parsing: try #require(try await house.received().first).body)
      #expect(sent["sdname"] == "sdruntimeAddon" && sent["prompt"] == "a cat")
      #expect(sent["alwayson_scripts"]?["id_task"] == .string(task.id))
    }
  }

  private static func size(_ bytes: [UInt8]) throws -> [Int] {
    let info = try ImageInfo.verify(bytes.span)
    return info.format == .webp ? [info.width, info.height] : []
  }
}
