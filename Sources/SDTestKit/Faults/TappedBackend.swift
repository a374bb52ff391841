public import SDCore

/// An engine on whose calls a test steps in, before they are made.
public struct TappedBackend: InferenceBackend {
  /// The calls; `answered` is where a run's answer has begun and is not handed on yet.
  public enum Call: Sendable { case prepare, run, answered, progress, interrupt }

  /// Where to step in.
  public let tap = Tap<Call>()
  private let inner: any InferenceBackend
  private let status: (@Sendable () async -> EngineStatus)?

  /// An engine on another, with its own word on how it is where one is given.
  public init(_ inner: any InferenceBackend, status: (@Sendable () async -> EngineStatus)? = nil) {
    (self.inner, self.status) = (inner, status)
  }

  public var kind: String { inner.kind }
  public func status() async -> EngineStatus {
    if let status { await status() } else { await inner.status() }
  }
  public func describe() async throws -> EngineDescription { try await inner.describe() }
  public func verify(model: String) async throws { try await inner.verify(model: model) }
  public func recycleMemory(above limit: Int) async -> RecycledMemory? { await inner.recycleMemory(above: limit) }

  public func prepare(_ request: InferenceRequest) async throws -> PreparedInference {
    try await tap.pass(.prepare)
    return try await inner.prepare(request)
  }

  public func run(
    _ prepared: PreparedInference, onAnswer: @escaping @Sendable () -> Void
  ) async throws -> InferenceAnswer {
    try await tap.pass(.run)
    let answer = try await inner.run(prepared, onAnswer: onAnswer)
    try await tap.pass(.answered)
    return answer
  }

  public func progress(of prepared: PreparedInference, withPreview: Bool) async throws -> TaskProgress? {
    try await tap.pass(.progress)
    return try await inner.progress(of: prepared, withPreview: withPreview)
  }

  public func interrupt(_ prepared: PreparedInference) async throws {
    try await tap.pass(.interrupt)
    try await inner.interrupt(prepared)
  }

  public func stop() async throws -> Bool { try await inner.stop() }
}
