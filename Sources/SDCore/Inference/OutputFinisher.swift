/// What makes an engine's pictures into what a task wants stored.
///
/// It is called once the engine is at the next task already, and for tasks that want something changed only. Outputs keep
/// their order and number, and what is no picture that it knows stays as it is. Errors are `TaskError`.
public protocol OutputFinisher: Sendable {
  /// The result with its pictures as they are to be stored.
  func finish(_ result: InferenceResult, _ options: OutputOptions) async throws -> InferenceResult
  /// Bytes that `finish` takes at most beside the result that it is given, for the worker's budget.
  func memory(for result: InferenceResult, _ options: OutputOptions) -> Int
}

extension OutputFinisher {
  /// Next to nothing.
  public func memory(for result: InferenceResult, _ options: OutputOptions) -> Int { 0 }
}

/// A finisher for workers without codecs: it refuses tasks that want anything changed.
public struct NoOutputChanges: OutputFinisher {
  /// A finisher that changes nothing.
  public init() {}
  public func finish(_ result: InferenceResult, _ options: OutputOptions) async throws -> InferenceResult {
    throw TaskError(.invalidRequest, .deliver, "this worker stores pictures only as its engine makes them")
  }
}
