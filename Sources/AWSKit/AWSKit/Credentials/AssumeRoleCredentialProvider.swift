import FoundationEssentials

/// Credentials of a role, assumed with other credentials.
public struct AssumeRoleCredentialProvider: CredentialProvider {
  private let client: AWSClient
  private let input: STS.AssumeRoleInput
  private let tokenCode: (@Sendable (String) async throws -> String)?

  /// A provider that asks STS.
  ///
  /// - Parameters:
  ///   - input: the role; without a session's name one is made.
  ///   - client: with the credentials to assume the role with.
  ///   - tokenCode: asked for the code of the MFA device whose serial number it gets.
  public init(
    _ input: STS.AssumeRoleInput, client: AWSClient, tokenCode: (@Sendable (String) async throws -> String)? = nil
  ) {
    (self.input, self.client, self.tokenCode) = (input, client, tokenCode)
  }

  /// The role's temporary credentials.
  public func credentials() async throws(AWSError) -> Credentials {
    var input = input
    if input.sessionName.isEmpty { input.sessionName = Self.sessionName(client.time) }
    if let serial = input.serialNumber, input.tokenCode == nil {
      guard let tokenCode else {
        throw AWSError(.credentialsFailed, "assuming \(input.roleARN) needs a code of the MFA device \(serial)")
      }
      do { input.tokenCode = try await tokenCode(serial) } catch {
        throw AWSError(.credentialsFailed, "no code of the MFA device \(serial) was given", underlying: error)
      }
    }
    do {
      var found = try await STS(client, region: client.configuration.region ?? "aws-global").assumeRole(input)
        .credentials
      found.source = "role \(input.roleARN)"
      return found
    } catch {
      throw Self.failure(input.roleARN, error)
    }
  }

  static func sessionName(_ time: TimeSource) -> String {
    "awskit-session-\(Int(time.now().timeIntervalSince1970))"
  }

  static func failure(_ role: String, _ error: AWSError) -> AWSError {
    if error.code == .cancelled || error.code == .credentialsFailed { return error }
    return AWSError(.credentialsFailed, "assuming \(role): \(error)", underlying: error)
  }
}

/// Credentials of a role for a pod or job with a token file (IRSA, CI systems).
public struct WebIdentityCredentialProvider: CredentialProvider {
  private let roleARN: String
  private let tokenFile: String
  private let sessionName: String?
  private let client: AWSClient

  /// A provider that hands the token in a file to STS.
  ///
  /// - Parameters:
  ///   - roleARN: the role.
  ///   - tokenFile: read anew each time, since its writer renews it.
  ///   - sessionName: without one, one is made.
  ///   - client: its credentials are not used.
  public init(roleARN: String, tokenFile: String, sessionName: String? = nil, client: AWSClient) {
    (self.roleARN, self.tokenFile, self.sessionName, self.client) = (roleARN, tokenFile, sessionName, client)
  }

  /// The role's temporary credentials.
  public func credentials() async throws(AWSError) -> Credentials {
    guard let token = try SmallFile.text(tokenFile, limit: 64 * 1024) else {
      throw AWSError(.credentialsFailed, "the web identity token file \(tokenFile) does not exist")
    }
    let input = STS.AssumeRoleWithWebIdentityInput(
      roleARN: roleARN, sessionName: sessionName ?? AssumeRoleCredentialProvider.sessionName(client.time),
      webIdentityToken: token)
    do {
      let sts = try STS(client, region: client.configuration.region ?? "aws-global")
      var found = try await sts.assumeRoleWithWebIdentity(input).credentials
      found.source = "web identity \(roleARN)"
      return found
    } catch {
      throw AssumeRoleCredentialProvider.failure(roleARN, error)
    }
  }
}
