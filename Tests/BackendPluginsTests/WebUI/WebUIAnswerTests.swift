import HTTPTransport
import SDCore
import SDTestKit
import Testing

@testable import BackendPlugins

@Suite("What a web UI engine answers")
struct WebUIAnswerTests {
  /// What becomes of one answer.
  private func result(
    _ scripted: ScriptedAnswer, to request: InferenceRequest = .make([:]), cpp: Bool = false
  ) async throws -> Result<InferenceResult, TaskError> {
    let engine = try cpp ? WebUIStandIn.stableDiffusionCpp(scripted) : WebUIStandIn.webUI(scripted)
    return try await withTransport { (transport) async throws in
      do {
        return .success(try await WebUIBackend(base: engine.server.url, transport: transport).make(request))
      } catch let error as TaskError {
        return .failure(error)
      }
    }
  }

  @Test("Pictures come byte for byte, with type, size and seeds")
  func pictures() async throws {
    let images = [try picture(5, 16, 24), try picture(6, 16, 24)]
    let told = info(seeds: [5, 6])
    let result = try await result(answer(images, info: told)).get()
    #expect(result.outputs.map { Array($0.bytes) } == images)
    #expect(result.outputs.map(\.seed) == [5, 6])
    #expect(
      result.outputs.allSatisfy { $0.role == .image && $0.contentType == "image/png" && $0.fileExtension == ".png" })
    #expect(result.outputs.allSatisfy { $0.width == 16 && $0.height == 24 })
    #expect(result.info == told)
    #expect(result.model == "first" && result.modelHash == "1111111111" && result.sampler == "Euler")
  }

  @Test("A grid before the pictures and maps behind them are extras")
  func grid() async throws {
    let images = try (0..<4).map { try picture(UInt64($0)) }
    let result = try await result(answer(images, info: info(seeds: [1, 2], first: 1))).get()
    #expect(result.outputs.map { Array($0.bytes) } == [images[1], images[2], images[0], images[3]])
    #expect(result.outputs.map(\.role) == [.image, .image, .extra, .extra])
    #expect(result.outputs.map(\.seed) == [1, 2, nil, nil])
  }

  @Test("sd-server's empty info is made up for by what the pictures say")
  func emptyInfo() async throws {
    let result = try await result(answer([try picture(41), try picture(42)]), cpp: true).get()
    #expect(result.outputs.map(\.seed) == [41, 42])
    #expect(result.outputs.allSatisfy { $0.role == .image })
    #expect(result.info.isNull && result.sampler == "Euler a" && result.model == "test-pattern")
  }

  @Test("Pictures stay where their texts stood: an answer needs no more memory than it came with")
  func inPlace() async throws {
    let images = try (1...4).map { try picture($0, 200, 200) }
    let engine = try WebUIStandIn.webUI(answer(images, info: info(seeds: [1, 2, 3, 4])))
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(base: engine.server.url, transport: transport)
      let answer = try await backend.run(try await backend.prepare(.make([:])), onAnswer: {})
      let outputs = try await answer.finish().outputs
      let places = outputs.map { output in
        output.bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) - UInt(output.bytes.startIndex) }
      }
      // One buffer, and each picture where its text began.
      #expect(Set(places).count == 1)
      #expect(zip(outputs, outputs.dropFirst()).allSatisfy { $0.bytes.endIndex < $1.bytes.startIndex })
      #expect((outputs.last?.bytes.endIndex ?? .max) < answer.byteCount)
    }
  }

  @Test("No image payload is echoed")
  func echo() async throws {
    let payload = JSONValue.string(String(repeating: "QUJD", count: 500))
    let parameters: JSONValue = [
      "prompt": "a cat", "init_images": [payload], "mask": payload, "steps": 20, "other": payload,
      "alwayson_scripts": ["ControlNet": ["args": [["input_image": payload, "weight": 1]]]],
    ]
    let result = try await result(answer([try picture()], info: info(seeds: [1]), parameters: parameters)).get()
    #expect(
      result.parameters
        == ["prompt": "a cat", "steps": 20, "alwayson_scripts": ["ControlNet": ["args": [["weight": 1]]]]])
  }

  @Test("A data: prefix, escaped slashes and other formats are taken")
  func forms() async throws {
    let png = try picture(3)
    let escaped = Base64.encode(png).split(separator: "/", omittingEmptySubsequences: false).joined(separator: "\\/")
    let coded = Base64.encode(png).split(separator: "+", omittingEmptySubsequences: false).joined(separator: "\\u002b")
    for text in ["data:image/png;base64,\(escaped)", "data:image\\/png;base64,\(escaped)", coded, escaped] {
      let result = try await result(.json(#"{"info":"","images" : [ "\#(text)" ] , "parameters":null}"#)).get()
      #expect(result.outputs.map { Array($0.bytes) } == [png])
    }
  }

  static let unusable: [(String, ScriptedAnswer)] = [
    ("no pictures", .json(#"{"images":[],"parameters":{},"info":""}"#)),
    ("no images at all", .json(#"{"parameters":{},"info":""}"#)),
    ("null images", .json(#"{"images":null}"#)),
    ("an empty picture", .json(#"{"images":[""]}"#)),
    ("not base64", .json(#"{"images":["iVBOR%w0KGgo="]}"#)),
    ("an odd digit", .json(#"{"images":["iVBOR"]}"#)),
    ("no picture in it", .json(#"{"images":["bm90IGFuIGltYWdl"]}"#)),
    ("numbers", .json(#"{"images":[1,2]}"#)),
    ("images within another member", .json(#"{"nested":{"images":["aaaa"]}}"#)),
    ("HTML", .respond(headers: [("Content-Type", "text/html")], body: "<html><body>ok</body></html>")),
    ("nothing", .respond(body: "")),
    ("an array", .json("[]")),
    ("cut JSON", .json(#"{"images":["aaaa"#)),
    ("text behind it", .json(#"{"images":["aaaa"]} x"#)),
    ("a bad member", .json(#"{"images":["aaaa"],"parameters":{"a":}}"#)),
    ("a lost connection", .json(#"{"images":["aaaaaaaaaaaaaaaa"]}"#).cut(after: 10)),
  ]

  @Test("Answers without a usable picture are told apart, and may be tried again", arguments: unusable.indices)
  func unusableAnswers(index: Int) async throws {
    guard case .failure(let error) = try await result(Self.unusable[index].1) else {
      Issue.record("\(Self.unusable[index].0) was taken")
      return
    }
    #expect(error.code == .outputInvalid && error.retryable, "\(Self.unusable[index].0): \(error)")
  }

  @Test("A picture cut short anywhere is no picture", arguments: [1, 12, 200])
  func truncated(missing: Int) async throws {
    let cut = Array(try picture(1, 64, 64).dropLast(missing))
    guard case .failure(let error) = try await result(answer([try picture(), cut], info: info(seeds: [1, 2]))) else {
      Issue.record("a fragment was taken")
      return
    }
    #expect(error.code == .outputInvalid && error.message.contains("picture 2"))
  }

  @Test("Fewer pictures than the engine tells of are not taken for all")
  func tooFew() async throws {
    for told in [info(seeds: [1, 2, 3]), info(seeds: [1], first: 1), info(seeds: [1], first: -1), info(seeds: [])] {
      guard case .failure(let error) = try await result(answer([try picture()], info: told)) else {
        Issue.record("an incomplete answer was taken")
        continue
      }
      #expect(error.code == .outputInvalid)
    }
  }

  @Test("Another model than the one asked for is found out")
  func wrongModel() async throws {
    let wrong = answer([try picture()], info: info(seeds: [1], model: "second"))
    guard case .failure(let error) = try await result(wrong, to: .make([:], model: "first.safetensors")) else {
      Issue.record("another model's picture was taken")
      return
    }
    #expect(error.code == .modelNotFound && error.message.contains("second"))
    _ = try await result(wrong).get()
  }

  @Test(
    "Another sampler than the one asked for is found out",
    arguments: [
      ("Euler", "Euler", true), ("k_euler", "Euler", true), ("k_dpmpp_2m", "DPM++ 2M", true), ("euler", "Euler", true),
      ("DPM++ 2M Karras", "DPM++ 2M", true), ("DPM++ 2M", "DPM++ 2M Karras", true), ("", "Euler", true),
      ("No such", "Euler", false), ("DPM++ 2M", "Euler", false), ("DPM++ 2M SDE", "DPM++ 2M", false),
      ("Euler a", "Euler", false),
    ])
  func sampler(asked: String, used: String, isRight: Bool) async throws {
    let told = info(seeds: [1], sampler: used)
    let request = InferenceRequest.make(["sampler_name": .string(asked)])
    let result = try await result(answer([try picture()], info: told), to: request)
    switch result {
    case .success: #expect(isRight)
    case .failure(let error): #expect(!isRight && error.code == .engineRejected)
    }
  }

  @Test(
    "sd-server, which has no say but the picture's, is believed as far as its names go",
    arguments: [
      ("euler a", true), ("k_euler_a", true), ("Euler", true), ("default", true), ("DPM++ 2M", false), ("Heun", false),
    ])
  func samplerInPicture(asked: String, isRight: Bool) async throws {
    let request = InferenceRequest.make(["sampler_name": .string(asked)])
    switch try await result(answer([try picture()]), to: request, cpp: true) {
    case .success: #expect(isRight)
    case .failure(let error): #expect(!isRight && error.code == .engineRejected)
    }
  }

  static let refusals: [(status: Int, body: String, code: TaskError.Code, retryable: Bool)] = [
    (
      422, #"{"detail":[{"type":"int","loc":["body","steps"],"msg":"not an integer","input":"x"}]}"#, .engineRejected,
      false
    ),
    (422, #"{"detail":"Script 'X' not found"}"#, .engineRejected, false),
    (404, #"{"detail":"Init image not found"}"#, .engineRejected, false),
    (404, "", .engineRejected, false),
    (405, #"{"detail":"Method Not Allowed"}"#, .engineRejected, false),
    (400, #"{"error":"prompt required"}"#, .engineRejected, false),
    (500, #"{"detail":"Invalid encoded image"}"#, .inputInvalid, false),
    (500, #"{"error":"RuntimeError","message":"model 'x' not found"}"#, .modelNotFound, false),
    (500, #"{"error":"OutOfMemoryError","detail":"","body":"","message":"CUDA out of memory."}"#, .outOfMemory, false),
    (
      500, #"{"error":"server_error","message":"[json.exception.type_error.302] type must be number"}"#,
      .engineRejected, false
    ),
    (500, #"{"error":"ValueError","detail":"","body":"","message":""}"#, .engineFailed, true),
    (500, "Internal Server Error", .engineFailed, true),
    (503, "", .engineUnreachable, true),
    (429, "{}", .engineUnreachable, true),
    (502, "<html></html>", .engineUnreachable, true),
    (401, #"{"detail":"Incorrect username or password"}"#, .engineUnreachable, true),
  ]

  @Test("Refusals are classed by what they say, not by their status alone", arguments: refusals.indices)
  func refused(index: Int) async throws {
    let expected = Self.refusals[index]
    guard case .failure(let error) = try await result(.json(expected.body, status: expected.status)) else {
      Issue.record("a refusal was taken for a picture")
      return
    }
    #expect(error.code == expected.code && error.retryable == expected.retryable && error.stage == .infer)
    let isObject = expected.body.hasPrefix("{")
    #expect((error.reason != nil) == isObject)
  }

  @Test("A refusal passes on the engine's words, and nothing of the request")
  func reasons() async throws {
    let payload = String(repeating: "QUJD", count: 2000)
    let body =
      #"{"error":"E","detail":"bad","body":"{\"prompt\":\"secret\"}","errors":"x","init_images":["\#(payload)"]}"#
    guard case .failure(let error) = try await result(.json(body, status: 500)) else { return }
    #expect(error.reason?["error"] == "E" && error.reason?["body"] == nil)
    #expect(error.message.contains("bad") && !error.message.contains("secret"))
    #expect(error.reason.map { $0.text.utf8.count < 500 } == true)
  }

  @Test("A lost connection and a refused one are the engine's absence")
  func lost() async throws {
    for scripted in [ScriptedAnswer.close, .reset] {
      guard case .failure(let error) = try await result(scripted) else { continue }
      #expect(error.code == .engineUnreachable && error.retryable)
    }
    let engine = try WebUIStandIn.webUI(answer([try picture()], info: info(seeds: [1])))
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(base: engine.server.url, transport: transport)
      let prepared = try await backend.prepare(.make([:]))
      engine.server.stop()
      let error = await #expect(throws: TaskError.self) { _ = try await backend.run(prepared, onAnswer: {}) }
      #expect(error?.code == .engineUnreachable)
      #expect(await backend.failure(of: .make([:], model: "other"))?.code == .engineUnreachable)
    }
  }
}
