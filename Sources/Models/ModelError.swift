/// Why models are not there.
public struct ModelError: Error, Sendable {
  /// The kinds that callers tell apart.
  public enum Code: String, Sendable, Hashable {
    /// What was asked for cannot be right.
    case invalid
    /// There is nothing under the address.
    case notFound
    /// A file could not be read or written.
    case file
    /// The disk has no room for what is to come.
    case full
    /// The bytes that came are not the object's.
    case mismatch
    /// The object became another one while it was read.
    case changed
    /// Somebody else fills the same directory, and goes on doing so.
    case busy
  }

  /// What kind of failure it is.
  public var code: Code
  /// What was attempted on what, how it failed, and what to do.
  public var message: String

  /// A failure.
  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
}

extension ModelError: CustomStringConvertible {
  /// The message.
  public var description: String { message }
}
