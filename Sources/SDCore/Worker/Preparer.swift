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

  /// Inputs in place, and the request as the engine will get it. What it holds in the end is for the caller to weigh.
  func prepare(_ request: TaskRequest, _ record: TaskRecord, _ way: Way) async throws -> ReadyTask {
    do {
      let (content, inputs) = try await withInputs(request, way)
      let inference = InferenceRequest(
        key: record.key, attempt: record.attempts + 1, type: request.type, model: request.model ?? configuration.model,
        mayLoadModel: configuration.dynamicModel, content: content, seed: Self.seed(of: record.key))
      let prepared = try await backend.prepare(inference)
      let making = Making(
        request, content: prepared.request.content, inputs: inputs, engine: backend.kind, configuration)
      return ReadyTask(prepared: prepared, making: making)
    } catch let error where !(error is CancellationError) {
      throw TaskError(error, code: .internal, stage: .prepare)
    }
  }

  /// The seed for requests that name none: the same for every attempt of a run. Below 2^32, as the web UI's are.
  static func seed(of key: RunKey) -> UInt64 {
    let text = "\(key.task.tenant)/\(key.task.id)/\(key.run)"
    return SHA256.hash(data: Array(text.utf8)).prefix(4).reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Each input is begun to be fetched only when there is room for it in the memory budget.
  private func withInputs(
    _ request: TaskRequest, _ way: Way
  ) async throws -> (content: JSONValue, inputs: [Making.Input]) {
    let found = InputReferences.find(in: request.content, type: request.type)
    guard !found.isEmpty else { return (request.content, []) }
    guard found.count <= Self.maximumInputs else {
      throw TaskError(.inputRefused, .prepare, "the task brings \(found.count) images; at most \(Self.maximumInputs)")
    }
    let references = Array(Set(found.map(\.reference)))
    let limit = configuration.memoryBudget
    let fetched = try await withThrowingTaskGroup(of: (String, Fetched).self) { group in
      var waiting = references[...]
      var fetched: [String: Fetched] = [:]
      var bytes = 0
      func startNext() {
        guard let reference = waiting.popFirst() else { return }
        group.addTask {
          let room = try await InputRoom(for: inputs.maximumBytes, on: way)
          let fetched = Fetched(try await inputs.fetch(reference) { room.isDeclared($0) })
          room.isRead(fetched.text.utf8.count)
          return (reference, fetched)
        }
      }
      for _ in 0..<Self.parallelFetches { startNext() }
      while let (reference, input) = try await group.next() {
        fetched[reference] = input
        bytes += input.text.utf8.count
        guard bytes <= limit else {
          throw TaskError(
            .inputRefused, .prepare, "the task's images are too large: more than \(limit >> 20) MiB together")
        }
        startNext()
      }
      return fetched
    }
    var content = request.content
    var brought: [Making.Input] = []
    for place in found {
      guard let input = fetched[place.reference] else { continue }
      content[place.path] = .string(input.text)
      brought.append(Making.Input(place, bytes: input.byteCount, sha256: input.sha256))
    }
    return (content, brought)
  }

  private struct Fetched: Sendable {
    var text: String
    var byteCount: Int
    var sha256: String

    init(_ bytes: [UInt8]) {
      text = Data(bytes).base64EncodedString()
      byteCount = bytes.count
      sha256 = hexadecimal(SHA256.hash(data: bytes))
    }
  }
}
