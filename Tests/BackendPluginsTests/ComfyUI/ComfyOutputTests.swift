import OutputPlugins
import SDCore
import SDTestKit
import Testing

@testable import BackendPlugins

@Suite("What is kept of ComfyUI's work", .timeLimit(.minutes(3)))
struct ComfyOutputTests {
  @Test("The graph that ComfyUI writes into pictures stays there, or goes where that is wanted")
  func metadata() async throws {
    try await withComfy { (_, backend) async throws in
      let result = try await backend.make(.pipeline(emptyImage()))
      let kept = try PNGTexts.read(try #require(result.outputs.first).bytes)
      #expect(kept["prompt"]?.contains("EmptyImage") == true)
      let stripped = try await PictureFinisher().finish(result, OutputOptions(metadata: .strip))
      #expect(try PNGTexts.read(try #require(stripped.outputs.first).bytes).isEmpty)
    }
  }

  @Test("A graph that comes as the body of POST /prompt can be made again as it came")
  func wrapped() async throws {
    try await withComfy { (_, backend) async throws in
      let prepared = try await backend.prepare(.pipeline(["prompt": sampled(seed: -1), "client_id": "x"]))
      let content = prepared.request.content
      #expect(content["client_id"] == "x" && content["prompt"]?["3"]?["inputs"]?["seed"] == 99)
      #expect(try await backend.make(.pipeline(content)).outputs.count == 1)
    }
  }
}
