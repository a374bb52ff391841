/// The address of a plugin: the scheme says which plugin, the rest is for its factory.
///
/// `file:DIR?queue=NAME`, `memory:NAME`, `webui+http://user:password@host:7860/base`, `arn:aws:sns:...`, an SQS queue's
/// `https:` URL. Path and query are percent-decoded; everything else stands as it was given.
public struct PluginURI: Sendable, Hashable {
  /// The whole, as it was given. May hold a password: log ``description`` instead.
  public let text: String
  /// What stands before the first colon, in lower case.
  public let scheme: String
  /// `host` or `host:port` of `scheme://host:port/path`, without user information.
  public let authority: String?
  /// User information of the authority.
  public let user: String?
  public let password: String?
  /// What follows the authority, or the scheme where there is none, up to the query.
  public let path: String
  /// Names and values of the query, in their order.
  public let query: [(name: String, value: String)]

  /// Takes an address apart; `nil` when it has no scheme or is not UTF-8 once decoded.
  public init?(_ text: String) {
    guard let colon = text.firstIndex(of: ":"), !text.utf8.contains(0) else { return nil }
    let scheme = text[..<colon]
    guard let first = scheme.first, first.isASCII, first.isLetter,
      scheme.utf8.allSatisfy({ Self.isSchemeByte($0) })
    else { return nil }
    var rest = text[text.index(after: colon)...]
    var query: [(name: String, value: String)] = []
    if let mark = rest.firstIndex(of: "?") {
      for part in rest[rest.index(after: mark)...].split(separator: "&") {
        let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = Self.decoded(pair[0]), let value = Self.decoded(pair.count > 1 ? pair[1] : "") else {
          return nil
        }
        query.append((name, value))
      }
      rest = rest[..<mark]
    }
    var authority: Substring?
    var credentials: [Substring] = []
    if rest.hasPrefix("//") {
      rest = rest.dropFirst(2)
      let end = rest.firstIndex(of: "/") ?? rest.endIndex
      authority = rest[..<end]
      rest = rest[end...]
    }
    if let given = authority, let at = given.lastIndex(of: "@") {
      credentials = given[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      authority = given[given.index(after: at)...]
    }
    guard let path = Self.decoded(rest) else { return nil }
    self.text = text
    self.scheme = scheme.lowercased()
    self.authority = authority.map(String.init)
    user = credentials.first.flatMap(Self.decoded)
    password = credentials.count > 1 ? Self.decoded(credentials[1]) : nil
    self.path = path
    self.query = query
  }

  /// The value of a query's parameter.
  public subscript(name: String) -> String? { query.last { $0.name == name }?.value }

  /// The URL of a server, without the word before the plus sign, user information and query: `http://host:7860/base`.
  public var serverURL: String? {
    guard let authority, let plus = scheme.firstIndex(of: "+") else { return nil }
    let raw = text.prefix { $0 != "?" }
    let slashes = raw.firstRange(of: "://").map { raw[$0.upperBound...] } ?? ""
    let path = slashes.firstIndex(of: "/").map { slashes[$0...] } ?? ""
    return "\(scheme[scheme.index(after: plus)...])://\(authority)\(path)"
  }

  /// A directory of a `file:` URI: `file:DIR` and `file:///DIR` alike.
  public var directory: String? {
    guard scheme == "file", authority == nil || authority == "" || authority == "localhost", !path.isEmpty else {
      return nil
    }
    return path
  }

  public static func == (a: Self, b: Self) -> Bool { a.text == b.text }
  public func hash(into hasher: inout Hasher) { hasher.combine(text) }

  private static func isSchemeByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): true
    default: false
    }
  }

  private static func decoded(_ text: Substring) -> String? {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    let bytes = Array(text.utf8)
    var out: [UInt8] = []
    var position = 0
    while position < bytes.count {
      guard bytes[position] == UInt8(ascii: "%") else {
        out.append(bytes[position])
        position += 1
        continue
      }
      guard position + 2 < bytes.count,
        let byte = UInt8(String(decoding: bytes[(position + 1)...(position + 2)], as: UTF8.self), radix: 16), byte != 0
      else { return nil }
      out.append(byte)
      position += 3
    }
    return String(validating: out, as: UTF8.self)
  }
}

extension PluginURI: CustomStringConvertible {
  /// The address without its secrets.
  public var description: String { Redaction.redacted(text) }
}
