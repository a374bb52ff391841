public import SDCore
import Yams

extension APIKeyRing {
  /// The keys that a YAML text describes; the path is for messages.
  ///
  ///     keys:
  ///       - name: studio
  ///         sha256: 5e88...                # of the secret, in hexadecimal; a list while one takes over from another
  ///         tenant: studio                 # sees its own tasks alone; without, those of nobody in particular
  ///         prefix: studio                 # where its outputs go; the tenant's name unless said
  ///         rate: 20                       # calls a second in the long run
  ///         burst: 40                      # calls at once; twice the rate unless said
  ///         queue-limit: 1000              # no more of its tasks while so many wait for their runtime
  ///         high-priority: false           # whether its tasks may be urgent; they may unless said
  ///         operator: false                # whether it may see and redrive dead letters, those of all tenants
  ///         expires: 2027-01-01T00:00:00Z
  ///
  /// Throws `.configuration` with file and line for what is unknown, missing, double or malformed; never with a digest.
  public init(yaml: String, path: String) throws(SDError) {
    guard let root = try YAMLFile.node(of: yaml, path: path)?.mapping else {
      throw SDError(.configuration, "the API keys file \(path) has no list of keys")
    }
    var keys: [APIKey] = []
    for (name, value) in root {
      guard name.scalar?.string == "keys" else {
        throw UnknownKey.error(
          name.scalar?.string ?? "that is not a word", in: "\(path), line \(name.mark?.line ?? 1)", known: ["keys"])
      }
      guard let list = value.sequence else { throw SDError(.configuration, "keys in \(path) must be a list") }
      for entry in list { keys.append(try APIKeyEntry(entry, in: path).key()) }
    }
    do { try self.init(keys) } catch {
      throw SDError(.configuration, "the API keys file \(path): \(error.message)")
    }
  }
}

/// One key of a file.
private struct APIKeyEntry {
  private let place: String
  private var values: [String: Node] = [:]

  private static let known = [
    "name", "sha256", "tenant", "prefix", "rate", "burst", "queue-limit", "high-priority", "operator", "expires",
  ]

  init(_ node: Node, in path: String) throws(SDError) {
    place = "\(path), line \(node.mark?.line ?? 1)"
    guard let mapping = node.mapping else { throw SDError(.configuration, "an API key in \(place) must be a mapping") }
    for (name, value) in mapping {
      guard let word = name.scalar?.string, Self.known.contains(word) else {
        throw UnknownKey.error(name.scalar?.string ?? "that is not a word", in: place, known: Self.known)
      }
      if value.tag != Tag(.null) { values[word] = value }
    }
  }

  func key() throws(SDError) -> APIKey {
    guard let name = try text("name") else { throw SDError(.configuration, "an API key in \(place) has no name") }
    return APIKey(
      name: name, digests: try digests(of: name), tenant: try text("tenant") ?? "", prefix: try text("prefix"),
      rate: try value("rate", "a number above 0") { Double($0).flatMap { $0 > 0 && $0.isFinite ? $0 : nil } },
      burst: try value("burst", "a whole number from 1", Self.count), queueLimit: try count("queue-limit"),
      mayHurry: try value("high-priority", "true or false", Quantity.boolean) ?? true,
      mayOperate: try value("operator", "true or false", Quantity.boolean) ?? false,
      expiresAt: try value("expires", "a time such as 2027-01-01T00:00:00Z") { Timestamp($0) })
  }

  private func count(_ name: String) throws(SDError) -> Int? {
    try value(name, "a whole number from 1", Self.count)
  }

  private static func count(_ text: String) -> Int? {
    Int(text).flatMap { (1...1_000_000_000).contains($0) ? $0 : nil }
  }

  private func digests(of name: String) throws(SDError) -> [SecretDigest] {
    let nodes = values["sha256"]?.sequence.map(Array.init) ?? values["sha256"].map { [$0] } ?? []
    var digests: [SecretDigest] = []
    for node in nodes {
      guard let digest = node.scalar.flatMap({ SecretDigest(hexadecimal: $0.string) }) else {
        throw SDError(
          .configuration,
          "sha256 of the API key \(name) in \(place) is not 64 hexadecimal digits; printf %s KEY | sha256sum")
      }
      digests.append(digest)
    }
    return digests
  }

  private func text(_ name: String) throws(SDError) -> String? {
    try value(name, "one value, not a list or a mapping") { $0.isEmpty ? nil : $0 }
  }

  private func value<Value>(_ name: String, _ wanted: String, _ read: (String) -> Value?) throws(SDError) -> Value? {
    guard let node = values[name] else { return nil }
    guard let value = node.scalar.flatMap({ read($0.string) }) else {
      throw SDError(.configuration, "\(name) of an API key in \(place) must be \(wanted)")
    }
    return value
  }
}
