/// How a task failed, as clients are told and records keep it.
public struct TaskError: Error, Sendable, Hashable, Codable {
  /// The codes of the task API.
  public enum Code: String, Sendable, Hashable, Codable, CaseIterable {
    case invalidRequest = "invalid_request"
    case engineUnreachable = "engine_unreachable"
    case engineRejected = "engine_rejected"
    case engineFailed = "engine_failed"
    case engineTimeout = "engine_timeout"
    case outOfMemory = "out_of_memory"
    case modelNotFound = "model_not_found"
    case inputUnreachable = "input_unreachable"
    case inputRefused = "input_refused"
    case inputInvalid = "input_invalid"
    case outputInvalid = "output_invalid"
    case storeFailed = "store_failed"
    case cancelled
    case expired
    case attemptsExhausted = "attempts_exhausted"
    case `internal`
  }

  /// Where in a task's life it failed.
  public enum Stage: String, Sendable, Hashable, Codable, CaseIterable {
    case receive, prepare, infer, deliver
  }

  /// What kind of failure it is.
  public var code: Code
  /// In which stage.
  public var stage: Stage
  /// For the client: what went wrong and, where we know it, what to do. Never a secret or a payload.
  public var message: String
  /// Whether another attempt may succeed.
  public var retryable: Bool
  /// What the engine itself answered, where that was JSON; the reference's clients read it as `reason`.
  public var reason: JSONValue?

  /// A failure; retryable as the code has it unless said otherwise.
  public init(_ code: Code, _ stage: Stage, _ message: String, retryable: Bool? = nil, reason: JSONValue? = nil) {
    (self.code, self.stage, self.message, self.reason) = (code, stage, message, reason)
    self.retryable = retryable ?? code.isRetryable
  }
}

extension TaskError.Code {
  /// Whether failures of this kind pass, as a rule. An engine's own failure is tried again: engines run out of memory and
  /// lose their workers; a request that it refuses is not.
  public var isRetryable: Bool {
    switch self {
    case .engineUnreachable, .engineFailed, .engineTimeout, .inputUnreachable, .storeFailed, .outputInvalid, .internal:
      true
    case .invalidRequest, .engineRejected, .outOfMemory, .modelNotFound, .inputRefused, .inputInvalid, .cancelled,
      .expired, .attemptsExhausted:
      false
    }
  }
}

extension TaskError {
  /// What a failed contract means to the task in hand.
  public init(_ error: any Error, code: Code, stage: Stage) {
    switch error {
    case let error as TaskError: self = error
    case let error as SDError:
      self.init(code, stage, error.message, retryable: error.isRetryable)
    default: self.init(.internal, stage, "\(error)")
    }
  }
}

extension TaskError: CustomStringConvertible {
  /// Code, stage and message.
  public var description: String { "\(code.rawValue) (\(stage.rawValue)): \(message)" }
}
