/// What a failure says about trying again.
enum FailureKind: Sendable, Hashable {
  /// The same request would fail again.
  case permanent
  /// Something was out of order for the moment.
  case transient
  /// The service wants fewer requests.
  case throttling
  /// The clocks disagree.
  case skewedClock
  /// The session token is no longer taken.
  case expiredCredentials

  private static let throttlingCodes: Set<String> = [
    "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "TooManyRequestsException",
    "ProvisionedThroughputExceededException", "TransactionInProgressException", "RequestLimitExceeded",
    "BandwidthLimitExceeded", "LimitExceededException", "RequestThrottled", "SlowDown", "PriorRequestNotComplete",
    "EC2ThrottledException", "AWS.SimpleQueueService.RequestThrottled", "KMS.ThrottlingException",
  ]
  private static let transientCodes: Set<String> = [
    "RequestTimeout", "RequestTimeoutException", "IDPCommunicationError", "InternalError", "InternalFailure",
    "ServiceUnavailable",
  ]
  private static let skewCodes: Set<String> = [
    "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture", "InvalidSignatureException",
    "SignatureDoesNotMatch", "AuthFailure",
  ]
  private static let expiredCodes: Set<String> = ["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"]

  /// The code of an answer without a body. S3's answers to HEAD have none: an expired token is told by 400 alone, a
  /// clock that is wrong by 403.
  private static func bodiless(_ status: Int) -> String { "\(status)" }

  init(_ error: AWSError) {
    switch error.origin {
    case .client: self = .permanent
    case .transport: self = error.code == .connection || error.code == .timeout ? .transient : .permanent
    case .service:
      let code = error.code.rawValue
      if Self.throttlingCodes.contains(code) || error.status == 429 {
        self = .throttling
      } else if Self.expiredCodes.contains(code) || code == Self.bodiless(400) {
        self = .expiredCredentials
      } else if Self.skewCodes.contains(code) || code == Self.bodiless(403) {
        self = .skewedClock
      } else if Self.transientCodes.contains(code) || [500, 502, 503, 504].contains(error.status ?? 0) {
        self = .transient
      } else {
        self = .permanent
      }
    }
  }
}
