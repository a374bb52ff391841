import Crypto
import FoundationEssentials

/// Makes a claimed run ready for the engine.
struct Preparer: Sendable {
  let backend: any InferenceBackend
  let inputs: any InputSource
  let configuration: WorkerConfiguration
  /// Inputs fetched at once.
  private static let parallelFetches = 4
  /// Images that one task may bring.
  static let maximumInputs = 64

  init(backend: any InferenceBackend, inputs: any InputSource, configuration: WorkerConfiguration) {
    self.backend = backend
    self.inputs = inputs
    self.configuration = configuration
  }

  /// Inputs in place, and the request as the engine will get it.
  func prepare(_ request: TaskRequest, _ record: TaskRecord) async throws -> PreparedInference {
    do {
      let inference = InferenceRequest(
        key: record.key, attempt: record.attempts, type: request.type, model: request.model ?? configuration.model,
        mayLoadModel: configuration.dynamicModel, content: try await withInputs(request),
        seed: Self.seed(of: record.key))
      return try await backend.prepare(inference)
    } catch let error where !(error is CancellationError) {
      throw TaskError(error, code: .internal, stage: .prepare)
    }
  }

  /// The seed for requests that name none: the same for every attempt of a run. Below 2^32, as the web UI's are.
  static func seed(of key: RunKey) -> UInt64 {
    let text = "\(key.task.tenant)/\(key.task.id)/\(key.run)"
    return SHA256.hash(data: Array(text.utf8)).prefix(4).reduce(0) { $0 << 8 | UInt64($1) }
  }

  private func withInputs(_ request: TaskRequest) async throws -> JSONValue {
    let found = InputReferences.find(in: request.content, type: request.type)
    guard !found.isEmpty else { return request.content }
    guard found.count <= Self.maximumInputs else {
      throw TaskError(.inputRefused, .prepare, "the task brings \(found.count) images; at most \(Self.maximumInputs)")
    }
    let references = Array(Set(found.map(\.reference)))
    let limit = configuration.memoryBudget
    let texts = try await withThrowingTaskGroup(of: (String, String).self) { group in
      var waiting = references[...]
      var texts: [String: String] = [:]
      var bytes = 0
      func startNext() {
        guard let reference = waiting.popFirst() else { return }
        group.addTask { (reference, Data(try await inputs.fetch(reference)).base64EncodedString()) }
      }
      for _ in 0..<Self.parallelFetches { startNext() }
      while let (reference, text) = try await group.next() {
        texts[reference] = text
        bytes += text.utf8.count
        guard bytes <= limit else {
          throw TaskError(
            .inputRefused, .prepare, "the task's images are too large: more than \(limit >> 20) MiB together")
        }
        startNext()
      }
      return texts
    }
    var content = request.content
    for place in found { content[place.path] = texts[place.reference].map(JSONValue.string) }
    return content
  }
}
