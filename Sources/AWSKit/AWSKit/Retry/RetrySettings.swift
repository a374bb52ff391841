/// How failures are tried again.
public struct RetrySettings: Sendable, Hashable {
  /// How eagerly.
  public enum Mode: String, Sendable, Hashable {
    /// Backoff with jitter, and a quota that ends storms.
    case standard
    /// Standard, and a send rate that falls when the service throttles.
    case adaptive
  }

  /// How eagerly.
  public var mode = Mode.standard
  /// How often a request is sent at most, the first time included.
  public var maximumAttempts = 3

  /// Three attempts in standard mode.
  public init() {}
}
