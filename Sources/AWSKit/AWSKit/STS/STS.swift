/// AWS Security Token Service: who am I, and temporary credentials of roles.
public struct STS: Sendable {
  let core: ServiceClient

  /// A client of STS.
  ///
  /// - Parameters:
  ///   - client: what it shares with the other services.
  ///   - region: goes before the client's.
  /// - Throws: ``AWSError/Code/invalidEndpoint`` without a region.
  public init(_ client: AWSClient, region: String? = nil) throws(AWSError) {
    core = try ServiceClient(.sts, client, region: region, errorFormat: .query)
  }

  /// Who the credentials belong to.
  public func getCallerIdentity() async throws(AWSError) -> CallerIdentity {
    try await core.query("GetCallerIdentity") { _ in
    } read: { result throws(AWSError) in
      CallerIdentity(
        account: try result.required("Account"), arn: try result.required("Arn"), userID: try result.required("UserId"))
    }
  }

  /// Temporary credentials of a role.
  public func assumeRole(_ input: AssumeRoleInput) async throws(AWSError) -> AssumedRole {
    try await core.query(input)
  }

  /// Temporary credentials of a role for the holder of a token of an identity provider; not signed.
  public func assumeRoleWithWebIdentity(_ input: AssumeRoleWithWebIdentityInput) async throws(AWSError) -> AssumedRole {
    try await core.query(input)
  }
}
