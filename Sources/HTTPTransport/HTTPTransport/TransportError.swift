/// Why an exchange did not come to its end.
public struct TransportError: Error, Sendable {
  /// The kinds of failure that a caller tells apart.
  public enum Code: String, Sendable, Hashable {
    /// The request cannot be sent as it stands: no authority, an unusable URL.
    case invalidRequest
    /// The name could not be resolved.
    case nameNotResolved
    /// No connection: refused, unreachable, reset while connecting.
    case connectionFailed
    /// The connection policy refused the address.
    case addressRefused
    /// TLS failed: certificate, host name, version.
    case tlsFailed
    /// The connection broke after it stood: reset, closed early, a truncated body, a malformed answer.
    case connectionLost
    /// A deadline passed; the message says which.
    case timeout
    /// The answer is larger than allowed.
    case tooLarge
    /// The body of the request could not be produced.
    case bodyFailed
    /// The calling task was cancelled.
    case cancelled
    /// The transport has been shut down.
    case closed
  }

  /// What kind of failure it is.
  public var code: Code
  /// What was attempted, on what, and how it failed; no secret, no query string.
  public var message: String
  /// Whether any byte of the request may have reached the peer: if not, sending it again is always safe.
  public var requestMayHaveBeenSent: Bool
  /// What made the body fail.
  public var underlying: (any Error)?

  /// An error of a transport.
  public init(_ code: Code, _ message: String, requestMayHaveBeenSent: Bool = true, underlying: (any Error)? = nil) {
    (self.code, self.message) = (code, message)
    (self.requestMayHaveBeenSent, self.underlying) = (requestMayHaveBeenSent, underlying)
  }
}

extension TransportError: CustomStringConvertible {
  /// The message, with the code in front.
  public var description: String { "\(code.rawValue): \(message)" }
}
