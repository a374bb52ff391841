import HTTPTransport
import HTTPTypes
import SDCore

/// The routes of one web UI server, over a transport.
struct WebUIClient: Sendable {
  /// An answer, received whole.
  struct Answer: Sendable {
    var status: Int
    var body: [UInt8]
    var json: JSONValue? { try? JSONValue(parsing: body) }
    var isSuccess: Bool { (200..<300).contains(status) }
  }

  let base: String
  let transport: any Transport
  private let authorization: String?

  init(base: String, transport: any Transport, credentials: (user: String, password: String)?) {
    let (plain, found) = Self.withoutUserInfo(base)
    self.base = Self.withoutAPIPath(plain)
    self.transport = transport
    authorization = (credentials ?? found).map {
      "Basic " + Base64.encode(Array("\($0.user):\($0.password)".utf8))
    }
  }

  /// A small question; throws `TransportError`.
  func get(_ route: String, timeout: Duration, upTo limit: Int = 16 << 20) async throws(TransportError) -> Answer {
    try await exchange(.get, route, body: .none, timeout: timeout, upTo: limit)
  }

  /// A small order without a body.
  func post(_ route: String, timeout: Duration) async throws(TransportError) -> Answer {
    try await exchange(.post, route, body: .bytes([]), timeout: timeout, upTo: 1 << 20)
  }

  private func exchange(
    _ method: HTTPRequest.Method, _ route: String, body: RequestBody, timeout: Duration, upTo limit: Int
  ) async throws(TransportError) -> Answer {
    var options = TransferOptions(totalTimeout: timeout)
    options.connectTimeout = min(timeout, .seconds(5))
    let (head, bytes) = try await transport.send(
      try request(method, route), body: body, upTo: limit, options: options)
    return Answer(status: head.status.code, body: bytes)
  }

  /// A request with the credentials that were configured.
  func request(_ method: HTTPRequest.Method, _ route: String) throws(TransportError) -> HTTPRequest {
    var fields = HTTPFields()
    fields[.accept] = "application/json"
    if method == .post { fields[.contentType] = "application/json" }
    if let authorization { fields[.authorization] = authorization }
    return try HTTPRequest(method: method, url: base + "/sdapi/v1/" + route, headerFields: fields)
  }

  /// `http://host:7860/sdapi/v1/` is how the successor's environment says it.
  private static func withoutAPIPath(_ base: String) -> String {
    var base = base[...]
    while base.hasSuffix("/") { base = base.dropLast() }
    if base.hasSuffix("/sdapi/v1") { base = base.dropLast("/sdapi/v1".count) }
    return String(base)
  }

  /// Takes `user:password@` out of an address, percent-encodings undone, so that no message can show it.
  private static func withoutUserInfo(_ base: String) -> (String, (user: String, password: String)?) {
    guard let scheme = base.firstRange(of: "://") else { return (base, nil) }
    let rest = base[scheme.upperBound...]
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard let at = authority.lastIndex(of: "@") else { return (base, nil) }
    let parts = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      .map { PercentEncoding.decode($0) ?? String($0) }
    let plain = base[..<scheme.upperBound] + rest[authority.index(after: at)...]
    return (String(plain), (parts.first ?? "", parts.count > 1 ? parts[1] : ""))
  }
}
