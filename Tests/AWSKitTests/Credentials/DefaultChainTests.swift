import FoundationEssentials
import HTTPTransport
import SDTestKit
import Testing

@testable import AWSKit

/// The default chain, set up by variables and files as a user sets it up.
struct DefaultChainTests {
  let home: TemporaryFolder
  let time = ManualTime()

  init() throws { home = try TemporaryFolder() }

  func credentials(
    _ variables: [String: String] = [:], config: String? = nil, credentials: String? = nil, profile: String? = nil
  ) async throws -> Credentials {
    if let config { try home.write(config, to: ".aws/config") }
    if let credentials { try home.write(credentials, to: ".aws/credentials") }
    var all = ["HOME": home.path, "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "eu-central-1"]
    all.merge(variables) { $1 }
    let configuration = try AWSConfiguration.load(profile: profile, environment: Environment(all))
    return
      try await CachingCredentialProvider
      .defaultChain(configuration, transport: CurlTransport(), time: time.source).credentials()
  }

  let keys = ["AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "env secret"]
  let file =
    "[default]\naws_access_key_id = DEF\naws_secret_access_key = s\n[dev]\naws_access_key_id=DEV\naws_secret_access_key=s\naws_session_token = t"

  // MARK: Variables and files

  @Test func variablesGoBeforeProfiles() async throws {
    #expect(try await credentials(keys, credentials: file).accessKeyID == "ENV")
    #expect(try await credentials(keys.merging(["AWS_PROFILE": "dev"]) { $1 }).accessKeyID == "ENV")
  }

  @Test func aProfileNamedInCodeGoesBeforeVariables() async throws {
    let found = try await credentials(keys, credentials: file, profile: "dev")
    #expect(found.accessKeyID == "DEV" && found.sessionToken == "t" && found.source == "profile dev")
  }

  @Test func halfAPairIsAnErrorAndNotSkipped() async throws {
    var error = await #expect(throws: AWSError.self) {
      try await credentials(["AWS_ACCESS_KEY_ID": "ENV"], credentials: file)
    }
    #expect(error?.code == .credentialsFailed)
    error = await #expect(throws: AWSError.self) {
      try await credentials(credentials: "[default]\naws_access_key_id=A")
    }
    #expect(error?.code == .credentialsFailed)
  }

  @Test func withoutAnythingTheErrorTellsWhatWasTried() async throws {
    let error = await #expect(throws: AWSError.self) { try await credentials() }
    #expect(error?.code == .noCredentials)
    for word in ["AWS_ACCESS_KEY_ID", "profile default", "container", "AWS_EC2_METADATA_DISABLED"] {
      #expect(error?.message.contains(word) == true)
    }
  }

  @Test func aNamedProfileThatIsMissingIsAnError() async throws {
    let error = await #expect(throws: AWSError.self) { try await credentials(["AWS_PROFILE": "none"]) }
    #expect(error?.code == .invalidConfiguration)
  }

  @Test func otherFilesAreReadWhereVariablesSaySo() async throws {
    let path = try home.write("[x]\naws_access_key_id=X\naws_secret_access_key=s", to: "other/credentials")
    let found = try await credentials(["AWS_SHARED_CREDENTIALS_FILE": "~/other/credentials", "AWS_PROFILE": "x"])
    #expect(found.accessKeyID == "X" && path.hasSuffix("other/credentials"))
  }

  // MARK: Processes

  @Test func aProcessIsRunWithoutAShell() async throws {
    let script = try home.write(
      """
      #!/bin/sh
      test "$1" = "a b" || exit 3
      echo '{"Version":1,"AccessKeyId":"PROC","SecretAccessKey":"s","SessionToken":"t","Expiration":"2030-01-01T00:00:00Z"}'
      """, to: "give me.sh")
    let found = try await credentials(config: "[default]\ncredential_process = /bin/sh \"\(script)\" 'a b'")
    #expect(found.accessKeyID == "PROC" && found.expiration == WireTimeParser.date("2030-01-01T00:00:00Z"))
  }

  @Test(arguments: [
    "/bin/sh -c 'echo oops >&2; exit 4'", "/bin/echo nonsense", "/bin/echo '{\"Version\":2}'", "/nonexistent/program",
    "'unterminated", "/bin/echo '{\"Version\":1,\"AccessKeyId\":\"A\"}'", "/usr/bin/yes", "/bin/sh -c 'kill -9 $$'",
  ])
  func aProcessThatFailsIsAnError(command: String) async throws {
    let error = await #expect(throws: AWSError.self) {
      try await credentials(config: "[default]\ncredential_process = \(command)")
    }
    #expect(error?.code == .credentialsFailed || error?.code == .invalidConfiguration)
    if command.contains("oops") { #expect(error?.message.contains("oops") == true) }
  }

  // MARK: Roles

  @Test func aChainOfRolesIsFollowed() async throws {
    let server = try ScriptedHTTPServer { request in
      let role = request.form["RoleArn"] ?? ""
      return .role("AssumeRole", key: role.hasSuffix("inner") ? "INNER" : "OUTER")
    }
    let found = try await credentials(
      ["AWS_ENDPOINT_URL_STS": server.url, "AWS_PROFILE": "outer"],
      config: """
        [profile outer]
        role_arn = arn:aws:iam::1:role/outer
        source_profile = inner
        role_session_name = me
        external_id = x y
        duration_seconds = 900
        [profile inner]
        role_arn = arn:aws:iam::1:role/inner
        source_profile = base
        """, credentials: "[base]\naws_access_key_id = BASE\naws_secret_access_key = s")
    #expect(found.accessKeyID == "OUTER" && found.sessionToken == "role token" && found.accountID == "123456789012")
    let requests = server.requests
    #expect(requests.count == 2)
    #expect(requests[0].header("authorization")?.contains("Credential=BASE/") == true)
    #expect(requests[1].header("authorization")?.contains("Credential=INNER/") == true)
    #expect(requests[1].header("x-amz-security-token") == "role token")
    let form = requests[1].form
    #expect(form["RoleSessionName"] == "me" && form["ExternalId"] == "x y" && form["DurationSeconds"] == "900")
  }

  @Test func aProfileMayUseItsOwnKeysForItsRole() async throws {
    let server = try ScriptedHTTPServer { _ in .role("AssumeRole", key: "ROLE") }
    let found = try await credentials(
      ["AWS_ENDPOINT_URL_STS": server.url],
      config: "[default]\nrole_arn = r\nsource_profile = default\naws_access_key_id = OWN\naws_secret_access_key = s")
    #expect(found.accessKeyID == "ROLE")
    #expect(server.requests.first?.header("authorization")?.contains("Credential=OWN/") == true)
  }

  @Test(arguments: [
    "[default]\nrole_arn = r", "[default]\nrole_arn = r\nsource_profile = none",
    "[default]\nrole_arn = r\nsource_profile = default",
    "[default]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = q\nsource_profile = default",
    "[default]\nrole_arn = r\nsource_profile = b\ncredential_source = Environment\n[profile b]",
    "[default]\nrole_arn = r\ncredential_source = Moon",
    "[default]\nrole_arn = r\nsource_profile = b\n[profile b]\nregion = x",
    "[default]\nweb_identity_token_file = /x", "[default]\nsso_role_name = r",
    "[default]\nsso_session = s\nsso_role_name = r\nsso_account_id = 1",
  ])
  func aProfileThatLeadsNowhereIsAnErrorAndNotSkipped(config: String) async throws {
    let error = await #expect(throws: AWSError.self) { try await credentials(config: config) }
    #expect(error?.code == .credentialsFailed)
  }

  @Test func aRoleTakesItsSourceFromVariables() async throws {
    let server = try ScriptedHTTPServer { _ in .role("AssumeRole", key: "ROLE") }
    let config = "[profile r]\nrole_arn = r\ncredential_source = Environment"
    _ = try await credentials(
      keys.merging(["AWS_ENDPOINT_URL_STS": server.url]) { $1 }, config: config, profile: "r")
    #expect(server.requests.first?.header("authorization")?.contains("Credential=ENV/") == true)
  }

  // MARK: Web identity

  @Test func aWebIdentityIsHandedToSTSUnsigned() async throws {
    let server = try ScriptedHTTPServer { _ in .role("AssumeRoleWithWebIdentity", key: "WEB") }
    let token = try home.write("header.payload.signature", to: "token")
    let found = try await credentials([
      "AWS_ENDPOINT_URL_STS": server.url, "AWS_WEB_IDENTITY_TOKEN_FILE": token,
      "AWS_ROLE_ARN": "arn:aws:iam::1:role/pod",
    ])
    #expect(found.accessKeyID == "WEB")
    let request = try #require(server.requests.first)
    #expect(request.header("authorization") == nil)
    #expect(
      request.form["WebIdentityToken"] == "header.payload.signature"
        && request.form["RoleArn"] == "arn:aws:iam::1:role/pod")
    #expect(request.form["RoleSessionName"] == "awskit-session-1700000000")
  }

  @Test func aWebIdentityWithoutARoleIsAnError() async throws {
    let error = await #expect(throws: AWSError.self) { try await credentials(["AWS_WEB_IDENTITY_TOKEN_FILE": "/x"]) }
    #expect(error?.code == .credentialsFailed)
  }

  // MARK: Containers

  let answer = #"{"AccessKeyId":"BOX","SecretAccessKey":"s","Token":"t","Expiration":"2030-01-01T00:00:00Z"}"#

  @Test func aContainersAgentIsAskedWithTheTokenInItsFile() async throws {
    let server = try ScriptedHTTPServer { [answer] _ in .json(answer) }
    let token = try home.write("Bearer abc", to: "agent-token")
    let found = try await credentials([
      "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url + "/v1/credentials?a=b",
      "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token,
      "AWS_CONTAINER_AUTHORIZATION_TOKEN": "unused",
    ])
    #expect(found.accessKeyID == "BOX" && found.sessionToken == "t" && found.source == "container")
    #expect(server.requests.first?.target == "/v1/credentials?a=b")
    #expect(server.requests.first?.header("authorization") == "Bearer abc")
  }

  @Test func anAgentThatStumblesIsAskedAgain() async throws {
    let server = try ScriptedHTTPServer(answers: [.respond(status: 500), .respond(body: "x"), .json(answer)])
    let found = try await credentials(["AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url])
    #expect(found.accessKeyID == "BOX" && time.sleeps == [.seconds(1), .seconds(1)])
  }

  @Test(arguments: [
    "http://example.com/c", "http://169.254.169.254/c", "http://10.0.0.1/", "http://[fd00:ec2::254]/",
    "ftp://127.0.0.1/",
    "http://127.0.0.1.example.com/", "http://127.0.0.1@example.com/", "nonsense", "http://0x7f.1/",
    "http://2130706433/",
  ])
  func otherHostsAreNotAskedForAContainersCredentials(url: String) async throws {
    let error = await #expect(throws: AWSError.self) {
      try await credentials(["AWS_CONTAINER_CREDENTIALS_FULL_URI": url])
    }
    #expect(error?.code == .invalidConfiguration || error?.code == .invalidEndpoint)
  }

  @Test(arguments: ["Bearer a\n", "a\r\nX-Evil: 1"])
  func aTokenWithALineBreakIsNotSent(token: String) async throws {
    let server = try ScriptedHTTPServer { [answer] _ in .json(answer) }
    let error = await #expect(throws: AWSError.self) {
      try await credentials([
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url, "AWS_CONTAINER_AUTHORIZATION_TOKEN": token,
      ])
    }
    #expect(error != nil && server.requests.isEmpty)
  }

  @Test func theAgentsPolicyKnowsItsAddresses() {
    let policy = AgentPolicy()
    for bytes in [[127, 0, 0, 1], [127, 9, 9, 9], [169, 254, 170, 2], [169, 254, 170, 23]] as [[UInt8]] {
      #expect(policy.refusal(of: SocketAddress(bytes: bytes, port: 80)) == nil)
    }
    for bytes in [[169, 254, 169, 254], [10, 0, 0, 1], [169, 254, 170, 3]] as [[UInt8]] {
      #expect(policy.refusal(of: SocketAddress(bytes: bytes, port: 80)) != nil)
    }
  }

  // MARK: Instances

  func metadata(_ expiration: String = "2030-01-01T00:00:00Z") throws -> ScriptedHTTPServer {
    try ScriptedHTTPServer { request in
      switch (request.method, request.path) {
      case ("PUT", "/latest/api/token"):
        .respond(body: request.header("x-aws-ec2-metadata-token-ttl-seconds") == "21600" ? "imds" : "")
      case ("GET", "/latest/meta-data/iam/security-credentials/")
      where request.header("x-aws-ec2-metadata-token") == "imds":
        .respond(body: "my-role")
      case ("GET", "/latest/meta-data/iam/security-credentials/my-role")
      where request.header("x-aws-ec2-metadata-token") == "imds":
        .json(
          #"{"Code":"Success","AccessKeyId":"INST","SecretAccessKey":"s","Token":"t","Expiration":"\#(expiration)"}"#)
      default: .respond(status: 401)
      }
    }
  }

  @Test(arguments: ["127.0.0.1", "::1"])
  func anInstancesRoleIsAskedByIMDSv2(host: String) async throws {
    let server = try metadata()
    let found = try await credentials([
      "AWS_EC2_METADATA_DISABLED": "false",
      "AWS_EC2_METADATA_SERVICE_ENDPOINT": host == "::1" ? server.url : server.url + "/",
    ])
    #expect(found.accessKeyID == "INST" && found.source == "IMDS" && server.requests.count == 3)
  }

  @Test func expiredCredentialsOfAnInstanceAreKeptForAWhile() async throws {
    let server = try metadata("2023-11-14T00:00:00Z")
    let found = try await credentials([
      "AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url,
    ])
    let left = try #require(found.expiration).timeIntervalSince(time.now)
    #expect(left > 15 * 60 && left < 30 * 60)
  }

  @Test func aMachineWithoutAMetadataServiceHasNoCredentials() async throws {
    let server = try ScriptedHTTPServer { _ in .respond(status: 404) }
    for url in [server.url, "http://127.0.0.1:9"] {
      let error = await #expect(throws: AWSError.self) {
        try await credentials(["AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": url])
      }
      #expect(error?.code == .noCredentials)
    }
  }

  // MARK: SSO

  let sso = """
    [default]
    sso_session = corp
    sso_account_id = 123456789012
    sso_role_name = Read Only
    [sso-session corp]
    sso_start_url = https://corp.awsapps.com/start
    sso_region = eu-west-1
    """
  // SHA-1 of the session's name, as the AWS CLI names the file.
  let cache = ".aws/sso/cache/\(hexText(sha1("corp"))).json"

  @Test func aTokenOfTheSSOCacheIsExchanged() async throws {
    let server = try ScriptedHTTPServer { _ in
      .json(
        #"{"roleCredentials":{"accessKeyId":"SSO","secretAccessKey":"s","sessionToken":"t","expiration":1893456000000}}"#
      )
    }
    try home.write(#"{"accessToken":"tok","expiresAt":"2023-11-15T00:00:00UTC"}"#, to: cache)
    let found = try await credentials(["AWS_ENDPOINT_URL_SSO": server.url], config: sso)
    #expect(found.accessKeyID == "SSO" && found.expiration?.timeIntervalSince1970 == 1_893_456_000)
    let request = try #require(server.requests.first)
    #expect(request.target == "/federation/credentials?role_name=Read%20Only&account_id=123456789012")
    #expect(request.header("x-amz-sso_bearer_token") == "tok" && request.header("authorization") == nil)
  }

  @Test func aTokenNearItsEndIsRenewedAndWrittenBack() async throws {
    let server = try ScriptedHTTPServer { request in
      request.path == "/token"
        ? .json(#"{"accessToken":"new","expiresIn":3600,"refreshToken":"r2","tokenType":"Bearer"}"#)
        : .json(
          #"{"roleCredentials":{"accessKeyId":"\#(request.header("x-amz-sso_bearer_token") ?? "")","secretAccessKey":"s","sessionToken":"t","expiration":1893456000000}}"#
        )
    }
    try home.write(
      #"{"accessToken":"old","expiresAt":"2023-11-14T22:20:00Z","clientId":"c","clientSecret":"cs","refreshToken":"r1","registrationExpiresAt":"2024-01-01T00:00:00Z"}"#,
      to: cache)
    let variables = ["AWS_ENDPOINT_URL_SSO": server.url, "AWS_ENDPOINT_URL_SSO_OIDC": server.url]
    #expect(try await credentials(variables, config: sso).accessKeyID == "new")
    let written = try home.read(cache)
    #expect(written.contains("\"new\"") && written.contains("\"r2\"") && written.contains("2023-11-14T23:13:20Z"))
    #expect(try await credentials(variables).accessKeyID == "new")
    #expect(server.requests.count { $0.path == "/token" } == 1)
  }

  @Test func withoutAValidTokenTheUserIsToldToLogIn() async throws {
    for content in [nil, #"{"accessToken":"a","expiresAt":"2023-11-14T00:00:00Z"}"#, "nonsense"] {
      if let content { try home.write(content, to: cache) }
      let error = await #expect(throws: AWSError.self) { try await credentials(config: sso) }
      #expect(
        error?.code == .credentialsFailed && error?.message.contains("aws sso login") == true,
        "\(content ?? "no token"): \(String(describing: error))")
    }
  }
}

private func sha1(_ text: String) -> [UInt8] { SSOCredentialProvider.cacheKey(text) }
