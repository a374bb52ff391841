import HTTPTransport
import SDCore
import SDTestKit
import Synchronization
import Testing

@testable import BackendPlugins

@Suite("OpenAI-style engines", .timeLimit(.minutes(2)))
struct OpenAITests {
  private func withEngine(
    _ handler: @escaping @Sendable (RecordedRequest) -> ScriptedAnswer, key: String? = nil,
    _ body: (ScriptedHTTPServer, OpenAIBackend) async throws -> Void
  ) async throws {
    let server = try ScriptedHTTPServer(handler)
    try await withTransport { (transport) async throws in
      try await body(server, OpenAIBackend(base: server.url, transport: transport, key: key))
    }
  }

  private static func answer(_ images: [[UInt8]]) -> ScriptedAnswer {
    let data = images.map {
      JSONValue.object(["revised_prompt": "a cat, revised", "b64_json": .string(Base64.encode($0))])
    }
    return .json(JSONValue.object(["created": 1_700_000_000, "data": .array(data), "output_format": "png"]).text)
  }

  @Test("A prompt comes back as pictures; sizes and numbers are said in the dialect's words")
  func generations() async throws {
    let images = [try picture(5), try picture(6)]
    try await withEngine({ _ in Self.answer(images) }, key: "sk-secret") { (server, backend) async throws in
      let content: JSONValue = [
        "prompt": "a cat", "width": 512, "height": 256, "batch_size": 2, "n_iter": 1, "quality": "high", "seed": -1,
        "negative_prompt": "", "styles": [], "send_images": true,
      ]
      let answered = Mutex(0)
      let prepared = try await backend.prepare(.make(content, model: "gpt-image-1"))
      let result = try await backend.run(prepared) { answered.withLock { $0 += 1 } }.finish()
      #expect(result.outputs.map { Array($0.bytes) } == images && result.outputs.allSatisfy { $0.role == .image })
      // The test pattern writes its seed into the picture, as stable-diffusion.cpp does.
      #expect(result.outputs.map(\.seed) == [5, 6] && answered.withLock { $0 } == 1)
      #expect(result.info["created"] == 1_700_000_000 && result.info["data"]?.array?.count == 2)
      #expect(!result.info.text.contains("b64_json"))
      let sent = try #require(server.requests.first)
      #expect(sent.path == "/v1/images/generations" && sent.header("authorization") == "Bearer sk-secret")
      #expect(
        try JSONValue(parsing: sent.body)
          == ["prompt": "a cat", "quality": "high", "size": "512x256", "n": 2, "model": "gpt-image-1"])
    }
  }

  @Test("Pictures and a mask go out as files of a form")
  func edits() async throws {
    let image = try picture(9, 20, 10)
    try await withEngine({ _ in Self.answer([image]) }) { (server, backend) async throws in
      let text = JSONValue.string(Base64.encode(image))
      let content: JSONValue = ["prompt": "a \"cat\"\r\n", "init_images": [text, text], "mask": text, "n": 1]
      _ = try await backend.make(.make(content, type: .imageToImage))
      let sent = try #require(server.requests.first)
      #expect(sent.path == "/v1/images/edits")
      let type = try #require(sent.header("content-type"))
      #expect(type.hasPrefix("multipart/form-data; boundary=sd-"))
      let parts = sent.text.components(of: "--" + type.dropFirst("multipart/form-data; boundary=".count))
      #expect(parts.count == 7 && parts.last == "--\r\n")
      #expect(
        parts[1].contains(#"name="image[]"; filename="image-0.png""#) && parts[1].contains("Content-Type: image/png"))
      #expect(parts[3].contains(#"name="mask""#) && parts[4].hasSuffix("a \"cat\"\r\n\r\n"))
      for (content, code) in [
        (["prompt": "x"], .engineRejected), (["prompt": "x", "init_images": ["bm9wZQ=="]], .inputInvalid),
      ] as [(JSONValue, TaskError.Code)] {
        #expect(await backend.failure(of: .make(content, type: .imageToImage))?.code == code)
      }
    }
  }

  @Test(
    "What the dialect cannot say is refused rather than left out in silence",
    arguments: [
      ["seed": 5], ["steps": 20], ["cfg_scale": 7], ["sampler_name": "Euler"], ["negative_prompt": "dog"],
      ["alwayson_scripts": ["ControlNet": [:]]], ["override_settings": ["sd_vae": "x"]], ["enable_hr": true],
    ] as [JSONValue])
  func unknown(more: JSONValue) async throws {
    try await withEngine({ _ in .respond(status: 500) }) { (server, backend) async throws in
      var content: JSONValue = ["prompt": "a cat"]
      let member = try #require(more.object?.members.first)
      content[member.name] = member.value
      let error = await backend.failure(of: .make(content))
      #expect(error?.code == .engineRejected && error?.message.contains(member.name) == true && server.requests.isEmpty)
    }
  }

  @Test("Types and contents that it does not do are refused")
  func types() async throws {
    try await withEngine({ _ in .respond(status: 500) }) { (_, backend) async throws in
      for request in [
        InferenceRequest.make(["prompt": "x"], type: .pipeline), .make(["prompt": "x"], type: .extraSingleImage),
        .make([:]), .make(["prompt": ""]), .make("text"),
      ] { #expect(await backend.failure(of: request)?.code == .engineRejected) }
    }
  }

  @Test("Refusals are classed by what they say, as a string or as an object")
  func refusals() async throws {
    for (status, body, code, retryable) in [
      (400, #"{"error":"prompt required"}"#, .engineRejected, false),
      (
        400, #"{"error":{"message":"blocked by our safety system","code":"moderation_blocked"}}"#, .engineRejected,
        false
      ),
      (401, #"{"error":{"message":"Incorrect API key provided"}}"#, .engineUnreachable, true),
      (429, #"{"error":{"message":"Rate limit reached"}}"#, .engineUnreachable, true),
      (500, #"{"error":"server_error","message":"x"}"#, .engineFailed, true),
      (500, #"{"error":"server_error","message":"failed to allocate buffer"}"#, .outOfMemory, false),
      (200, #"{"data":[]}"#, .outputInvalid, true), (200, #"{"data":[{"b64_json":"%%"}]}"#, .outputInvalid, true),
      (200, #"{"data":{"b64_json":"aaaa"}}"#, .outputInvalid, true), (200, "<html>", .outputInvalid, true),
    ] as [(Int, String, TaskError.Code, Bool)] {
      try await withEngine({ _ in .json(body, status: status) }) { (_, backend) async throws in
        let error = await backend.failure(of: .make(["prompt": "x"]))
        #expect(error?.code == code && error?.retryable == retryable, "\(status) \(body): \(String(describing: error))")
      }
    }
    try await withEngine({ _ in .reset }) { (_, backend) async throws in
      #expect(await backend.failure(of: .make(["prompt": "x"]))?.code == .engineUnreachable)
    }
  }

  @Test("Pictures that are only pointed to are fetched from the engine, and from nowhere inside")
  func urls() async throws {
    let image = try picture(3)
    let inside = try ScriptedHTTPServer { _ in .respond(body: image) }
    let target = Mutex("")
    try await withEngine({ request in
      request.path == "/files/1.png"
        ? .respond(body: image) : .json(#"{"data":[{"url":"\#(target.withLock { $0 })"}]}"#)
    }) { (server, backend) async throws in
      target.withLock { $0 = server.url + "/files/1.png" }
      #expect(try await backend.make(.make(["prompt": "x"])).outputs.map { Array($0.bytes) } == [image])
      for url in [inside.url + "/1.png", server.url + "/none.png", "ftp://x/y"] {
        target.withLock { $0 = url }
        #expect(await backend.failure(of: .make(["prompt": "x"]))?.code == .outputInvalid)
      }
      #expect(inside.acceptedConnections == 0)
    }
  }

  @Test("It is there when its models can be listed, or it has no list")
  func status() async throws {
    for (status, isReady) in [(200, true), (404, true), (401, false), (500, false)] {
      try await withEngine({ _ in .json(#"{"data":[{"id":"gpt-image-1"}]}"#, status: status) }) {
        (server, backend) async throws in
        switch await backend.status() {
        case .ready(let busy): #expect(isReady && busy == nil)
        case .unavailable(let why): #expect(!isReady && why.contains("\(status)"))
        }
        if status == 200 {
          let told = try await backend.describe()
          #expect(told.models == ["gpt-image-1"] && !told.reportsProgress && !told.interrupts)
          #expect(told.types == [.textToImage, .imageToImage] && server.requests.last?.path == "/v1/models")
        }
      }
    }
  }
}

extension String {
  fileprivate func components(of separator: String) -> [String] {
    var (parts, rest) = ([String](), self[...])
    while let range = rest.firstRange(of: separator) {
      parts.append(String(rest[..<range.lowerBound]))
      rest = rest[range.upperBound...]
    }
    return parts + [String(rest)]
  }
}
