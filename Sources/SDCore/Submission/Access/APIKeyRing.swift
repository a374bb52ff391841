/// The keys of a deployment, as they stand at one moment.
public struct APIKeyRing: Sendable, Hashable {
  /// In the order of their configuration.
  public let keys: [APIKey]

  /// A ring of keys.
  ///
  /// Throws `.configuration` where two keys have one name or one secret, where a tenant has no usable prefix, and where
  /// the prefix of one tenant lies in that of another: their objects would be one another's.
  public init(_ keys: [APIKey]) throws(SDError) {
    var names: Set<String> = []
    var digests: Set<SecretDigest> = []
    for key in keys {
      guard !key.name.isEmpty, key.name.utf8.count <= 64, names.insert(key.name).inserted else {
        throw SDError(.configuration, "the API key \(key.name.debugDescription): a name of its own is needed")
      }
      guard !key.digests.isEmpty, key.digests.allSatisfy({ digests.insert($0).inserted }) else {
        throw SDError(.configuration, "the API key \(key.name) has no secret, or one that another key has as well")
      }
      try Self.checkPlace(of: key)
      for other in keys where other.tenant != key.tenant && Self.overlap(other.prefix, key.prefix) {
        throw SDError(
          .configuration,
          "the API keys \(key.name) and \(other.name) are of two tenants, and the prefix of one lies in the other's")
      }
    }
    self.keys = keys
  }

  private static func checkPlace(of key: APIKey) throws(SDError) {
    if let refusal = TaskNaming.refusal(ofPrefix: key.prefix) {
      throw SDError(.configuration, "the prefix of the API key \(key.name) \(refusal)")
    }
    guard !key.tenant.isEmpty else { return }
    guard TaskNaming.isTaskID(key.tenant) else {
      throw SDError(
        .configuration, "the tenant of the API key \(key.name) is not 1 to 64 letters, digits, dashes and underscores")
    }
    guard !key.prefix.isEmpty, !key.prefix.hasSuffix("/") else {
      throw SDError(.configuration, "the prefix of the API key \(key.name) is empty or ends in a slash")
    }
  }

  /// Whether one prefix is the other or lies in it; the empty one is the deployment's own and is looked at per task.
  private static func overlap(_ a: String, _ b: String) -> Bool {
    guard !a.isEmpty, !b.isEmpty else { return false }
    return (a + "/").startsWithBytes(of: b + "/") || (b + "/").startsWithBytes(of: a + "/")
  }

  /// The key that a secret belongs to, if it is good now.
  ///
  /// Every key is compared with, whichever fits, so that the time tells nothing.
  public func key(for secret: String, at now: Timestamp) -> APIKey? {
    let digest = SecretDigest(of: secret)
    var found: APIKey?
    for key in keys {
      for known in key.digests where known.matches(digest) { found = key }
    }
    guard let found, found.expiresAt.map({ now < $0 }) ?? true else { return nil }
    return found
  }

  /// Whether a folder of the deployment's own tasks lies where a tenant's objects are.
  public func isTenants(_ folder: String) -> Bool {
    keys.contains { !$0.tenant.isEmpty && (folder + "/").startsWithBytes(of: $0.prefix + "/") }
  }
}
