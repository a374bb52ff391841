internal import HTTPTypes

/// A request as libcurl wants it: checked, and turned into strings and bytes on the caller's thread.
struct WireRequest: Sendable {
  enum Body: Sendable {
    case none
    /// No bytes, and a `Content-Length: 0`.
    case empty
    /// Small enough to go out in one write with the head.
    case copied(ArraySlice<UInt8>)
    case bytes(ArraySlice<UInt8>)
    case file(OpenFile)
    case stream(length: Int64?, source: @Sendable () -> ChunkSource)

    var length: Int64 {
      switch self {
      case .none, .empty: 0
      case .copied(let bytes), .bytes(let bytes): Int64(bytes.count)
      case .file(let file): file.length
      case .stream(let length, _): length ?? -1
      }
    }

    /// Whether it is handed over part by part, while it is sent.
    var isRead: Bool {
      switch self {
      case .none, .empty, .copied: false
      case .bytes, .file, .stream: true
      }
    }
  }

  /// Bodies up to this many bytes are handed over with the request.
  static let copiedBodyLimit = 60 * 1024

  let url: String
  /// The request target, where it is not to be derived from the URL.
  let target: String?
  let method: String
  let isHead: Bool
  /// Whether libcurl may send the request again when a connection that it reused turns out to be dead.
  let isReplayable: Bool
  /// `Name: value` lines, each ended by a NUL.
  let headerLines: [UInt8]
  let body: Body
  let proxy: ProxySettings.Choice?
  /// `+host:port:address,...`, where the addresses are not the system's to tell.
  private(set) var resolution: String?
  private let scheme: String
  private let authority: String

  /// What messages call it: `GET http://host:80`, without the path, since paths carry keys and signatures.
  var label: String { Self.label(method, scheme, authority) }

  init(_ request: HTTPRequest, body: RequestBody, proxies: ProxySettings?) throws(TransportError) {
    scheme = try Self.scheme(of: request)
    authority = request.authority ?? ""
    method = request.method.rawValue
    let path = request.path ?? "/"
    guard request.method != .connect else { throw Self.invalid(request, "CONNECT makes a tunnel, not an exchange") }
    if let reason = URLParts.fault(ofAuthority: authority) { throw Self.invalid(request, reason) }
    if let reason = URLParts.fault(ofPath: path) { throw Self.invalid(request, reason) }
    isHead = request.method == .head
    isReplayable = [.get, .head, .options, .trace].contains(request.method)
    proxy = proxies?.choice(forScheme: scheme)
    if scheme == "http", proxy != nil {
      // The proxy is sent the whole URL, unless `no_proxy` names the host; libcurl decides, so it derives the target.
      (url, target) = ("http://\(authority)\(path)", nil)
    } else {
      (url, target) = ("\(scheme)://\(authority)/", path)
    }
    self.body = try Self.body(of: request, body)
    headerLines = try Self.lines(of: request, self.body)
  }

  /// Takes the addresses from elsewhere.
  mutating func resolve(_ request: HTTPRequest, by resolver: (String) -> [String]?) {
    let parts = (request.authority ?? "").split(separator: ":", maxSplits: 1).map(String.init)
    guard let host = parts.first, !host.hasPrefix("["), let addresses = resolver(host), !addresses.isEmpty else {
      return
    }
    let port = parts.count > 1 ? parts[1] : request.scheme == "https" ? "443" : "80"
    resolution = "+\(host):\(port):\(addresses.joined(separator: ","))"
  }

  private static func scheme(of request: HTTPRequest) throws(TransportError) -> String {
    switch request.scheme {
    case "http": return "http"
    case "https": return "https"
    default:
      throw TransportError(
        .invalidRequest, "\(request.method.rawValue): the scheme must be http or https", requestMayHaveBeenSent: false)
    }
  }

  private static func body(of request: HTTPRequest, _ body: RequestBody) throws(TransportError) -> Body {
    let wired: Body
    switch body {
    case .none:
      let asked = [.post, .put, .patch].contains(request.method) || request.headerFields[.contentLength] != nil
      wired = asked ? .empty : .none
    case .bytes(let bytes) where bytes.isEmpty: wired = .empty
    case .bytes(let bytes): wired = bytes.count <= copiedBodyLimit ? .copied(bytes) : .bytes(bytes)
    case .file(let path, let offset, let length):
      wired = .file(try OpenFile(path: path, offset: offset, length: length))
    case .stream(let length, let source):
      if let length, length < 0 { throw invalid(request, "the length of its body is negative") }
      wired = .stream(length: length, source: source)
    }
    switch wired {
    case .none: break
    case .empty where request.method == .head: return .none
    default: if request.method == .head { throw invalid(request, "HEAD takes no body") }
    }
    return wired
  }

  /// The header lines in their order, and what keeps libcurl from adding its own.
  private static func lines(of request: HTTPRequest, _ body: Body) throws(TransportError) -> [UInt8] {
    var lines: [UInt8] = []
    lines.reserveCapacity(1024)
    var (hasAccept, hasType, hasExpect) = (false, false, false)
    for field in request.headerFields {
      switch field.name {
      case .accept: hasAccept = true
      case .contentType: hasType = true
      case .expect: hasExpect = true
      case .transferEncoding: throw invalid(request, "Transfer-Encoding follows from the body; it cannot be set")
      case .contentLength:
        guard Int64(field.value) == body.length else {
          throw invalid(request, "Content-Length and the length of the body differ")
        }
        // libcurl writes it.
        continue
      default: break
      }
      append(field, to: &lines)
    }
    if !hasAccept { lines.append(contentsOf: "Accept:\0".utf8) }
    if !hasType { lines.append(contentsOf: "Content-Type:\0".utf8) }
    if !hasExpect { lines.append(contentsOf: "Expect:\0".utf8) }
    return lines
  }

  private static func append(_ field: HTTPField, to lines: inout [UInt8]) {
    lines.append(contentsOf: field.name.rawName.utf8)
    field.withUnsafeBytesOfValue { value in
      // A line with nothing after the colon would tell libcurl to leave a header out; this is how it sends an empty one.
      guard value.contains(where: { $0 != 0x20 && $0 != 0x09 }) else { return lines.append(UInt8(ascii: ";")) }
      lines.append(UInt8(ascii: ":"))
      lines.append(UInt8(ascii: " "))
      let start = lines.count
      lines.append(contentsOf: value)
      // Nothing that ends a line gets through, whatever made the field.
      for index in start..<lines.count where lines[index] < 0x20 {
        if [0, 0x0A, 0x0D].contains(lines[index]) { lines[index] = 0x20 }
      }
    }
    lines.append(0)
  }

  private static func label(_ method: String, _ scheme: String, _ authority: String) -> String {
    // What stands before an @ may be a password.
    let host = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
    let printable = host.utf8.prefix(255).map { (0x21...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }
    return "\(method) \(scheme)://\(String(decoding: printable, as: UTF8.self))"
  }

  private static func invalid(_ request: HTTPRequest, _ reason: String) -> TransportError {
    let label = label(request.method.rawValue, request.scheme ?? "", request.authority ?? "")
    return TransportError(.invalidRequest, "\(label): \(reason)", requestMayHaveBeenSent: false)
  }
}
