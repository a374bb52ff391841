import SDCore

/// Where a program listens, and what it is called by its clients.
public struct Listening: Sendable, Hashable {
  /// The address or name to listen on.
  public let host: String
  /// The port; 0 for any that is free.
  public let port: Int
  /// Names that requests may be for, besides its own.
  public let allowedHosts: [String]
  /// How many proxies stand before it.
  public let proxies: Int
  /// Whether the page for people is served.
  public let dashboard: Bool
  private let publicURL: String?

  /// What holds unless something is said.
  public static let defaults: [ConfigurationKey: String] = [.host: "127.0.0.1", .port: "8811"]

  /// What was configured.
  public init(_ configuration: Configuration) {
    host = configuration.text(.host) ?? "127.0.0.1"
    port = configuration.count(.port) ?? 8811
    publicURL = configuration.text(.publicURL)
    proxies = configuration.count(.proxies) ?? 0
    dashboard = configuration.boolean(.dashboard) ?? false
    allowedHosts = (configuration.text(.allowedHosts) ?? "").split(separator: ",").map { String($0.trimmingSpaces) }
  }

  /// What clients put before paths, once the port is known; no slash at its end.
  public func address(port: Int) -> String {
    if let publicURL { return publicURL.hasSuffix("/") ? String(publicURL.dropLast()) : publicURL }
    let name: String
    switch host {
    case "0.0.0.0", "::", "": name = "127.0.0.1"
    default: name = host.contains(":") ? "[\(host)]" : host
    }
    return "http://\(name):\(port)"
  }
}
