/// A configured value and who said so.
public struct ConfigurationValue: Sendable, Hashable {
  /// The text as it was given.
  public var text: String
  /// Where it was given.
  public var source: ConfigurationSource

  /// A configured value.
  public init(_ text: String, from source: ConfigurationSource) { (self.text, self.source) = (text, source) }
}

/// Where a value of the configuration was given; its description ends sentences such as "queue is malformed in ...".
public enum ConfigurationSource: Sendable, Hashable {
  /// A flag on the command line, by its name without dashes.
  case flag(String)
  /// A line of a file.
  case file(String, line: Int)
  /// An environment variable.
  case variable(String)
  /// What another key stands for.
  indirect case shortHand(String, ConfigurationSource)
  /// The description of a runtime, by its name.
  case runtime(String)
  /// Nobody said so.
  case fallback
}

extension ConfigurationSource: CustomStringConvertible {
  public var description: String {
    switch self {
    case .flag(let name): "--\(name)"
    case .file(let path, let line): "\(path), line \(line)"
    case .variable(let name): "the environment variable \(name)"
    case .shortHand(let key, let source): "\(key) from \(source)"
    case .runtime(let name): "the description of runtime \(name)"
    case .fallback: "the default"
    }
  }
}
