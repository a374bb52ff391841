/// The proxies to go through, as the environment names them for curl and most other programs.
public struct ProxySettings: Sendable, Hashable {
  /// The proxy for `http` URLs, as a URL; `nil`: none.
  public var http: String?
  /// The proxy for `https` URLs, as a URL; `nil`: none.
  public var https: String?
  /// Hosts that are reached without a proxy: names, domain suffixes, addresses, networks, or `*`; comma-separated.
  public var exceptions: String

  /// Proxies by URL.
  public init(http: String? = nil, https: String? = nil, exceptions: String = "") {
    (self.http, self.https, self.exceptions) = (http, https, exceptions)
  }

  /// What `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say.
  ///
  /// Lower case goes before upper case; `HTTP_PROXY` in upper case is not read, since a CGI request can set it.
  public init(environment: [String: String]) {
    func value(_ names: String...) -> String? {
      for name in names { if let value = environment[name], !value.isEmpty { return value } }
      return nil
    }
    http = value("http_proxy", "all_proxy", "ALL_PROXY")
    https = value("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    exceptions = value("no_proxy", "NO_PROXY") ?? ""
  }

  /// A proxy, and the hosts it is not for.
  struct Choice: Sendable {
    var proxy: String
    var exceptions: String
  }

  func choice(forScheme scheme: String) -> Choice? {
    (scheme == "https" ? https : http).map { Choice(proxy: $0, exceptions: exceptions) }
  }
}
