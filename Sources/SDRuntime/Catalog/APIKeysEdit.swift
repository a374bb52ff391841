public import SDCore

/// Adds keys to a file of API keys and takes some away, and leaves everything else in it as people wrote it.
///
/// After each change the text is read anew: what it means must be what was meant, and nothing else.
public struct APIKeysEdit: Sendable {
  /// The text as it stands.
  public private(set) var text: String
  /// What the text means.
  public private(set) var ring: APIKeyRing
  private let path: String

  private static let heading = """
    # API keys, by the SHA-256 of each; gateways read this file anew when it changes.

    """

  /// The keys of a text; an empty one has none.
  ///
  /// - Throws: `.configuration` for what is no file of API keys.
  public init(_ text: String, path: String) throws(SDError) {
    (self.text, self.path) = (text, path)
    ring = try text.lines.allSatisfy(\.isBlank) ? APIKeyRing([]) : APIKeyRing(yaml: text, path: path)
  }

  /// Adds a key at the end.
  public mutating func add(_ key: APIKey) throws(SDError) {
    let wanted = try APIKeyRing(ring.keys + [key])
    var lines = text.lines.allSatisfy(\.isBlank) ? (Self.heading + "keys:").lines : text.lines
    while lines.last?.isBlank == true { lines.removeLast() }
    if ring.keys.isEmpty, let line = lines.lastIndex(where: { $0.hasPrefix("keys:") }) { lines[line] = "keys:" }
    let indent = lines.last { $0.isEntry }?.indent ?? 2
    lines += Self.entry(key).enumerated().map { number, line in
      String(repeating: " ", count: indent) + (number == 0 ? "- " : "  ") + line
    }
    try take(lines, meaning: wanted)
  }

  /// Lets a key be opened by one more secret, which comes last.
  public mutating func add(_ digest: SecretDigest, to name: String) throws(SDError) {
    var key = try key(name)
    key.digests.append(digest)
    try replaceDigests(of: key)
  }

  /// Takes a key away, or all of its secrets but the last.
  public mutating func revoke(_ name: String, keepingNewest: Bool = false) throws(SDError) {
    var key = try key(name)
    if keepingNewest {
      key.digests = key.digests.suffix(1)
      return try replaceDigests(of: key)
    }
    let wanted = try APIKeyRing(ring.keys.filter { $0.name != name })
    var lines = text.lines
    lines.removeSubrange(try place(of: name, in: lines))
    if wanted.keys.isEmpty, let line = lines.lastIndex(where: { $0.hasPrefix("keys:") }) { lines[line] = "keys: []" }
    try take(lines, meaning: wanted)
  }

  private mutating func replaceDigests(of key: APIKey) throws(SDError) {
    let wanted = try APIKeyRing(ring.keys.map { $0.name == key.name ? key : $0 })
    var lines = text.lines
    let place = try place(of: key.name, in: lines)
    guard let line = lines[place].firstIndex(where: { $0.content.hasPrefix("sha256:") }),
      let start = lines[line].firstRange(of: "sha256:")
    else { throw refusal }
    let digests = key.digests.map(\.text).joined(separator: ", ")
    lines[line] = lines[line][..<start.upperBound] + (key.digests.count == 1 ? " \(digests)" : " [\(digests)]")
    try take(lines, meaning: wanted)
  }

  private func key(_ name: String) throws(SDError) -> APIKey {
    guard let key = ring.keys.first(where: { $0.name == name }) else {
      throw SDError(.notFound, "\(path) has no key \(name.debugDescription)")
    }
    return key
  }

  /// The lines of a key's entry, without blank ones and comments at its end, which belong to what follows.
  private func place(of name: String, in lines: [String]) throws(SDError) -> Range<Int> {
    let starts = lines.indices.filter { lines[$0].isEntry && lines[$0].indent == lines.first { $0.isEntry }?.indent }
    guard let position = ring.keys.firstIndex(where: { $0.name == name }), starts.count == ring.keys.count else {
      throw refusal
    }
    let start = starts[position]
    var end = position + 1 < starts.count ? starts[position + 1] : lines.count
    while end > start + 1, lines[end - 1].isBlank || lines[end - 1].content.hasPrefix("#") { end -= 1 }
    return start..<end
  }

  private mutating func take(_ lines: [String], meaning wanted: APIKeyRing) throws(SDError) {
    let edited = lines.joined(separator: "\n") + (lines.last?.isEmpty == true ? "" : "\n")
    guard let found = try? APIKeyRing(yaml: edited, path: path), found == wanted else { throw refusal }
    (text, ring) = (edited, found)
  }

  private var refusal: SDError {
    SDError(.unsupported, "\(path) is laid out in a way that cannot be changed here: change it by hand")
  }

  /// The lines of a key; names that mean something else in YAML stand in quotes.
  private static func entry(_ key: APIKey) -> [String] {
    var lines = ["name: \(quoted(key.name))", "sha256: \(key.digests.map(\.text).joined(separator: ", "))"]
    if key.digests.count > 1 { lines[1] = "sha256: [\(key.digests.map(\.text).joined(separator: ", "))]" }
    if !key.tenant.isEmpty { lines.append("tenant: \(quoted(key.tenant))") }
    if key.prefix != key.tenant { lines.append("prefix: \(quoted(key.prefix))") }
    if let rate = key.rate { lines += ["rate: \(rate)", "burst: \(key.burst)"] }
    if let limit = key.queueLimit { lines.append("queue-limit: \(limit)") }
    if !key.mayHurry { lines.append("high-priority: false") }
    if key.mayOperate { lines.append("operator: true") }
    if let expiresAt = key.expiresAt { lines.append("expires: \(expiresAt)") }
    return lines
  }

  private static func quoted(_ text: String) -> String { JSONValue.string(text).text }
}

extension String {
  fileprivate var lines: [String] { split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
  fileprivate var content: Substring { drop { $0 == " " || $0 == "-" } }
  fileprivate var indent: Int { prefix { $0 == " " }.count }
  fileprivate var isBlank: Bool { allSatisfy { $0 == " " || $0 == "\t" } }
  /// Whether an element of a list begins here.
  fileprivate var isEntry: Bool {
    let rest = drop { $0 == " " }
    return rest.hasPrefix("- ") || rest == "-"
  }
}
