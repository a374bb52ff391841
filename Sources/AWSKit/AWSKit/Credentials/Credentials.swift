public import FoundationEssentials

/// What requests are signed with.
///
/// Neither `description` nor a mirror shows the secret or the token.
public struct Credentials: Sendable, Hashable {
  /// Who signs: `AKIA…` or `ASIA…`.
  public var accessKeyID: String
  /// The secret of that key.
  public var secretAccessKey: String
  /// The token that goes along with temporary keys.
  public var sessionToken: String?
  /// When temporary keys end; `nil`: never.
  public var expiration: Date?
  /// The account that the keys belong to, where the source tells it.
  public var accountID: String?
  /// Where they come from, in words for a log: `environment`, `profile dev`, `IMDS`.
  public var source: String

  /// Credentials from their parts.
  public init(
    accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil, expiration: Date? = nil,
    accountID: String? = nil, source: String = "static"
  ) {
    (self.accessKeyID, self.secretAccessKey, self.sessionToken) = (accessKeyID, secretAccessKey, sessionToken)
    (self.expiration, self.accountID, self.source) = (expiration, accountID, source)
  }
}

extension Credentials {
  /// Whether they end by themselves, so that others may be had in their place.
  var isTemporary: Bool { sessionToken != nil || expiration != nil }
}

extension Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// The key's id and source; never the secret.
  public var description: String { "\(accessKeyID) from \(source)" }
  /// The key's id and source; never the secret.
  public var debugDescription: String { description }
  /// The key's id and source; never the secret.
  public var customMirror: Mirror { Mirror(self, children: ["accessKeyID": accessKeyID, "source": source]) }
}
