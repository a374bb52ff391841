import FoundationEssentials

/// Credentials from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
///
/// Also read: `AWS_SECURITY_TOKEN` (the token's old name), `AWS_CREDENTIAL_EXPIRATION`, `AWS_ACCOUNT_ID`.
public struct EnvironmentCredentialProvider: CredentialProvider {
  private let environment: Environment

  /// A provider that reads these variables.
  public init(_ environment: Environment = .process) { self.environment = environment }

  /// The credentials in the variables.
  public func credentials() async throws(AWSError) -> Credentials {
    guard let key = environment["AWS_ACCESS_KEY_ID"] else {
      throw AWSError(.noCredentials, "AWS_ACCESS_KEY_ID is not set")
    }
    guard let secret = environment["AWS_SECRET_ACCESS_KEY"] else {
      throw AWSError(.credentialsFailed, "AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not")
    }
    var expiration: Date?
    if let text = environment["AWS_CREDENTIAL_EXPIRATION"] {
      guard let date = WireTimeParser.date(text) else {
        throw AWSError(.credentialsFailed, "AWS_CREDENTIAL_EXPIRATION is no date")
      }
      expiration = date
    }
    return Credentials(
      accessKeyID: key, secretAccessKey: secret,
      sessionToken: environment["AWS_SECURITY_TOKEN"] ?? environment["AWS_SESSION_TOKEN"], expiration: expiration,
      accountID: environment["AWS_ACCOUNT_ID"], source: "environment")
  }
}
