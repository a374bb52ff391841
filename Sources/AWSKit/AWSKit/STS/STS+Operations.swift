import FoundationEssentials

extension STS {
  /// The owner of credentials.
  public struct CallerIdentity: Sendable, Hashable {
    /// The account's twelve digits.
    public var account: String
    /// The ARN of the user or the assumed role.
    public var arn: String
    /// The unique id of the user or role.
    public var userID: String
  }

  /// What came of assuming a role.
  public struct AssumedRole: Sendable, Hashable {
    /// The temporary credentials.
    public var credentials: Credentials
    /// The ARN of the session, `arn:aws:sts::123456789012:assumed-role/name/session`.
    public var arn: String?
    /// The unique id of the session.
    public var assumedRoleID: String?

    init(_ result: XMLElement) throws(AWSError) {
      let found = try result.requiredElement("Credentials")
      let user = result["AssumedRoleUser"]
      arn = user?.string("Arn")
      assumedRoleID = user?.string("AssumedRoleId")
      credentials = Credentials(
        accessKeyID: try found.required("AccessKeyId"), secretAccessKey: try found.required("SecretAccessKey"),
        sessionToken: try found.required("SessionToken"), expiration: try found.date("Expiration"),
        accountID: arn.flatMap { ARN($0)?.account }, source: "STS")
    }
  }

  /// Which role to assume, and how.
  public struct AssumeRoleInput: QueryOperation {
    static let action: String = "AssumeRole"
    /// The role.
    public var roleARN: String
    /// The session's name: 2 to 64 characters of `[\w+=,.@-]`.
    public var sessionName: String
    /// What the role's owner agreed with its user.
    public var externalID: String?
    /// How long the credentials live: 900 s up to the role's limit; STS's default is an hour.
    public var durationSeconds: Int?
    /// A policy in JSON that narrows the session.
    public var policy: String?
    /// ARNs of managed policies that narrow the session.
    public var policyARNs: [String] = []
    /// Tags of the session.
    public var tags: [String: String] = [:]
    /// Tags that are handed on to further roles.
    public var transitiveTagKeys: [String] = []
    /// The serial number or ARN of an MFA device.
    public var serialNumber: String?
    /// The code that the device shows.
    public var tokenCode: String?
    /// Who stands behind the session.
    public var sourceIdentity: String?

    /// A role and a session's name.
    public init(roleARN: String, sessionName: String) {
      (self.roleARN, self.sessionName) = (roleARN, sessionName)
    }

    func encode(to form: inout QueryForm) {
      form.add("RoleArn", roleARN)
      form.add("RoleSessionName", sessionName)
      form.add("PolicyArns.member", each: policyARNs.isEmpty ? nil : policyARNs) { $0.add("\($1).arn", $2) }
      form.add("Policy", policy)
      form.add("DurationSeconds", durationSeconds)
      form.add("Tags.member", map: tags, key: "Key", value: "Value")
      form.add("TransitiveTagKeys.member", list: transitiveTagKeys.isEmpty ? nil : transitiveTagKeys)
      form.add("ExternalId", externalID)
      form.add("SerialNumber", serialNumber)
      form.add("TokenCode", tokenCode)
      form.add("SourceIdentity", sourceIdentity)
    }

    func decode(_ result: XMLElement) throws(AWSError) -> AssumedRole { try AssumedRole(result) }
  }

  /// Which role to assume with whose token.
  public struct AssumeRoleWithWebIdentityInput: QueryOperation {
    static let action: String = "AssumeRoleWithWebIdentity"
    static let isUnsigned = true
    /// The role.
    public var roleARN: String
    /// The session's name.
    public var sessionName: String
    /// The token of the identity provider.
    public var webIdentityToken: String
    /// The provider, for OAuth 2.0 tokens; not for OpenID Connect.
    public var providerID: String?
    /// How long the credentials live, in seconds.
    public var durationSeconds: Int?
    /// A policy in JSON that narrows the session.
    public var policy: String?
    /// ARNs of managed policies that narrow the session.
    public var policyARNs: [String] = []

    /// A role, a session's name and a token.
    public init(roleARN: String, sessionName: String, webIdentityToken: String) {
      (self.roleARN, self.sessionName, self.webIdentityToken) = (roleARN, sessionName, webIdentityToken)
    }

    func encode(to form: inout QueryForm) {
      form.add("RoleArn", roleARN)
      form.add("RoleSessionName", sessionName)
      form.add("WebIdentityToken", webIdentityToken)
      form.add("ProviderId", providerID)
      form.add("PolicyArns.member", each: policyARNs.isEmpty ? nil : policyARNs) { $0.add("\($1).arn", $2) }
      form.add("Policy", policy)
      form.add("DurationSeconds", durationSeconds)
    }

    func decode(_ result: XMLElement) throws(AWSError) -> AssumedRole { try AssumedRole(result) }
  }
}

extension STS.AssumeRoleWithWebIdentityInput: CustomStringConvertible, CustomReflectable {
  /// The role and the session; never the token.
  public var description: String { "\(roleARN) as \(sessionName)" }
  /// The role and the session.
  public var customMirror: Mirror { Mirror(self, children: ["roleARN": roleARN, "sessionName": sessionName]) }
}
