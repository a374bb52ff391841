/// What an input's URL points to, and the URLs that it may be redirected to.
struct InputURL: Sendable, Hashable {
  /// `http` or `https`.
  let scheme: String
  /// Host, and port where there is one.
  let authority: String
  /// From the first slash on, query included, fragment not.
  let path: String

  /// - Returns: `nil` for what is no http or https URL.
  init?(_ text: String) {
    guard let colon = text.firstIndex(of: ":") else { return nil }
    scheme = text[..<colon].lowercased()
    guard scheme == "http" || scheme == "https", text[colon...].hasPrefix("://") else { return nil }
    let rest = text[text.index(colon, offsetBy: 3)...]
    authority = String(rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" })
    let behind = rest.dropFirst(authority.count).prefix { $0 != "#" }
    path = PercentEncoding.repair((behind.hasPrefix("/") ? "" : "/") + behind)
    guard !authority.isEmpty else { return nil }
  }

  /// Host without port, in small letters.
  var host: String {
    if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
      return String(authority[...end]).lowercased()
    }
    return authority.prefix { $0 != ":" }.lowercased()
  }

  var text: String { "\(scheme)://\(authority)\(path)" }

  /// For messages: no query, which may be a signature, and no user information.
  var shown: String {
    let host = authority.split(separator: "@").last.map(String.init) ?? ""
    return "\(scheme)://\(host)\(path.prefix { $0 != "?" }.prefix(200))"
  }

  /// Where a `Location` leads from here (RFC 3986, 5.2, dots in paths left as they are); `nil` for other schemes.
  func following(_ location: String) -> InputURL? {
    if location.hasPrefix("//") { return InputURL("\(scheme):\(location)") }
    if location.hasPrefix("/") { return InputURL("\(scheme)://\(authority)\(location)") }
    let beforeQuery = path.prefix { $0 != "?" }
    if location.hasPrefix("?") { return InputURL("\(scheme)://\(authority)\(beforeQuery)\(location)") }
    // A colon before any slash ends a scheme.
    if location.prefix(while: { $0 != "/" && $0 != "?" }).contains(":") { return InputURL(location) }
    let folder = beforeQuery.lastIndex(of: "/").map { beforeQuery[...$0] } ?? "/"
    return InputURL("\(scheme)://\(authority)\(folder)\(location)")
  }
}
