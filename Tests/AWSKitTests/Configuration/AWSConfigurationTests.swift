import HTTPTransport
import HTTPTypes
import Testing

@testable import AWSKit

/// What variables and profiles make of a configuration.
struct AWSConfigurationTests {
  let home: TemporaryFolder

  init() throws { home = try TemporaryFolder() }

  func load(_ variables: [String: String] = [:], config: String = "", profile: String? = nil) throws -> AWSConfiguration
  {
    try home.write(config, to: ".aws/config")
    return try AWSConfiguration.load(
      profile: profile, environment: Environment(variables.merging(["HOME": home.path]) { $1 }))
  }

  @Test func theRegionGoesByVariablesThenTheProfile() throws {
    let config = "[default]\nregion = from-profile\n[profile p]\nregion = from-p"
    #expect(try load(config: config).region == "from-profile")
    #expect(try load(["AWS_DEFAULT_REGION": "b"], config: config).region == "b")
    #expect(try load(["AWS_DEFAULT_REGION": "b", "AWS_REGION": "a"], config: config).region == "a")
    #expect(try load(["AWS_PROFILE": "p", "AWS_REGION": ""], config: config).region == "from-p")
    #expect(try load().region == nil)
  }

  let services = """
    [default]
    endpoint_url = http://everything
    services = local
    [services local]
    sqs =
      endpoint_url = http://section
    """

  @Test func endpointsGoByTheServicesVariableThenTheCommonOneThenTheSectionThenTheProfile() throws {
    func sqs(_ variables: [String: String]) throws -> String? {
      let endpoints = try load(variables, config: services).endpoints
      return try Service.sqs.endpoint(region: "eu-west-1", settings: endpoints).authority
    }
    #expect(try sqs([:]) == "section")
    #expect(try sqs(["AWS_ENDPOINT_URL": "http://common"]) == "common")
    #expect(try sqs(["AWS_ENDPOINT_URL": "http://common", "AWS_ENDPOINT_URL_SQS": "http://own"]) == "own")
    #expect(
      try sqs(["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "AWS_ENDPOINT_URL_SQS": "http://own"])
        == "sqs.eu-west-1.amazonaws.com")
    let endpoints = try load(config: services).endpoints
    #expect(try Service.sns.endpoint(region: "eu-west-1", settings: endpoints).authority == "everything")
  }

  @Test func switchesAndLimitsAreRead() throws {
    let config = """
      [default]
      use_fips_endpoint = true
      retry_mode = adaptive
      max_attempts = 7
      s3 =
        addressing_style = path
        use_accelerate_endpoint = true
        payload_signing_enabled = true
      """
    var loaded = try load(config: config)
    #expect(loaded.endpoints.usesFIPS && !loaded.endpoints.usesDualStack)
    #expect(loaded.retry.mode == .adaptive && loaded.retry.maximumAttempts == 7)
    #expect(loaded.s3.addressingStyle == .path && loaded.s3.usesAccelerate && loaded.s3.signsPayload == true)
    loaded = try load(
      [
        "AWS_USE_FIPS_ENDPOINT": "false", "AWS_USE_DUALSTACK_ENDPOINT": "TRUE", "AWS_RETRY_MODE": "standard",
        "AWS_MAX_ATTEMPTS": "1",
      ],
      config: config)
    #expect(!loaded.endpoints.usesFIPS && loaded.endpoints.usesDualStack)
    #expect(loaded.retry.mode == .standard && loaded.retry.maximumAttempts == 1)
  }

  @Test(arguments: [
    ["AWS_MAX_ATTEMPTS": "0"], ["AWS_MAX_ATTEMPTS": "many"], ["AWS_RETRY_MODE": "eager"],
    ["AWS_STS_REGIONAL_ENDPOINTS": "near"], ["AWS_PROFILE": "missing"],
  ])
  func valuesThatAreNoneAreErrors(variables: [String: String]) {
    let error = #expect(throws: AWSError.self) { try load(variables) }
    #expect(error?.code == .invalidConfiguration)
  }

  @Test(arguments: ["", "localhost", "ftp://x", "http://", "http://u:p@x", "http://x?y", "http://x y", "http://x#y"])
  func whatIsNoEndpointIsAnError(url: String) {
    #expect(throws: AWSError.self) { try Endpoint(url: url) }
  }

  @Test func withoutARegionThereIsNoClient() throws {
    let client = AWSClient(
      configuration: AWSConfiguration(), credentials: NoCredentials(), transport: CurlTransport())
    let error = #expect(throws: AWSError.self) { try SQS(client) }
    #expect(error?.code == .invalidEndpoint && error?.message.contains("AWS_REGION") == true)
    #expect(throws: AWSError.self) { try SQS(client, region: "not a region") }
  }

  @Test(arguments: [
    ("fips-us-east-1", "sqs-fips.us-east-1.amazonaws.com", "us-east-1"),
    ("us-west-2-fips", "sqs-fips.us-west-2.amazonaws.com", "us-west-2"),
    ("fips-us-gov-west-1", "sqs.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
  ])
  func oldNamesOfFIPSRegionsAreEndpointsOfTheRegion(name: String, host: String, region: String) async throws {
    let transport = RecordingTransport()
    let client = transport.client { $0.region = name }
    _ = try await SQS(client).listQueues()
    _ = try await SQS(transport.client(), region: name).listQueues()
    #expect(transport.exchanges.map { $0.request.authority } == [host, host])
    for exchange in transport.exchanges {
      #expect(exchange.request.headerFields[.authorization]?.contains("/\(region)/sqs/aws4_request") == true)
    }
    _ = try await S3(client).listBuckets()
    let s3 = transport.exchanges.last?.request
    #expect(s3?.authority == "s3-fips.\(region).amazonaws.com")
    #expect(s3?.headerFields[.authorization]?.contains("/\(region)/s3/") == true)
  }
}
