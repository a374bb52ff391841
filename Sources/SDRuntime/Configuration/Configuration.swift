public import SDCore

/// What was configured, with each value's source.
///
/// A key is looked up in the flags, then the YAML file, then the environment (`SD_` names, then the names of the agents
/// that came before this one); what none of them says has a default. A key that does not exist or a value that cannot be is
/// an error that names the key and the place.
public struct Configuration: Sendable {
  /// The values by key, defaults left out.
  public private(set) var values: [ConfigurationKey: ConfigurationValue]
  /// The file that was read, if any.
  public let file: String?

  /// Puts a configuration together.
  ///
  /// - Parameters:
  ///   - flags: what was said on the command line.
  ///   - file: the YAML file of `--config`; else that of `SD_CONFIG` is read, if there is one.
  ///   - environment: the process's.
  /// - Throws: `SDError(.configuration)`.
  public init(
    flags: [ConfigurationKey: String] = [:], file: String? = nil, environment: [String: String] = [:]
  ) throws(SDError) {
    let path = file ?? environment["SD_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
    self.file = path
    var layers: [Layer] = [
      flags.reduce(into: [:]) { $0[$1.key] = ConfigurationValue($1.value, from: .flag($1.key.name)) }
    ]
    if let path { layers.append(try ConfigurationFile.read(path)) }
    layers.append(try EnvironmentVariables.values(in: environment))
    layers.append(try ReferenceEnvironment.values(in: environment))
    for layer in layers { for (key, value) in layer { try Self.check(value, of: key) } }
    values = Self.merged(layers)
  }

  /// What is said of the end of a program whose configuration cannot be: what is to be stopped, as far as that can be read.
  static func ofEnd(flags: [ConfigurationKey: String], environment: [String: String]) -> Configuration {
    let keys: [ConfigurationKey] = [.stopEngine, .stopProcesses, .backend]
    var configuration = Configuration()
    let reference = (try? ReferenceEnvironment.values(in: environment)) ?? [:]
    for key in keys {
      let value =
        flags[key].map { ConfigurationValue($0, from: .flag(key.name)) }
        ?? environment[key.variable].map { ConfigurationValue($0, from: .variable(key.variable)) } ?? reference[key]
      if let value, (try? check(value, of: key)) != nil { configuration.values[key] = value }
    }
    return configuration
  }

  /// The same without what was said of some keys.
  func without(_ keys: ConfigurationKey...) -> Configuration {
    var copy = self
    for key in keys { copy.values[key] = nil }
    return copy
  }

  private init() { (values, file) = ([:], nil) }

  typealias Layer = [ConfigurationKey: ConfigurationValue]

  /// Earlier layers win; a state directory stands for its URIs in its own layer, behind what that says by name.
  private static func merged(_ layers: [Layer]) -> Layer {
    let runtime = layers.lazy.compactMap { $0[.runtime]?.text }.first
    var merged: Layer = [:]
    for var layer in layers {
      if let state = layer[.state] {
        let meant = StateDirectory(state.text).values(runtime: runtime, from: .shortHand("state", state.source))
        layer.merge(meant) { named, _ in named }
      }
      merged.merge(layer) { earlier, _ in earlier }
    }
    return merged
  }

  /// What was said about a key; `nil` when it is for the default.
  public subscript(key: ConfigurationKey) -> ConfigurationValue? { values[key] }

  /// Says what holds for keys that nobody spoke of: the defaults of one program.
  public mutating func setDefaults(_ defaults: [ConfigurationKey: String]) throws(SDError) {
    var layer = defaults.mapValues { ConfigurationValue($0, from: .fallback) }
    for (key, value) in layer { try Self.check(value, of: key) }
    if let state = layer[.state], values[.state] == nil {
      layer.merge(StateDirectory(state.text).values(runtime: text(.runtime), from: .fallback)) { named, _ in named }
    }
    values.merge(layer) { said, _ in said }
  }

  // MARK: Values by kind

  /// The text of a key.
  public func text(_ key: ConfigurationKey) -> String? { values[key]?.text }

  /// The value of a key that must be there.
  public func required(_ key: ConfigurationKey) throws(SDError) -> ConfigurationValue {
    if let value = values[key] { return value }
    let hint = key == .queue && values[.state] != nil ? ", or --runtime with --state" : ""
    throw SDError(
      .configuration,
      "\(key.name) is not configured: say --\(key.name), \(key.name) in the configuration file, or \(key.variable)\(hint)"
    )
  }

  /// The number of a key; checked when the configuration was made.
  public func count(_ key: ConfigurationKey) -> Int? { text(key).flatMap { Int($0) } }
  /// The time of a key.
  public func duration(_ key: ConfigurationKey) -> Duration? { text(key).flatMap(Quantity.duration) }
  /// The bytes of a key.
  public func bytes(_ key: ConfigurationKey) -> Int? { text(key).flatMap(Quantity.bytes) }
  /// The size of a key.
  public func size(_ key: ConfigurationKey) -> PixelSize? { text(key).flatMap(Quantity.size) }
  /// The truth of a key.
  public func boolean(_ key: ConfigurationKey) -> Bool? { text(key).flatMap(Quantity.boolean) }

  private static func check(_ value: ConfigurationValue, of key: ConfigurationKey) throws(SDError) {
    let wanted: String? =
      switch key.kind {
      case .text, .path, .secret: value.text.isEmpty || value.text.utf8.contains(0) ? "some text" : nil
      case .uri: PluginURI(value.text) == nil ? "a URI such as file:DIR" : nil
      case .count(let bounds):
        Int(value.text).map(bounds.contains) == true
          ? nil : "a whole number from \(bounds.lowerBound) to \(bounds.upperBound)"
      case .bytes: Quantity.bytes(value.text) == nil ? "a number of bytes such as 256MiB" : nil
      case .duration: Quantity.duration(value.text) == nil ? "a time such as 90s or 1m30s" : nil
      case .boolean: Quantity.boolean(value.text) == nil ? "true or false" : nil
      case .size: Quantity.size(value.text) == nil ? "a size in pixels such as 512x512" : nil
      case .choice(let words): words.contains(value.text) ? nil : "one of \(words.joined(separator: ", "))"
      }
    guard let wanted else { return }
    let shown = key.kind == .secret ? "unusable" : Redaction.redacted(value.text).debugDescription
    throw SDError(.configuration, "\(key.name) is \(shown) in \(value.source); it must be \(wanted)")
  }
}

extension Configuration {
  /// What holds, a line a key with its source; nothing secret.
  public var effective: [(key: ConfigurationKey, value: String, source: String)] {
    ConfigurationKey.all.map { key in
      guard let value = values[key] else { return (key, key.fallback ?? "not set", "\(ConfigurationSource.fallback)") }
      return (key, key.kind == .secret ? "***" : Redaction.redacted(value.text), "\(value.source)")
    }
  }
}
