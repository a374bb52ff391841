import FoundationEssentials
public import HTTPTransport
import HTTPTypes

/// Credentials of an EC2 instance's role, by IMDSv2.
///
/// Read from variables, then from the profile: `AWS_EC2_METADATA_DISABLED`, `AWS_EC2_METADATA_SERVICE_ENDPOINT`,
/// `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE` (`ipv4`, `ipv6`), `AWS_METADATA_SERVICE_TIMEOUT` (seconds) and
/// `AWS_METADATA_SERVICE_NUM_ATTEMPTS`. IMDSv1 is never asked.
public struct InstanceMetadataCredentialProvider: CredentialProvider {
  private let configuration: AWSConfiguration
  private let transport: any Transport
  private let time: TimeSource
  private static let path = "/latest/meta-data/iam/security-credentials/"

  /// A provider that reads this configuration's variables and profile.
  public init(_ configuration: AWSConfiguration, transport: any Transport, time: TimeSource = .system) {
    (self.configuration, self.transport, self.time) = (configuration, transport, time)
  }

  /// What the metadata service answers.
  ///
  /// - Throws: ``AWSError/Code/noCredentials`` when there is no metadata service, or the instance has no role.
  public func credentials() async throws(AWSError) -> Credentials {
    let ask = try question()
    let fields = try await ask.fields()
    let role = try await ask.text(.get, Self.path, fields)
    guard let name = role.split(separator: "\n").first, !name.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else {
      throw AWSError(.noCredentials, "the instance has no role")
    }
    let body = try await ask.text(.get, Self.path + PercentEncoding.encode(String(name)), fields)
    var found = try CredentialsAnswer(json: Array(body.utf8), from: "the metadata service").credentials(source: "IMDS")
    extend(&found)
    return found
  }

  /// The region that the instance is in.
  ///
  /// - Throws: ``AWSError/Code/noCredentials`` when there is no metadata service.
  public func region() async throws(AWSError) -> String {
    let ask = try question()
    return try await ask.text(.get, "/latest/meta-data/placement/region", ask.fields())
  }

  private func question() throws(AWSError) -> Question {
    let environment = configuration.environment
    guard environment.flag("AWS_EC2_METADATA_DISABLED") != true else {
      throw AWSError(.noCredentials, "the instance's metadata service is turned off by AWS_EC2_METADATA_DISABLED")
    }
    let endpoint = try endpoint()
    var fetcher = MetadataFetcher(transport: transport)
    fetcher.timeout = .seconds(try number("AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout") ?? 1)
    let attempts = try number("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts") ?? 1
    return Question(fetcher: fetcher, endpoint: endpoint, attempts: max(1, Int(attempts)))
  }

  /// The metadata service may hand out expired credentials while it is out of order: AWS's services take them
  /// longer then, so they are kept, and asked for again before long.
  private func extend(_ found: inout Credentials) {
    let now = time.now()
    let window = 15 * 60 + 120 + 480 * time.random()
    guard let expiration = found.expiration, expiration < now.addingTimeInterval(window) else { return }
    found.expiration = now.addingTimeInterval(window)
  }

  private func setting(_ variable: String, _ key: String) -> String? {
    configuration.environment[variable] ?? configuration.profile[key]
  }

  private func number(_ variable: String, _ key: String) throws(AWSError) -> Double? {
    guard let text = setting(variable, key) else { return nil }
    guard let number = Double(text), number > 0, number <= 3600 else {
      throw AWSError(.invalidConfiguration, "\(variable) is no number above 0")
    }
    return number
  }

  private func endpoint() throws(AWSError) -> Endpoint {
    if let url = setting("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint") {
      return try Endpoint(url: url)
    }
    let mode = setting("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode")?.lowercased()
    switch mode {
    case nil, "ipv4": return Endpoint(scheme: "http", authority: "169.254.169.254")
    case "ipv6": return Endpoint(scheme: "http", authority: "[fd00:ec2::254]")
    default:
      throw AWSError(.invalidConfiguration, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is neither ipv4 nor ipv6")
    }
  }

  private struct Question {
    let fetcher: MetadataFetcher
    let endpoint: Endpoint
    let attempts: Int

    /// What a question must have with it.
    func fields() async throws(AWSError) -> HTTPFields {
      [.metadataToken: try await text(.put, "/latest/api/token", [.metadataTokenTTL: "21600"])]
    }

    func text(_ method: HTTPRequest.Method, _ target: String, _ fields: HTTPFields) async throws(AWSError) -> String {
      var last = AWSError(.noCredentials, "the instance's metadata service does not answer")
      for _ in 0..<attempts {
        do throws(AWSError) {
          let (status, body) = try await fetcher.send(method, endpoint, target, fields: fields)
          if status == 200, !body.isEmpty { return String(decoding: body, as: UTF8.self) }
          if status == 404 || status == 403 {
            throw AWSError(.noCredentials, "the instance's metadata service answered \(status)")
          }
          last = AWSError(.noCredentials, "the instance's metadata service answered \(status)")
        } catch {
          if error.code == .cancelled || error.code == .noCredentials { throw error }
          last = AWSError(.noCredentials, "the instance's metadata service does not answer", underlying: error)
        }
      }
      throw last
    }
  }
}

extension HTTPField.Name {
  static let metadataTokenTTL = HTTPField.Name("x-aws-ec2-metadata-token-ttl-seconds")!
  static let metadataToken = HTTPField.Name("x-aws-ec2-metadata-token")!
}
