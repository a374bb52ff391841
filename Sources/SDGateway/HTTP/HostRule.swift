import HTTPTypes

/// Which hosts a request may name, so that a web page cannot reach a server on loopback through a name of its own.
struct HostRule: Sendable {
  /// Names that are let in besides the loopback's own; `nil` lets everything in.
  private let allowed: Set<String>?

  /// - Parameters:
  ///   - boundTo: what the server listens on: only on loopback are hosts looked at, unless some are given.
  ///   - hosts: further names, without ports.
  init(boundTo host: String, hosts: [String]) {
    guard Self.isLoopback(host) || !hosts.isEmpty else {
      allowed = nil
      return
    }
    allowed = Set(["localhost", "127.0.0.1", "[::1]", host.lowercased()] + hosts.map { $0.lowercased() })
  }

  static func isLoopback(_ host: String) -> Bool {
    host.lowercased() == "localhost" || host.hasPrefix("127.") || host == "::1" || host == "[::1]"
  }

  /// Why a request is not answered, or `nil`.
  func refusal(of request: GatewayRequest) -> Problem? {
    guard let allowed else { return nil }
    guard let host = request.headers[.host], allowed.contains(Self.name(host)) else {
      return Problem(.misdirectedRequest, "this server does not answer under the host that the request names")
    }
    // A page of another origin may send simple requests to loopback; their mark is an Origin that is not ours.
    let isSafe = request.method == .get || request.method == .head
    if !isSafe, let origin = request.headers[.origin], origin != "http://\(host)", origin != "https://\(host)" {
      return Problem(.forbidden, "this server takes no requests from pages of other origins")
    }
    return nil
  }

  /// A host without its port.
  private static func name(_ authority: String) -> String {
    let text = authority.lowercased()
    if text.hasPrefix("["), let end = text.firstIndex(of: "]") { return String(text[...end]) }
    return text.split(separator: ":", omittingEmptySubsequences: false).first.map(String.init) ?? text
  }
}
