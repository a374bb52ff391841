import HTTPTransport
import SDCore
import SDTestKit
import Testing

@testable import BackendPlugins

/// The contract's own suite, against a stand-in of a server that speaks OpenAI's image API: no seeds, no progress, no cancel.
@Suite struct OpenAIConformanceTests {
  static let suite = InferenceBackendConformance(
    .init(behaviors: Set(InferenceBackendConformance.Behavior.allCases), isReproducible: false, mostPictures: 10)
  ) {
    let double = HTTPEngine()
    let server = try ScriptedHTTPServer { request in
      guard request.method == "POST" else { return .json(#"{"data":[{"id":"gpt-image-1"}]}"#) }
      let count = (try? JSONValue(parsing: request.body))?["n"]?.int ?? 1
      return double.answer(count) { count in
        let data = try (0..<count).map { number -> JSONValue in
          ["b64_json": .string(Base64.encode(try picture(UInt64(number))))]
        }
        let json: JSONValue = ["created": 1_700_000_000, "data": .array(data)]
        return .json(json.text)
      }
    }
    let transport = CurlTransport()
    return .init(
      backend: OpenAIBackend(base: server.url, transport: transport),
      request: {
        .make(
          ["prompt": .string($0.prompt), "batch_size": .int($0.pictures)], attempt: $0.attempt, seed: $0.anySeed,
          id: $0.id)
      },
      impossible: [
        .make("text"), .make([:]), .make(["prompt": ""]), .make(["prompt": "x", "steps": 20]),
        .make(["prompt": "x"], type: .pipeline), .make(["prompt": "x"], type: .imageToImage),
        .make(["prompt": "x", "init_images": ["bm9wZQ=="]], type: .imageToImage),
      ],
      tell: { behavior in
        double.tell(behavior)
        if behavior == .isAway { server.stop() }
      },
      working: { double.working },
      prompt: { _ in try server.requests.last.map { try JSONValue(parsing: $0.body) }?["prompt"]?.string },
      close: {
        await transport.shutdown()
        server.stop()
      })
  }

  @Test("OpenAI's image API conforms", arguments: suite.cases)
  func conforms(_ testCase: InferenceBackendConformance.Case) async throws { try await Self.suite.run(testCase) }
}
