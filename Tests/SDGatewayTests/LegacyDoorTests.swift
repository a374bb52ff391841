import HTTPTypes
import MemoryPlugins
import SDCore
import Testing

@testable import SDGateway

@Suite struct LegacyDoorTests {
  static let scripts: JSONValue = ["task": "text-to-image", "id_task": "307", "sd_model_checkpoint": Self.model]
  static let model: JSONValue = "v1-5-pruned-emaonly.safetensors"
  static let reference: JSONValue = ["sdname": "sdruntimeAddon", "prompt": "a cat", "alwayson_scripts": scripts]
  static let successor: JSONValue = [
    "alwayson_scripts": scripts.with(["save_dir": "outputs"]), "prompt": "a cat",
  ]
  static let metadata: JSONValue = [
    "id": "test-t2i", "runtime": "sdruntime", "tasktype": "text-to-image", "prefix": "output", "context": ["a": 1],
  ]
  static let task: JSONValue = ["task": ["metadata": metadata, "content": ["prompt": "a cat"]]]

  @Test("The reference's request is answered as the reference answers it", arguments: ["/", "/v1alpha1"])
  func reference(path: String) async throws {
    let house = try House()
    let answer = await house.door().post(path, Self.reference)
    #expect(answer.status == .ok)
    #expect(answer.headers[.contentType] == "application/json")
    #expect(
      try await answer.json == [
        "id_task": "307", "task": "text-to-image", "sd_model_checkpoint": Self.model,
        "output_location": "s3://bucket/307",
      ])
    let sent = try #require(try await house.received().first)
    #expect(try JSONValue(parsing: sent.body)["s3_output_path"] == "bucket/307")
    #expect(sent.attributes["runtime"] == .string("sdruntime"))
  }

  @Test("The successor's v1alpha1 request gives its prefix and no task")
  func successorScripts() async throws {
    let answer = await (try House()).door().post("/v1alpha1", Self.successor)
    #expect(
      try await answer.json == [
        "id_task": "307", "sd_model_checkpoint": Self.model, "output_location": "s3://bucket/outputs/307",
      ])
  }

  @Test("A v1alpha2 request is answered as the successor answers it")
  func successor() async throws {
    let answer = await (try House()).door().post("/v1alpha2", Self.task)
    #expect(answer.status == .ok)
    #expect(
      try await answer.json == [
        "id": "test-t2i", "runtime": "sdruntime", "output_location": "s3://bucket/output/test-t2i",
      ])
  }

  @Test("An id may come as a number and goes back as one")
  func numbers() async throws {
    let body = Self.reference.with(["alwayson_scripts": Self.scripts.with(["id_task": 307])])
    #expect(try await (try House()).door().post("/", body).json["id_task"] == 307)
  }

  @Test("An id used again is the next run", arguments: ["/", "/v1alpha1"])
  func again(path: String) async throws {
    let house = try House()
    let door = house.door()
    for prompt in ["a", "b"] {
      #expect(await door.post(path, Self.reference.with(["prompt": .string(prompt)])).status == .ok)
    }
    #expect(try await house.received().count == 2)
    #expect(try await house.system.ledger.latest(TaskKey(id: "307"))?.record.key.run == 2)
  }

  struct Refused: Sendable, CustomStringConvertible {
    var path: String
    var body: [UInt8]
    var answer: String
    var description: String { "\(path) \(answer)" }
    init(_ path: String, _ body: JSONValue, _ answer: String) {
      (self.path, self.body, self.answer) = (path, body.serialized(), answer)
    }
    init(_ path: String, raw: String, _ answer: String) {
      (self.path, body, self.answer) = (path, Array(raw.utf8), answer)
    }
  }

  static func with(metadata changes: [String: JSONValue?]) -> JSONValue {
    ["task": ["metadata": metadata.with(changes), "content": [:]]]
  }
  static func with(scripts changes: [String: JSONValue?], _ base: JSONValue) -> JSONValue {
    base.with(["alwayson_scripts": scripts.with(changes)])
  }

  static let refused: [Refused] = [
    // The reference: whatever is missing, one text.
    .init("/", Self.reference.with(["sdname": nil]), "Incorrect payload structure"),
    .init("/", Self.reference.with(["alwayson_scripts": nil]), "Incorrect payload structure"),
    .init("/", with(scripts: ["task": nil], reference), "Incorrect payload structure"),
    .init("/", with(scripts: ["id_task": nil], reference), "Incorrect payload structure"),
    .init("/", with(scripts: ["sd_model_checkpoint": nil], reference), "Incorrect payload structure"),
    .init("/v1alpha1", with(scripts: ["task": nil], reference), "Incorrect payload structure"),
    // The successor's v1alpha1: the last that failed.
    .init(
      "/v1alpha1", Self.successor.with(["alwayson_scripts": nil]),
      "Incorrect payload structure, alwayson_scripts is missing"),
    .init(
      "/v1alpha1", with(scripts: ["sd_model_checkpoint": nil], successor),
      "Incorrect payload structure, sd_model_checkpoint is missing"),
    .init(
      "/v1alpha1", with(scripts: ["id_task": nil], successor), "Incorrect payload structure, invalid id_task format"),
    .init(
      "/v1alpha1", with(scripts: ["id_task": "../x"], successor),
      "Incorrect payload structure, invalid id_task format"),
    .init("/v1alpha1", with(scripts: ["task": nil], successor), "Incorrect payload structure, invalid task type"),
    .init(
      "/v1alpha1", with(scripts: ["task": "video", "id_task": nil], successor),
      "Incorrect payload structure, invalid task type"),
    .init("/v1alpha1", Self.successor.with(["alwayson_scripts": "x"]), "Invalid request format"),
    .init(
      "/v1alpha1", Self.successor.with(["prompt": .string(String(repeating: "x", count: 1 << 20))]),
      "Incorrect payload structure, payload too large"),
    // v1alpha2.
    .init("/v1alpha2", ["task": ["content": [:]]], "Incorrect payload structure, metadata is missing"),
    .init("/v1alpha2", with(metadata: ["id": nil]), "Incorrect payload structure, invalid id format"),
    .init("/v1alpha2", with(metadata: ["id": "a b"]), "Incorrect payload structure, invalid id format"),
    .init(
      "/v1alpha2", with(metadata: ["id": .string(String(repeating: "a", count: 65))]),
      "Incorrect payload structure, invalid id format"),
    .init("/v1alpha2", with(metadata: ["tasktype": nil]), "Incorrect payload structure, invalid tasktype"),
    .init("/v1alpha2", with(metadata: ["tasktype": "x", "id": nil]), "Incorrect payload structure, invalid tasktype"),
    .init("/v1alpha2", with(metadata: ["runtime": nil]), "Incorrect payload structure, invalid runtime format"),
    .init("/v1alpha2", with(metadata: ["runtime": "a/b"]), "Incorrect payload structure, invalid runtime format"),
    .init("/v1alpha2", ["task": ["metadata": metadata]], "Incorrect payload structure, content is missing"),
    .init(
      "/v1alpha2", ["task": ["metadata": metadata, "content": ["x": .string(String(repeating: "x", count: 1 << 20))]]],
      "Incorrect payload structure, payload too large"),
    .init("/v1alpha2", [:], "Invalid request format"),
    .init("/v1alpha2", ["task": "x"], "Invalid request format"),
    .init("/v1alpha2", ["task": ["metadata": "x", "content": [:]]], "Invalid request format"),
    .init("/v1alpha2", raw: "{", "Invalid request format"),
    .init("/v1alpha2", raw: String(repeating: "[", count: 100_000), "Invalid request format"),
    // What theirs never look at, refused with the reason.
    .init(
      "/", Self.reference.with(["sdname": "nobodyAddon"]),
      "there is no runtime nobody; there are: sdruntime, sdruntime-job"),
    .init(
      "/v1alpha2", with(metadata: ["runtime": "nobody"]),
      "there is no runtime nobody; there are: sdruntime, sdruntime-job"),
  ]

  @Test("What is refused is refused in the references' words, and nothing is published", arguments: refused)
  func refuses(_ request: Refused) async throws {
    let house = try House()
    let answer = await house.door().respond(to: GatewayRequest(.post, request.path, body: request.body))
    #expect(answer.status == .badRequest)
    #expect(try await answer.text == request.answer)
    #expect(answer.headers[.contentType]?.hasPrefix("text/plain") == true)
    #expect(try await house.received().isEmpty)
  }

  @Test(
    "Another method is refused in their words", arguments: ["/", "/v1alpha1", "/v1alpha2"],
    [HTTPRequest.Method.get, .put, .delete])
  func methods(path: String, method: HTTPRequest.Method) async throws {
    let answer = await (try House()).door().respond(to: GatewayRequest(method, path))
    #expect(answer.status == .badRequest)
    #expect(try await answer.text == "Unsupported HTTP method")
  }
}
