public import HTTPTransport

extension CredentialProvider where Self == CachingCredentialProvider {
  /// The chain that the AWS CLI goes through, with a memory.
  ///
  /// Variables (unless a profile was named in code), the profile of the shared files, a web identity in the variables,
  /// the container's agent, the instance's metadata service.
  public static func defaultChain(
    _ configuration: AWSConfiguration, transport: any Transport, time: TimeSource = .system
  ) -> CachingCredentialProvider {
    let environment = configuration.environment
    var chain: [any CredentialProvider] = []
    if !configuration.isProfileExplicit { chain.append(EnvironmentCredentialProvider(environment)) }
    chain.append(RoleOrWebIdentity(configuration: configuration, transport: transport, time: time))
    chain.append(ProfileCredentialProvider(configuration, transport: transport, time: time))
    chain.append(ContainerCredentialProvider(environment, transport: transport, time: time))
    chain.append(InstanceMetadataCredentialProvider(configuration, transport: transport, time: time))
    return CachingCredentialProvider(ChainCredentialProvider(chain), time: time)
  }
}

/// A web identity in the variables: it goes after a profile's role, and before anything else of the profile.
private struct RoleOrWebIdentity: CredentialProvider {
  let configuration: AWSConfiguration
  let transport: any Transport
  let time: TimeSource

  func credentials() async throws(AWSError) -> Credentials {
    let (environment, profile) = (configuration.environment, configuration.profile)
    let isRole = profile["role_arn"] != nil && profile["web_identity_token_file"] == nil
    guard !isRole, !configuration.isProfileExplicit, let file = environment["AWS_WEB_IDENTITY_TOKEN_FILE"] else {
      throw AWSError(.noCredentials, "AWS_WEB_IDENTITY_TOKEN_FILE is not set")
    }
    guard let role = environment["AWS_ROLE_ARN"] ?? profile["role_arn"] else {
      throw AWSError(.credentialsFailed, "AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not")
    }
    let client = AWSClient(
      configuration: configuration, credentials: NoCredentials(), transport: transport, time: time)
    return try await WebIdentityCredentialProvider(
      roleARN: role, tokenFile: file,
      sessionName: environment["AWS_ROLE_SESSION_NAME"] ?? profile["role_session_name"], client: client
    ).credentials()
  }
}

extension AWSClient {
  /// A client as the AWS CLI would be set up here: variables, shared files, default credentials.
  ///
  /// Nothing is asked over the network before the first call.
  ///
  /// - Parameters:
  ///   - profile: goes before `AWS_PROFILE`, and makes keys in variables unheard.
  ///   - region: goes before variables and files.
  ///   - transport: what carries requests; by default libcurl, with `AWS_CA_BUNDLE` if it is set.
  ///   - environment: the variables.
  public static func load(
    profile: String? = nil, region: String? = nil, transport: (any Transport)? = nil,
    environment: Environment = .process
  ) throws(AWSError) -> AWSClient {
    let configuration = try AWSConfiguration.load(profile: profile, region: region, environment: environment)
    var carrier = transport
    if carrier == nil, let bundle = environment["AWS_CA_BUNDLE"] ?? configuration.profile["ca_bundle"] {
      var settings = CurlTransport.Configuration()
      settings.certificateAuthorityFile = bundle
      carrier = CurlTransport(configuration: settings)
    }
    let used = carrier ?? CurlTransport.shared
    return AWSClient(
      configuration: configuration, credentials: .defaultChain(configuration, transport: used), transport: used)
  }
}
