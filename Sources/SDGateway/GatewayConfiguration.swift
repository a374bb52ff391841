/// How a gateway listens and how much it takes.
public struct GatewayConfiguration: Sendable, Hashable {
  /// The address or name to listen on.
  ///
  /// On loopback only requests that name a loopback host are answered.
  public var host: String
  /// The TCP port; 0 for any that is free.
  public var port: Int
  /// Further host names that requests may give, without ports.
  ///
  /// Naming some turns the check on for every address.
  public var allowedHosts: [String]
  /// The bytes that the body of a request may have.
  public var maximumBodyBytes: Int
  /// How many clients may wait for tasks at the same time.
  public var maximumWatchers: Int
  /// How long an event stream goes on before its client is asked to come again.
  public var longestEventStream: Duration
  /// How many tasks may wait for one runtime before more are refused with a 429; `nil` for any number.
  public var queueLimit: Int?
  /// How long the head of a request may take to arrive, from its first byte or from the connection's start.
  public var headLimit: Duration
  /// How long the body of a request may take to arrive, from the end of its head.
  public var bodyLimit: Duration
  /// Connections at the same time; more wait to be accepted.
  public var maximumConnections: Int
  /// How many proxies stand before the gateway, each of which notes in `X-Forwarded-For` whom it saw.
  public var proxies: Int
  /// Whether the dashboard is served at `/`.
  public var dashboard: Bool

  /// The defaults: loopback, port 8811, bodies of 16 MiB.
  public init(
    host: String = "127.0.0.1", port: Int = 8811, allowedHosts: [String] = [], maximumBodyBytes: Int = 16 << 20,
    maximumWatchers: Int = 2000, longestEventStream: Duration = .seconds(900), queueLimit: Int? = nil,
    headLimit: Duration = .seconds(15), bodyLimit: Duration = .seconds(60), maximumConnections: Int = 4096,
    proxies: Int = 0, dashboard: Bool = false
  ) {
    self.host = host
    self.port = port
    self.allowedHosts = allowedHosts
    self.maximumBodyBytes = maximumBodyBytes
    self.maximumWatchers = maximumWatchers
    self.longestEventStream = longestEventStream
    self.queueLimit = queueLimit
    self.headLimit = headLimit
    self.bodyLimit = bodyLimit
    self.maximumConnections = maximumConnections
    self.proxies = proxies
    self.dashboard = dashboard
  }
}
