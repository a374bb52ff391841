/// Something that has credentials, or can get them.
///
/// Guarantees that an implementation gives:
/// - Each call answers with credentials that are valid at that moment, as far as it can know.
/// - ``AWSError/Code/noCredentials`` says that this provider is not set up here, so that a chain asks the next one;
///   any other error says that it is set up and failed, and ends the search.
/// - Calls from many tasks at once are fine. Providers that ask somebody else need no memory of their own: put a
///   ``CachingCredentialProvider`` around them.
public protocol CredentialProvider: Sendable {
  /// The credentials to sign with now.
  func credentials() async throws(AWSError) -> Credentials

  /// Told that a service takes these credentials no longer, though they may not have expired by the clock.
  func discard(_ credentials: Credentials)
}

extension CredentialProvider {
  /// Nothing is remembered, so nothing is forgotten.
  public func discard(_ credentials: Credentials) {}
}

/// Credentials that are given in code.
public struct StaticCredentialProvider: CredentialProvider {
  private let value: Credentials

  /// A provider of fixed credentials.
  public init(_ credentials: Credentials) { value = credentials }

  /// A provider of fixed keys.
  public init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil) {
    value = Credentials(accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: sessionToken)
  }

  /// The fixed credentials.
  public func credentials() async throws(AWSError) -> Credentials { value }
}
