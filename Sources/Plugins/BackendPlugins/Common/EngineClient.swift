import HTTPTransport
import HTTPTypes
import SDCore

/// The HTTP server of one engine: where it is, and what it wants to be told of who asks.
struct EngineClient: Sendable {
  /// What goes out as `Authorization`.
  enum Credentials: Sendable {
    case basic(user: String, password: String)
    case bearer(String)

    var field: String {
      switch self {
      case .basic(let user, let password): "Basic " + Base64.encode(Array("\(user):\(password)".utf8))
      case .bearer(let token): "Bearer " + token
      }
    }
  }

  /// An answer, received whole.
  struct Answer: Sendable {
    var status: Int
    var body: [UInt8]
    var json: JSONValue? { try? JSONValue(parsing: body) }
    var isSuccess: Bool { (200..<300).contains(status) }
  }

  /// Scheme, authority and path, no slash at its end, no user information.
  let base: String
  let transport: any Transport
  let authorization: String?

  /// - Parameters:
  ///   - base: the server's address; user information in it is taken for HTTP Basic credentials.
  ///   - apiPath: what every route begins with, with or without which the address may be given.
  init(base: String, apiPath: String, transport: any Transport, credentials: Credentials?) {
    let (plain, found) = Self.withoutUserInfo(base)
    self.base = Self.without(apiPath, plain) + apiPath
    self.transport = transport
    authorization = (credentials ?? found)?.field
  }

  /// A small question.
  func get(_ route: String, timeout: Duration, upTo limit: Int = 16 << 20) async throws(TransportError) -> Answer {
    try await exchange(try request(.get, route), .none, timeout: timeout, upTo: limit)
  }

  /// A small order, with JSON or without a body.
  func post(_ route: String, _ json: JSONValue? = nil, timeout: Duration) async throws(TransportError) -> Answer {
    try await exchange(
      try request(.post, route), .bytes(json?.serialized() ?? []), timeout: timeout, upTo: 1 << 20)
  }

  func exchange(
    _ request: HTTPRequest, _ body: RequestBody, timeout: Duration, upTo limit: Int
  ) async throws(TransportError) -> Answer {
    var options = TransferOptions(totalTimeout: timeout)
    options.connectTimeout = min(timeout, .seconds(5))
    let (head, bytes) = try await transport.send(request, body: body, upTo: limit, options: options)
    return Answer(status: head.status.code, body: bytes)
  }

  /// A request with the credentials that were configured; a POST carries JSON unless its type is set.
  func request(_ method: HTTPRequest.Method, _ route: String) throws(TransportError) -> HTTPRequest {
    var fields = HTTPFields()
    if method == .post { fields[.contentType] = "application/json" }
    if let authorization { fields[.authorization] = authorization }
    return try HTTPRequest(method: method, url: "\(base)/\(route)", headerFields: fields)
  }

  private static func without(_ apiPath: String, _ base: String) -> String {
    var base = base[...]
    while base.hasSuffix("/") { base = base.dropLast() }
    if !apiPath.isEmpty, base.hasSuffix(apiPath) { base = base.dropLast(apiPath.count) }
    while base.hasSuffix("/") { base = base.dropLast() }
    return String(base)
  }

  /// Takes `user:password@` out of an address, percent-encodings undone, so that no message can show it.
  private static func withoutUserInfo(_ base: String) -> (String, Credentials?) {
    guard let scheme = base.firstRange(of: "://") else { return (base, nil) }
    let rest = base[scheme.upperBound...]
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard let at = authority.lastIndex(of: "@") else { return (base, nil) }
    let parts = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      .map { PercentEncoding.decode($0) ?? String($0) }
    let plain = base[..<scheme.upperBound] + rest[authority.index(after: at)...]
    return (String(plain), .basic(user: parts.first ?? "", password: parts.count > 1 ? parts[1] : ""))
  }
}

extension TransportError {
  /// What it means to the task in hand that an engine could not be asked.
  func asEngineAbsence(_ what: String, _ stage: TaskError.Stage) -> any Error {
    if code == .cancelled { return CancellationError() }
    return TaskError(
      .engineUnreachable, stage, "\(what): \(message)", retryable: code == .invalidRequest ? false : nil)
  }
}
