import SDCore
import Testing

@Suite struct InferenceBackendDefaultsTests {
  /// A backend that says only what every backend must.
  private struct Least: InferenceBackend {
    let kind = "least"
    func run(_ prepared: PreparedInference, onAnswer: @escaping @Sendable () -> Void) async throws -> InferenceAnswer {
      InferenceAnswer([.png([1, 2, 3]), .png([4], width: 1, height: 2, seed: 5)])
    }
  }

  @Test("A backend of two members is always there, takes every task, and hands the content to its engine as it is")
  func defaults() async throws {
    let backend = Least()
    #expect(await backend.status() == .ready(busy: nil))
    let description = try await backend.describe()
    #expect(description.name == "least" && description.types == Set(TaskType.allCases))
    #expect(!description.reportsProgress && !description.interrupts)
    let request = InferenceRequest(
      key: RunKey(TaskKey(id: "t"), run: 2), attempt: 3, type: .textToImage, model: nil, mayLoadModel: false,
      content: ["prompt": "p"], seed: 7)
    let prepared = try await backend.prepare(request)
    #expect(prepared.payload == Array("{\"prompt\":\"p\"}".utf8) && prepared.name == "t/2#3")
    #expect(try await backend.progress(of: prepared) == nil)
    #expect(try await backend.stop() == false)
    let answer = try await backend.run(prepared) {}
    #expect(answer.byteCount == 4)
    let outputs = try await answer.finish().outputs
    #expect(outputs.map { Array($0.bytes) } == [[1, 2, 3], [4]])
    #expect(outputs.allSatisfy { $0.contentType == "image/png" && $0.fileExtension == ".png" && $0.role == .image })
    #expect(outputs[1].width == 1 && outputs[1].height == 2 && outputs[1].seed == 5)
  }

  @Test("A worker without inputs refuses them for good")
  func noInputs() async {
    let error = await #expect(throws: TaskError.self) { _ = try await NoInputs().fetch("https://example.com/a.png") }
    #expect(error?.code == .inputRefused && error?.retryable == false)
  }
}
