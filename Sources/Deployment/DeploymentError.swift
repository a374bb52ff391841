/// Why something was not deployed.
public struct DeploymentError: Error, Sendable {
  /// The kinds that callers tell apart.
  public enum Code: String, Sendable, Hashable {
    /// Images are not where the configuration says.
    case imagesMissing
    /// A stack is in a state that has to be mended first.
    case stuck
    /// A stack was not created, changed or deleted.
    case stackFailed
    /// A Helm release was not installed.
    case releaseFailed
    /// A program that is needed is not here.
    case programMissing
    /// A deadline passed.
    case timeout
  }

  /// What kind of failure it is.
  public var code: Code
  /// What was attempted, how it failed, and what to do.
  public var message: String

  /// A failure.
  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
}

extension DeploymentError: CustomStringConvertible {
  /// The message.
  public var description: String { message }
}
