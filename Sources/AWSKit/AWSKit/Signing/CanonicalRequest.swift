import HTTPTypes

/// The form of a request that both sides of a signature hash: method, path, query, header fields, payload.
struct CanonicalRequest {
  var bytes: [UInt8] = []
  var signedHeaders = ""

  /// Header fields that are never signed: they belong to the connection, or somebody on the way changes them.
  static let unsignedFields: Set<String> = [
    "authorization", "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
    "transfer-encoding", "upgrade", "user-agent", "x-amzn-trace-id",
  ]

  init(_ request: HTTPRequest, dialect: Signer.Dialect, payload: PayloadHash) {
    bytes.reserveCapacity(1024)
    bytes.append(request.method.rawValue)
    bytes.append(UInt8(ascii: "\n"))
    let target = request.path ?? "/"
    if target == "/" {
      bytes.append("/\n\n")
    } else {
      let (path, query) = Self.split(target.utf8)
      appendPath(path, dialect: dialect)
      bytes.append(UInt8(ascii: "\n"))
      appendQuery(query)
      bytes.append(UInt8(ascii: "\n"))
    }
    appendFields(request)
    bytes.append(UInt8(ascii: "\n"))
    bytes.append(payload.text)
  }

  /// Path and query of a request target.
  static func split(_ target: String.UTF8View) -> (path: ArraySlice<UInt8>, query: ArraySlice<UInt8>) {
    let target = Array(target)
    guard let mark = target.firstIndex(of: UInt8(ascii: "?")) else { return (target[...], []) }
    return (target[..<mark], target[(mark + 1)...])
  }

  // MARK: Path

  private mutating func appendPath(_ path: ArraySlice<UInt8>, dialect: Signer.Dialect) {
    guard !path.isEmpty else { return bytes.append(UInt8(ascii: "/")) }
    switch dialect {
    case .s3: bytes.append(contentsOf: path)
    case .standard:
      PercentEncoding.append(Self.normalised(path), to: &bytes, keepingSlash: true)
    }
  }

  /// A path without dot segments and empty segments; a trailing slash stays unless nothing else does.
  static func normalised(_ path: ArraySlice<UInt8>) -> [UInt8] {
    var kept: [ArraySlice<UInt8>] = []
    for segment in path.split(separator: UInt8(ascii: "/")) {
      if segment.elementsEqual(".".utf8) { continue }
      if segment.elementsEqual("..".utf8) { _ = kept.popLast() } else { kept.append(segment) }
    }
    var result: [UInt8] = []
    result.reserveCapacity(path.count)
    if path.first == UInt8(ascii: "/") { result.append(UInt8(ascii: "/")) }
    result.append(contentsOf: kept.joined(separator: CollectionOfOne(UInt8(ascii: "/"))))
    if path.last == UInt8(ascii: "/"), !kept.isEmpty { result.append(UInt8(ascii: "/")) }
    return result
  }

  // MARK: Query

  /// Parameters in the order of their encoded names, then values; the request must have encoded them already.
  private mutating func appendQuery(_ query: ArraySlice<UInt8>) {
    guard !query.isEmpty else { return }
    let parameters = query.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false).map { pair in
      guard let mark = pair.firstIndex(of: UInt8(ascii: "=")) else {
        return (name: pair, value: pair[pair.endIndex...])
      }
      return (name: pair[..<mark], value: pair[(mark + 1)...])
    }
    let sorted = parameters.sorted { left, right in
      left.name.lexicographicallyPrecedes(right.name)
        || (left.name.elementsEqual(right.name) && left.value.lexicographicallyPrecedes(right.value))
    }
    for (index, parameter) in sorted.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: "&")) }
      bytes.append(contentsOf: parameter.name)
      bytes.append(UInt8(ascii: "="))
      bytes.append(contentsOf: parameter.value)
    }
  }

  // MARK: Header fields

  private mutating func appendFields(_ request: HTTPRequest) {
    var fields: [HTTPField] = []
    fields.reserveCapacity(request.headerFields.count + 1)
    for field in request.headerFields where !Self.unsignedFields.contains(field.name.canonicalName) {
      fields.append(field)
    }
    if !fields.contains(where: { $0.name.canonicalName == "host" }) {
      fields.append(HTTPField(name: .host, value: Self.host(of: request)))
    }
    // A stable sort by insertion: few fields, and repeated ones keep their order.
    for index in fields.indices.dropFirst() {
      var place = index
      while place > 0, fields[place].name.canonicalName < fields[place - 1].name.canonicalName {
        fields.swapAt(place, place - 1)
        place -= 1
      }
    }
    var names: [UInt8] = []
    names.reserveCapacity(128)
    var previous: String?
    for field in fields {
      let name = field.name.canonicalName
      if name == previous {
        // Another value of the field before: it goes into the same line.
        bytes.removeLast()
        bytes.append(UInt8(ascii: ","))
      } else {
        if previous != nil { names.append(UInt8(ascii: ";")) }
        names.append(name)
        bytes.append(name)
        bytes.append(UInt8(ascii: ":"))
      }
      field.withUnsafeBytesOfValue { appendTrimmed($0) }
      bytes.append(UInt8(ascii: "\n"))
      previous = name
    }
    bytes.append(UInt8(ascii: "\n"))
    bytes.append(contentsOf: names)
    signedHeaders = String(decoding: names, as: UTF8.self)
  }

  /// A value without outer white space, and with every inner run of it as one space.
  private mutating func appendTrimmed(_ value: UnsafeBufferPointer<UInt8>) {
    guard value.contains(where: { $0 <= UInt8(ascii: " ") }) else { return bytes.append(contentsOf: value) }
    var pendingSpace = false
    var written = false
    for byte in value {
      if byte == UInt8(ascii: " ") || (byte >= 9 && byte <= 13) {
        pendingSpace = written
      } else {
        if pendingSpace { bytes.append(UInt8(ascii: " ")) }
        bytes.append(byte)
        (pendingSpace, written) = (false, true)
      }
    }
  }

  /// The authority as `Host` carries it: lower case, no user, no default port.
  static func host(of request: HTTPRequest) -> String {
    let authority = request.authority ?? ""
    let defaultPort = request.scheme == "http" ? ":80" : ":443"
    let isPlain = authority.utf8.allSatisfy { $0 != UInt8(ascii: "@") && lowercased($0) == $0 }
    if isPlain, !authority.hasSuffix(defaultPort) { return authority }
    var host = Array(authority.utf8)[...]
    if let at = host.lastIndex(of: UInt8(ascii: "@")) { host = host[(at + 1)...] }
    if host.count > defaultPort.utf8.count, host.suffix(defaultPort.utf8.count).elementsEqual(defaultPort.utf8) {
      host = host.dropLast(defaultPort.utf8.count)
    }
    return String(decoding: host.map(lowercased), as: UTF8.self)
  }
}

extension HTTPField.Name {
  /// `Host`, which `HTTPTypes` keeps out of the header fields of a request.
  static let host = HTTPField.Name("host")!
  static let amzDate = HTTPField.Name("X-Amz-Date")!
  static let amzSecurityToken = HTTPField.Name("X-Amz-Security-Token")!
  static let amzContentSHA256 = HTTPField.Name("X-Amz-Content-SHA256")!
}
