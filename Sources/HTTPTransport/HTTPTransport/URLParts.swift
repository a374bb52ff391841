/// An absolute `http` or `https` URL, cut into what a request needs; by bytes, and strictly.
///
/// RFC 3986's grammar, except that a path and query may hold any printable ASCII character: signatures cover them as
/// they stand.
struct URLParts {
  var scheme: String
  var authority: String
  var path: String

  /// - Returns: `nil` with a reason if the text is not such a URL.
  static func parse(_ text: String) -> Result<URLParts, Fault> {
    let bytes = Array(text.utf8)
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return .failure(Fault("it has no scheme")) }
    let scheme = String(decoding: bytes[..<colon], as: UTF8.self).lowercased()
    guard scheme == "http" || scheme == "https" else { return .failure(Fault("its scheme is neither http nor https")) }
    guard bytes[colon...].starts(with: "://".utf8) else { return .failure(Fault("no // follows its scheme")) }
    let rest = bytes[(colon + 3)...]
    let authorityEnd =
      rest.firstIndex { [UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")].contains($0) } ?? rest.endIndex
    let authority = String(decoding: rest[..<authorityEnd], as: UTF8.self)
    if let fault = fault(ofAuthority: authority) { return .failure(Fault(fault)) }
    let pathEnd = rest[authorityEnd...].firstIndex(of: UInt8(ascii: "#")) ?? rest.endIndex
    var path = String(decoding: rest[authorityEnd..<pathEnd], as: UTF8.self)
    if path.utf8.first != UInt8(ascii: "/") { path = "/" + path }
    if let fault = fault(ofPath: path) { return .failure(Fault(fault)) }
    return .success(URLParts(scheme: scheme, authority: authority, path: path))
  }

  struct Fault: Error {
    var reason: String
    init(_ reason: String) { self.reason = reason }
  }

  /// Why an authority cannot be used; `nil` if it can.
  static func fault(ofAuthority authority: String) -> String? {
    let bytes = Array(authority.utf8)
    guard !bytes.isEmpty else { return "it names no host" }
    guard !bytes.contains(UInt8(ascii: "@")) else { return "its authority holds user information" }
    let host: ArraySlice<UInt8>
    let port: ArraySlice<UInt8>
    if bytes[0] == UInt8(ascii: "[") {
      guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return "its IPv6 address is not closed" }
      host = bytes[1..<end]
      port = bytes[(end + 1)...]
      guard host.contains(UInt8(ascii: ":")),
        host.allSatisfy({ isHexDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
      else { return "what stands in brackets is no IPv6 address" }
    } else {
      let end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
      host = bytes[..<end]
      port = bytes[end...]
      guard host.allSatisfy(isNameByte) else { return "its host holds a character that no name has" }
      guard host.count <= 255 else { return "its host is longer than 255 bytes" }
    }
    guard !host.isEmpty else { return "it names no host" }
    guard let colon = port.first else { return nil }
    let digits = port.dropFirst()
    guard colon == UInt8(ascii: ":"), (1...5).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
      let number = Int(String(decoding: digits, as: UTF8.self)), (1...65535).contains(number)
    else { return "its port is no number from 1 to 65535" }
    return nil
  }

  /// Why a path with its query cannot be used; `nil` if it can.
  static func fault(ofPath path: String) -> String? {
    guard path.utf8.first == UInt8(ascii: "/") || path == "*" else { return "its path does not begin with /" }
    for byte in path.utf8 where !(0x21...0x7E).contains(byte) || byte == UInt8(ascii: "#") {
      return "its path holds a character that must be percent-encoded"
    }
    return nil
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
    default: false
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "~"):
      true
    default: false
    }
  }
}
