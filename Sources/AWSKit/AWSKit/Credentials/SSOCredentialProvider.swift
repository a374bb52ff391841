import Crypto
import FoundationEssentials
import Glibc
import HTTPTransport
import HTTPTypes

/// Credentials of a role in IAM Identity Center, with the token that `aws sso login` has left behind.
///
/// The token is read from `~/.aws/sso/cache`. Tokens of an `sso-session` are renewed in their last quarter of an hour,
/// and the new one is written back for the AWS CLI; without a valid token the user has to log in again.
struct SSOCredentialProvider: CredentialProvider {
  struct Place: Sendable {
    var session: String?
    var startURL: String
    var region: String
    var accountID: String
    var roleName: String
  }

  private struct Token: Codable {
    var startUrl: String?
    var region: String?
    var accessToken: String
    var expiresAt: String
    var clientId: String?
    var clientSecret: String?
    var registrationExpiresAt: String?
    var refreshToken: String?
  }

  private struct RoleAnswer: Decodable {
    struct Keys: Decodable {
      var accessKeyId: String
      var secretAccessKey: String
      var sessionToken: String
      var expiration: Double
    }
    var roleCredentials: Keys
  }

  private struct TokenAnswer: Decodable {
    var accessToken: String
    var expiresIn: Double
    var refreshToken: String?
  }

  private let place: Place
  private let client: AWSClient

  init(_ place: Place, client: AWSClient) { (self.place, self.client) = (place, client) }

  func credentials() async throws(AWSError) -> Credentials {
    let token = try await token()
    let service = try ServiceClient(.sso, client, region: place.region, errorFormat: .json)
    var call = ServiceCall("GetRoleCredentials")
    (call.method, call.isUnsigned) = (.get, true)
    let (role, account) = (PercentEncoding.encode(place.roleName), PercentEncoding.encode(place.accountID))
    call.target = "/federation/credentials?role_name=\(role)&account_id=\(account)"
    call.fields = [.ssoBearerToken: token]
    let answer: RoleAnswer
    do {
      let body = try await service.send(call).body
      answer = try Self.decode(body, from: "IAM Identity Center")
    } catch {
      if error.code == .cancelled { throw error }
      if error.status == 401 { throw loginNeeded("is no longer taken") }
      throw AWSError(.credentialsFailed, "getting the credentials of \(place.roleName): \(error)", underlying: error)
    }
    let keys = answer.roleCredentials
    return Credentials(
      accessKeyID: keys.accessKeyId, secretAccessKey: keys.secretAccessKey, sessionToken: keys.sessionToken,
      expiration: Date(timeIntervalSince1970: keys.expiration / 1000), accountID: place.accountID, source: "SSO")
  }

  /// The SHA-1 that the AWS CLI names a token's file by.
  static func cacheKey(_ text: String) -> [UInt8] { Array(Insecure.SHA1.hash(data: Array(text.utf8))) }

  private var tokenPath: String {
    let name = hexText(Self.cacheKey(place.session ?? place.startURL))
    return client.configuration.environment.expand("~/.aws/sso/cache/\(name).json")
  }

  private func loginNeeded(_ reason: String) -> AWSError {
    AWSError(
      .credentialsFailed, "the SSO token of \(place.session ?? place.startURL) \(reason): log in with `aws sso login`")
  }

  private static func decode<T: Decodable>(_ json: [UInt8], from source: String) throws(AWSError) -> T {
    do { return try JSONDecoder().decode(T.self, from: Data(json)) } catch {
      throw AWSError(.malformedAnswer, "the answer of \(source) is not the JSON expected")
    }
  }

  private func token() async throws(AWSError) -> String {
    let path = tokenPath
    guard let bytes = try SmallFile.read(path, limit: 256 * 1024) else { throw loginNeeded("is missing") }
    guard let token = try? Self.decode(bytes, from: "the cache") as Token,
      let expires = WireTimeParser.date(token.expiresAt)
    else { throw loginNeeded("cannot be read") }
    let left = expires.timeIntervalSince(client.time.now())
    if place.session == nil || left >= 15 * 60 {
      guard left > 0 else { throw loginNeeded("has expired") }
      return token.accessToken
    }
    do {
      let fresh = try await renew(token)
      write(fresh, to: path)
      return fresh.accessToken
    } catch {
      if error.code == .cancelled { throw error }
      guard left > 0 else { throw loginNeeded("has expired") }
      return token.accessToken
    }
  }

  private func renew(_ token: Token) async throws(AWSError) -> Token {
    let now = client.time.now()
    guard let id = token.clientId, let secret = token.clientSecret, let refresh = token.refreshToken,
      let registered = token.registrationExpiresAt.flatMap({ WireTimeParser.date($0) }), registered > now
    else { throw loginNeeded("cannot be renewed") }
    let service = try ServiceClient(.ssoOIDC, client, region: place.region, errorFormat: .json)
    var call = ServiceCall("CreateToken")
    call.isUnsigned = true
    call.target = "/token"
    let input = ["clientId": id, "clientSecret": secret, "grantType": "refresh_token", "refreshToken": refresh]
    guard let body = try? JSONEncoder().encode(input) else { throw loginNeeded("cannot be renewed") }
    call.setBody([UInt8](body), type: .json)
    let answer: TokenAnswer = try Self.decode(try await service.send(call).body, from: "IAM Identity Center")
    var fresh = token
    (fresh.startUrl, fresh.region) = (place.startURL, place.region)
    fresh.accessToken = answer.accessToken
    fresh.expiresAt = WireTime(now.addingTimeInterval(answer.expiresIn)).iso8601
    fresh.refreshToken = answer.refreshToken
    return fresh
  }

  /// Puts the token where the AWS CLI finds it; a failure costs only a further renewal.
  private func write(_ token: Token, to path: String) {
    guard let bytes = try? JSONEncoder().encode(token) else { return }
    let temporary = "\(path).\(getpid()).tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return }
    let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    let isWhole = written == bytes.count && fsync(descriptor) == 0
    close(descriptor)
    if !isWhole || rename(temporary, path) != 0 { unlink(temporary) }
  }
}

extension HTTPField.Name {
  static let ssoBearerToken = HTTPField.Name("x-amz-sso_bearer_token")!
}
