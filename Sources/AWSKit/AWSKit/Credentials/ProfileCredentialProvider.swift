import FoundationEssentials
public import HTTPTransport

/// Credentials as a profile of the shared files describes them.
///
/// In the order of the AWS CLI: `role_arn` with `source_profile` or `credential_source`; `web_identity_token_file`;
/// `sso_session` or `sso_start_url`; keys in the credentials file; `credential_process`; keys in the config file.
public struct ProfileCredentialProvider: CredentialProvider {
  private let configuration: AWSConfiguration
  private let transport: any Transport
  private let time: TimeSource
  private let tokenCode: (@Sendable (String) async throws -> String)?

  /// A provider for the configuration's profile.
  ///
  /// - Parameter tokenCode: asked for the code of the MFA device whose serial number it gets.
  public init(
    _ configuration: AWSConfiguration, transport: any Transport, time: TimeSource = .system,
    tokenCode: (@Sendable (String) async throws -> String)? = nil
  ) {
    (self.configuration, self.transport, self.time, self.tokenCode) = (configuration, transport, time, tokenCode)
  }

  /// What the profile leads to.
  public func credentials() async throws(AWSError) -> Credentials {
    let name = configuration.profileName
    let provider = try provider(for: name, visited: [name], isFirst: true)
    guard let provider else { throw AWSError(.noCredentials, "the profile \(name) has no credentials") }
    return try await provider.credentials()
  }

  /// The provider that a profile describes; `nil` when it describes none.
  func provider(for name: String, visited: [String], isFirst: Bool) throws(AWSError) -> (any CredentialProvider)? {
    let profile = configuration.files.profiles[name] ?? Profile(name)
    let hasKeys = profile["aws_access_key_id"] != nil || profile["aws_secret_access_key"] != nil
    let isRole = profile["role_arn"] != nil && profile["web_identity_token_file"] == nil
    // Further down a chain, keys go before a role: a profile may use its own.
    if isRole, isFirst || !hasKeys { return try role(profile, visited: visited) }
    if let provider = try webIdentity(profile) { return provider }
    if let provider = try sso(profile) { return provider }
    if let keys = configuration.files.credentialProfiles[name], let provider = try keyed(keys) { return provider }
    if profile["login_session"] != nil {
      throw AWSError(.credentialsFailed, "the profile \(name) has a login_session, which is not supported")
    }
    if let command = profile["credential_process"] {
      return ProcessCredentialProvider(command: command, accountID: profile["aws_account_id"], time: time)
    }
    return try configuration.files.configProfiles[name].flatMap { profile throws(AWSError) in try keyed(profile) }
  }

  private func keyed(_ profile: Profile) throws(AWSError) -> (any CredentialProvider)? {
    guard let key = profile["aws_access_key_id"] else { return nil }
    guard let secret = profile["aws_secret_access_key"] else {
      throw AWSError(.credentialsFailed, "the profile \(profile.name) has an access key, and no secret key")
    }
    return StaticCredentialProvider(
      Credentials(
        accessKeyID: key, secretAccessKey: secret,
        sessionToken: profile["aws_security_token"] ?? profile["aws_session_token"],
        accountID: profile["aws_account_id"], source: "profile \(profile.name)"))
  }

  // MARK: Roles

  private func role(_ profile: Profile, visited: [String]) throws(AWSError) -> any CredentialProvider {
    func fail(_ reason: String) -> AWSError {
      AWSError(.credentialsFailed, "the profile \(profile.name) has a role_arn, and \(reason)")
    }
    let source: any CredentialProvider
    switch (profile["source_profile"], profile["credential_source"]) {
    case (.some, .some): throw fail("both source_profile and credential_source")
    case (nil, nil): throw fail("neither source_profile nor credential_source")
    case (nil, let kind?): source = try named(kind, fail)
    case (let next?, nil):
      guard let target = configuration.files.profiles[next] else { throw fail("its source_profile \(next) is missing") }
      let hasKeys = target["aws_access_key_id"] != nil || target["aws_secret_access_key"] != nil
      // A profile may name itself, for the keys that stand beside its role.
      if visited.contains(next), next != profile.name || !hasKeys {
        throw fail("its source_profile leads back to \(next)")
      }
      guard let found = try provider(for: next, visited: visited + [next], isFirst: false) else {
        throw fail("its source_profile \(next) has no credentials")
      }
      source = found
    }
    var input = STS.AssumeRoleInput(roleARN: profile["role_arn"] ?? "", sessionName: profile["role_session_name"] ?? "")
    input.externalID = profile["external_id"]
    input.serialNumber = profile["mfa_serial"]
    input.durationSeconds = profile["duration_seconds"].flatMap { Int($0) }
    return AssumeRoleCredentialProvider(input, client: client(source), tokenCode: tokenCode)
  }

  private func named(_ kind: String, _ fail: (String) -> AWSError) throws(AWSError) -> any CredentialProvider {
    switch kind.lowercased() {
    case "environment": EnvironmentCredentialProvider(configuration.environment)
    case "ecscontainer": ContainerCredentialProvider(configuration.environment, transport: transport, time: time)
    case "ec2instancemetadata": InstanceMetadataCredentialProvider(configuration, transport: transport, time: time)
    default: throw fail("its credential_source \(kind) is none of Environment, EcsContainer, Ec2InstanceMetadata")
    }
  }

  private func client(_ credentials: any CredentialProvider) -> AWSClient {
    AWSClient(configuration: configuration, credentials: credentials, transport: transport, time: time)
  }

  // MARK: Tokens

  private func webIdentity(_ profile: Profile) throws(AWSError) -> (any CredentialProvider)? {
    guard let file = profile["web_identity_token_file"] else { return nil }
    guard let role = profile["role_arn"] else {
      throw AWSError(.credentialsFailed, "the profile \(profile.name) has a web identity token, and no role_arn")
    }
    return WebIdentityCredentialProvider(
      roleARN: role, tokenFile: file, sessionName: profile["role_session_name"], client: client(NoCredentials()))
  }

  private func sso(_ profile: Profile) throws(AWSError) -> (any CredentialProvider)? {
    guard profile["sso_role_name"] != nil || profile["sso_account_id"] != nil else { return nil }
    var values = profile.values
    let session = values["sso_session"]
    if let session {
      guard let found = configuration.files.ssoSessions[session] else {
        throw AWSError(
          .credentialsFailed, "the profile \(profile.name) names the sso-session \(session), which is missing")
      }
      for (key, value) in found.values {
        guard values[key] == nil || values[key] == value else {
          throw AWSError(.credentialsFailed, "\(key) differs between the profile \(profile.name) and its sso-session")
        }
        values[key] = value
      }
    }
    guard let role = values["sso_role_name"], let account = values["sso_account_id"], let url = values["sso_start_url"],
      let region = values["sso_region"]
    else {
      throw AWSError(
        .credentialsFailed,
        "the profile \(profile.name) needs all of sso_role_name, sso_account_id, sso_start_url, sso_region")
    }
    return SSOCredentialProvider(
      .init(session: session, startURL: url, region: region, accountID: account, roleName: role),
      client: client(NoCredentials()))
  }
}

/// Nobody's credentials, for calls that are not signed.
struct NoCredentials: CredentialProvider {
  func credentials() async throws(AWSError) -> Credentials {
    throw AWSError(.noCredentials, "this call has no credentials")
  }
}
