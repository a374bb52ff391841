import AWSKit
import SDCore

/// What a failed call of AWS means to a contract: an `SDError` that says what was attempted, or the `CancellationError` of a
/// cancelled task.
///
/// - Parameter attempt: what was tried on what, as in `sending to queue tasks`.
func failure(_ error: AWSError, _ attempt: @autoclosure () -> String) -> any Error {
  if error.code == .cancelled { return CancellationError() }
  return SDError(SDError.Code(error), attempt(), underlying: error)
}

/// Makes a call; what it throws is told in the words of the contracts.
func attempting<Value>(
  _ attempt: @autoclosure () -> String, _ call: () async throws(AWSError) -> Value
) async throws -> Value {
  do { return try await call() } catch { throw failure(error, attempt()) }
}

extension SDError.Code {
  /// The kind of failure behind an error of AWS.
  init(_ error: AWSError) {
    switch error.origin {
    case .client: self = Self.client[error.code] ?? .internal
    case .transport:
      self =
        switch error.code {
        case .timeout: .timeout
        case .answerTooLarge: .tooLarge
        case .invalidInput: .invalid
        default: .unavailable
        }
    case .service: self = Self(answer: error)
    }
  }

  private static let client: [AWSError.Code: SDError.Code] = [
    .invalidInput: .invalid, .invalidConfiguration: .configuration, .invalidEndpoint: .configuration,
    // A metadata service that is away comes back; keys that were never given may still be mounted.
    .noCredentials: .unavailable, .credentialsFailed: .unavailable, .malformedAnswer: .unavailable,
    .checksumMismatch: .corrupt, .answerTooLarge: .tooLarge, .timeout: .timeout, .connection: .unavailable,
  ]

  private init(answer error: AWSError) {
    let code = error.code.rawValue
    switch error.status ?? 0 {
    case _ where code == "AWS.SimpleQueueService.NonExistentQueue" || code == "QueueDoesNotExist" || code == "NotFound":
      self = .notFound
    case _ where code.contains("Throttl") || code == "SlowDown" || code == "RequestLimitExceeded": self = .throttled
    // A session that ran out is renewed: the next attempt has the new one.
    case _ where code.hasPrefix("ExpiredToken") || code == "TokenRefreshRequired": self = .unavailable
    case 404: self = .notFound
    case 409, 412: self = .conflict
    case 429: self = .throttled
    case 401, 403: self = .denied
    case 416: self = .invalid
    case 500...: self = .unavailable
    default: self = .invalid
    }
  }
}
