/// A failure of a contract: what was attempted on what, and what kind of failure it is.
///
/// Plugins throw nothing else (save `CancellationError`), so that whoever uses a contract needs to know no plugin.
public struct SDError: Error, Sendable {
  /// The kinds that callers tell apart.
  public enum Code: String, Sendable, Hashable, CaseIterable {
    /// There is no such thing.
    case notFound
    /// A condition of a conditional write did not hold.
    case conflict
    /// The other side refuses for now: too many requests.
    case throttled
    /// The other side cannot be reached or is not well; trying again may help.
    case unavailable
    /// A deadline passed.
    case timeout
    /// Too large for this plugin or for the limits set.
    case tooLarge
    /// The arguments cannot be right, whatever the state of things.
    case invalid
    /// This plugin does not have the ability.
    case unsupported
    /// The caller may not do that.
    case denied
    /// What was stored is not what was written.
    case corrupt
    /// There is no space left.
    case full
    /// A configuration that cannot work.
    case configuration
    /// A defect of ours.
    case `internal`
  }

  /// What kind of failure it is.
  public var code: Code
  /// What was attempted on what, and how it failed. Never a secret or a payload.
  public var message: String
  /// What the plugin was told by what it stands on.
  public var underlying: (any Error)?
  /// Where it was thrown.
  public var file: String
  public var line: Int

  /// A failure of a contract.
  public init(
    _ code: Code, _ message: String, underlying: (any Error)? = nil, file: String = #fileID, line: Int = #line
  ) {
    (self.code, self.message, self.underlying) = (code, message, underlying)
    (self.file, self.line) = (file, line)
  }

  /// Whether the same attempt may succeed later. The one place that says so.
  public var isRetryable: Bool {
    switch code {
    case .throttled, .unavailable, .timeout, .full: true
    case .notFound, .conflict, .tooLarge, .invalid, .unsupported, .denied, .corrupt, .configuration, .internal: false
    }
  }
}

extension SDError: CustomStringConvertible {
  /// The message with the code, and what lies below it.
  public var description: String {
    guard let underlying else { return "\(code.rawValue): \(message)" }
    return "\(code.rawValue): \(message): \(underlying)"
  }
}
