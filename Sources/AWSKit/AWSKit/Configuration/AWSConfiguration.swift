/// What calls go by, from variables and files as the AWS CLI finds it, or from code.
public struct AWSConfiguration: Sendable {
  /// Deadlines of one attempt.
  public struct Timeouts: Sendable, Hashable {
    /// Until the connection stands.
    public var connect = Duration.seconds(10)
    /// From the last byte of the request that left until the first byte of the answer; a long poll's wait comes on top.
    public var firstByte = Duration.seconds(60)
    /// For how long no byte of a body may move, either way.
    public var stall = Duration.seconds(60)
    /// Until the last byte of an answer that is read as a whole; a long poll's wait comes on top, and what the request's
    /// body may take.
    ///
    /// Objects that are read from S3 have no such limit: they take as long as they move.
    public var total = Duration.seconds(120)
    /// The rate at which a request's body is expected to be sent at least, in bytes a second.
    public var slowestUpload = 64 * 1024

    /// The defaults.
    public init() {}
  }

  /// The region that is asked where a service's client names no other.
  public var region: String?
  /// The profile of the shared files.
  public var profileName = "default"
  /// Whether the profile was named in code: then variables with keys don't go before it.
  var isProfileExplicit = false
  /// Which endpoints are asked.
  public var endpoints = EndpointSettings()
  /// How failures are tried again.
  public var retry = RetrySettings()
  /// S3's own settings.
  public var s3 = S3Settings()
  /// Deadlines of one attempt.
  public var timeouts = Timeouts()
  /// The shared files.
  public var files = SharedConfiguration()
  /// The variables that this configuration and the default credentials are read from.
  public var environment = Environment([:])

  /// A configuration that knows no variables and no files.
  public init(region: String? = nil) { self.region = region }

  /// The settings of the profile.
  public var profile: Profile { files.profiles[profileName] ?? Profile(profileName) }

  /// Reads variables and shared files.
  ///
  /// - Parameters:
  ///   - profile: goes before `AWS_PROFILE`.
  ///   - region: goes before `AWS_REGION`, `AWS_DEFAULT_REGION` and the profile's.
  ///   - environment: the variables.
  /// - Throws: ``AWSError/Code/invalidConfiguration`` for files or values that cannot be used, and for a profile that
  ///   was named and does not exist.
  public static func load(profile: String? = nil, region: String? = nil, environment: Environment = .process)
    throws(AWSError) -> AWSConfiguration
  {
    var loaded = AWSConfiguration()
    loaded.environment = environment
    let configPath = environment.expand(environment["AWS_CONFIG_FILE"] ?? "~/.aws/config")
    let credentialsPath = environment.expand(environment["AWS_SHARED_CREDENTIALS_FILE"] ?? "~/.aws/credentials")
    loaded.files = try SharedConfiguration(
      config: try SmallFile.text(configPath), credentials: try SmallFile.text(credentialsPath),
      configPath: configPath, credentialsPath: credentialsPath)
    let named = profile ?? environment["AWS_DEFAULT_PROFILE"] ?? environment["AWS_PROFILE"]
    loaded.profileName = named ?? "default"
    loaded.isProfileExplicit = profile != nil
    if let named, loaded.files.profiles[named] == nil {
      throw AWSError(.invalidConfiguration, "the profile \(named.debugDescription) is in none of the shared files")
    }
    let settings = loaded.profile
    loaded.region =
      region ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? settings["region"]
    try loaded.readEndpoints(environment, settings)
    try loaded.readRetries(environment, settings)
    try loaded.readS3(environment, settings)
    return loaded
  }

  private mutating func readEndpoints(_ environment: Environment, _ profile: Profile) throws(AWSError) {
    endpoints.usesFIPS = environment.flag("AWS_USE_FIPS_ENDPOINT") ?? profile.flag("use_fips_endpoint") ?? false
    endpoints.usesDualStack =
      environment.flag("AWS_USE_DUALSTACK_ENDPOINT") ?? profile.flag("use_dualstack_endpoint") ?? false
    let sts = environment["AWS_STS_REGIONAL_ENDPOINTS"] ?? profile["sts_regional_endpoints"] ?? "regional"
    guard sts == "regional" || sts == "legacy" else {
      throw AWSError(.invalidConfiguration, "AWS_STS_REGIONAL_ENDPOINTS is neither regional nor legacy")
    }
    endpoints.usesGlobalSTS = sts == "legacy"
    let ignores =
      environment.flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") ?? profile.flag("ignore_configured_endpoint_urls")
      ?? false
    if ignores { return }
    // A service's variable, the variable for all, the services section, the profile's setting: the first one stands.
    var services: Profile?
    if let name = profile["services"] {
      guard let section = files.services[name] else {
        throw AWSError(.invalidConfiguration, "the profile \(profile.name) names services \(name), which do not exist")
      }
      services = section
    }
    let everywhere = environment["AWS_ENDPOINT_URL"]
    for service in Service.all {
      let own = environment["AWS_ENDPOINT_URL_\(service.id.uppercased())"]
      if let url = own ?? everywhere ?? services?.sections[service.id]?["endpoint_url"] {
        endpoints.serviceURLs[service.id] = url
      }
    }
    endpoints.url = everywhere ?? profile["endpoint_url"]
  }

  private mutating func readRetries(_ environment: Environment, _ profile: Profile) throws(AWSError) {
    if let text = environment["AWS_MAX_ATTEMPTS"] ?? profile["max_attempts"] {
      guard let number = Int(text), number >= 1 else {
        throw AWSError(.invalidConfiguration, "AWS_MAX_ATTEMPTS is no number above 0")
      }
      retry.maximumAttempts = number
    }
    if let text = environment["AWS_RETRY_MODE"] ?? profile["retry_mode"] {
      switch text.lowercased() {
      case "standard", "legacy": retry.mode = .standard
      case "adaptive": retry.mode = .adaptive
      default: throw AWSError(.invalidConfiguration, "AWS_RETRY_MODE is none of standard, adaptive, legacy")
      }
    }
  }

  private mutating func readS3(_ environment: Environment, _ profile: Profile) throws(AWSError) {
    let section = profile.sections["s3"] ?? [:]
    func flag(_ key: String) -> Bool? { section[key].map { $0.lowercased() == "true" } }
    if let text = section["addressing_style"] {
      guard let style = S3Settings.AddressingStyle(rawValue: text) else {
        throw AWSError(.invalidConfiguration, "s3.addressing_style is none of auto, virtual, path")
      }
      s3.addressingStyle = style
    }
    s3.usesAccelerate = flag("use_accelerate_endpoint") ?? false
    s3.signsPayload = flag("payload_signing_enabled")
    s3.usesARNRegion = environment.flag("AWS_S3_USE_ARN_REGION") ?? flag("use_arn_region") ?? true
    let regional = environment["AWS_S3_US_EAST_1_REGIONAL_ENDPOINT"] ?? section["us_east_1_regional_endpoint"]
    s3.usesRegionalUSEast1 = regional == "regional"
    if flag("use_dualstack_endpoint") == true { s3.usesDualStack = true }
  }
}

extension Profile {
  /// Whether a setting says `true`; `nil` when there is none.
  func flag(_ key: String) -> Bool? { self[key].map { $0.lowercased() == "true" } }
}
