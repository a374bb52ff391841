/// What suits an engine in the process: always there, taking everything, telling nothing, gone with the program. A backend
/// with a server behind it has more to say and implements these itself; `kind` and `run` are for every backend to tell.
extension InferenceBackend {
  public func status() async -> EngineStatus { .ready(busy: nil) }

  public func describe() async throws -> EngineDescription {
    EngineDescription(name: kind, types: Set(TaskType.allCases), reportsProgress: false, interrupts: false)
  }

  public func verify(model: String) async throws {}
  public func recycleMemory(above limit: Int) async -> RecycledMemory? { nil }

  public func prepare(_ request: InferenceRequest) async throws -> PreparedInference {
    PreparedInference(
      request: request, payload: request.content.serialized(), name: "\(request.key)#\(request.attempt)")
  }

  public func progress(of prepared: PreparedInference, withPreview: Bool) async throws -> TaskProgress? { nil }
  public func interrupt(_ prepared: PreparedInference) async throws {}
  public func stop() async throws -> Bool { false }
}

extension InferenceBackend {
  /// How far the engine is with it, without a picture.
  public func progress(of prepared: PreparedInference) async throws -> TaskProgress? {
    try await progress(of: prepared, withPreview: false)
  }
}

extension InferenceAnswer {
  /// An answer that needs no taking apart; for backends whose engine hands over pictures as they are.
  public init(_ outputs: [InferenceOutput]) {
    self.init(byteCount: outputs.reduce(0) { $0 + $1.bytes.count }) { InferenceResult(outputs: outputs) }
  }
}

extension InferenceOutput {
  /// A PNG that was asked for, whole and sound as the backend has made sure.
  public static func png(_ bytes: [UInt8], width: Int? = nil, height: Int? = nil, seed: UInt64? = nil) -> Self {
    InferenceOutput(
      bytes: bytes[...], role: .image, contentType: "image/png", fileExtension: ".png", width: width, height: height,
      seed: seed)
  }
}

extension InputSource {
  /// The bytes behind a reference, for those who keep no account of memory.
  public func fetch(_ reference: String) async throws -> [UInt8] { try await fetch(reference) { _ in } }
}

/// An input source for workers whose tasks bring no images: every reference is refused.
public struct NoInputs: InputSource {
  /// A source of nothing.
  public init() {}
  public var maximumBytes: Int { 0 }
  public func fetch(_ reference: String, onLength: @escaping @Sendable (Int) -> Void) async throws -> [UInt8] {
    throw TaskError(.inputRefused, .prepare, "this worker takes no tasks that bring images")
  }
}
