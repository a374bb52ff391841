/// Why a snapshot was not made.
public struct SnapshotError: Error, Sendable {
  /// The kinds that callers tell apart.
  public enum Code: String, Sendable, Hashable {
    /// The request cannot be right.
    case invalid
    /// An image cannot be pulled.
    case pullFailed
    /// A command on the instance failed.
    case commandFailed
    /// The instance went away.
    case instanceLost
    /// The stack could not be created.
    case stackFailed
    /// The snapshot itself failed.
    case snapshotFailed
    /// The snapshot is ready, and others could not be told of it.
    case publishFailed
    /// A deadline passed.
    case timeout
    /// The same snapshot is being made by somebody else.
    case busy
    /// Something temporary could not be removed.
    case leftOver
  }

  /// What kind of failure it is.
  public var code: Code
  /// What was attempted on what, how it failed, and what to do; never a secret.
  public var message: String
  /// What lies below it.
  public var underlying: (any Error)?

  /// A failure.
  public init(_ code: Code, _ message: String, underlying: (any Error)? = nil) {
    (self.code, self.message, self.underlying) = (code, message, underlying)
  }
}

extension SnapshotError: CustomStringConvertible {
  /// The message, and what lies below it.
  public var description: String { underlying.map { "\(message): \($0)" } ?? message }
}
