/// What makes an engine's pictures into what a task wants stored.
///
/// It is called once the engine is at the next task already, and for tasks that want something changed only. Outputs keep
/// their order and number, and what is no picture that it knows stays as it is. Errors are `TaskError`.
public protocol OutputFinisher: Sendable {
  /// The result with its pictures as they are to be stored.
  func finish(_ result: InferenceResult, _ options: OutputOptions) async throws -> InferenceResult
}

/// A finisher for workers without codecs: it refuses tasks that want anything changed.
public struct NoOutputChanges: OutputFinisher {
  /// A finisher that changes nothing.
  public init() {}
  public func finish(_ result: InferenceResult, _ options: OutputOptions) async throws -> InferenceResult {
    throw TaskError(.invalidRequest, .deliver, "this worker stores pictures only as its engine makes them")
  }
}
