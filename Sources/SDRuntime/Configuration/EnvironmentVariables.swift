import SDCore

/// The environment variables that bear our keys' names.
enum EnvironmentVariables {
  /// Variables that begin with `SD_` and are no keys: other programs', and the path of the configuration file.
  private static let others: Set<String> = ["SD_CONFIG", "SD_MODEL_CHECKPOINT", "SD_ONLY"]

  /// The values of a process's environment; empty ones count as absent, since templates leave them so.
  static func values(in environment: [String: String]) throws(SDError) -> Configuration.Layer {
    let keys = Dictionary(uniqueKeysWithValues: ConfigurationKey.all.map { ($0.variable, $0) })
    var values: Configuration.Layer = [:]
    for (name, text) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("SD_") {
      if text.isEmpty || others.contains(name) || isServiceLink(name, text) { continue }
      guard let key = keys[name] else {
        throw UnknownKey.error(name, in: "the environment", known: Array(keys.keys).sorted())
      }
      values[key] = ConfigurationValue(text, from: .variable(name))
    }
    return values
  }

  /// Whether Kubernetes put it there for a service whose name begins with `sd`: `SD_GATEWAY_SERVICE_HOST`,
  /// `SD_GATEWAY_PORT=tcp://10.0.0.1:80`, `SD_GATEWAY_PORT_80_TCP_ADDR`.
  private static func isServiceLink(_ name: String, _ text: String) -> Bool {
    if name.hasSuffix("_SERVICE_HOST") || name.contains("_SERVICE_PORT") { return true }
    guard name.hasSuffix("_PORT") || name.contains("_PORT_") else { return false }
    return ["tcp://", "udp://", "sctp://"].contains { text.hasPrefix($0) }
      || ["_TCP", "_UDP", "_SCTP"].contains { name.hasSuffix($0) || name.contains($0 + "_") }
  }
}
