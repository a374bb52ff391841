public import FoundationEssentials
public import HTTPTransport
import HTTPTypes
import Synchronization

/// The metadata service of an EC2 instance, by IMDSv2 alone.
///
/// Read from variables, then from the profile: `AWS_EC2_METADATA_DISABLED`, `AWS_EC2_METADATA_SERVICE_ENDPOINT`,
/// `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE` (`ipv4`, `ipv6`), `AWS_METADATA_SERVICE_TIMEOUT` (seconds) and
/// `AWS_METADATA_SERVICE_NUM_ATTEMPTS`.
public final class InstanceMetadata: Sendable {
  private struct Session {
    var token: String
    var until: Duration
  }

  private let configuration: AWSConfiguration
  private let fetcher: MetadataFetcher
  private let time: TimeSource
  private let session = Mutex<Session?>(nil)
  private static let tokenSeconds = 21_600

  /// A client that reads this configuration's variables and profile.
  public init(_ configuration: AWSConfiguration, transport: any Transport, time: TimeSource = .system) {
    (self.configuration, self.time) = (configuration, time)
    fetcher = MetadataFetcher(transport: transport)
  }

  /// The text at a path such as `meta-data/placement/region`; `nil` where the service has none.
  ///
  /// - Throws: ``AWSError/Code/noInstanceMetadata`` where there is no such service, or it is turned off.
  public func text(_ path: String) async throws(AWSError) -> String? {
    guard configuration.environment.flag("AWS_EC2_METADATA_DISABLED") != true else {
      throw AWSError(.noInstanceMetadata, "the instance's metadata service is turned off by AWS_EC2_METADATA_DISABLED")
    }
    let target = "/latest/\(path)"
    if let text = try await ask(.get, target, [.metadataToken: try await token(renewed: false)]) { return text.found }
    // The token was not taken: an instance that was restored from its image has another one.
    guard let text = try await ask(.get, target, [.metadataToken: try await token(renewed: true)]) else {
      throw AWSError(.noInstanceMetadata, "the instance's metadata service does not take its own token")
    }
    return text.found
  }

  /// The region that the instance is in.
  public func region() async throws(AWSError) -> String? { try await text("meta-data/placement/region") }

  /// What EC2 is about to do with a spot instance.
  public struct SpotInterruption: Sendable, Hashable {
    /// `terminate`, `stop` or `hibernate`.
    public var action: String
    /// When; about two minutes after it was announced.
    public var time: Date?
  }

  /// The end that was announced to this spot instance, if any was.
  public func spotInterruption() async throws(AWSError) -> SpotInterruption? {
    guard let text = try await text("meta-data/spot/instance-action") else { return nil }
    let answer = try JSONElement(Array(text.utf8))
    return SpotInterruption(action: try answer.required("action"), time: try answer.date("time"))
  }

  /// When it was announced that this spot instance is more likely than others to be interrupted, if it was.
  public func rebalanceRecommendation() async throws(AWSError) -> Date? {
    guard let text = try await text("meta-data/events/recommendations/rebalance") else { return nil }
    return try JSONElement(Array(text.utf8)).date("noticeTime")
  }

  // MARK: Asking

  private func token(renewed: Bool) async throws(AWSError) -> String {
    let known = session.withLock { session in
      if renewed { session = nil }
      return session
    }
    if let known, time.uptime() < known.until { return known.token }
    let fields: HTTPFields = [.metadataTokenTTL: String(Self.tokenSeconds)]
    guard let token = try await ask(.put, "/latest/api/token", fields)?.found, !token.isEmpty else {
      throw AWSError(.noInstanceMetadata, "the instance's metadata service gives no token")
    }
    // A part of its life is left for requests under way.
    let until = time.uptime() + .seconds(Self.tokenSeconds - 60)
    session.withLock { $0 = Session(token: token, until: until) }
    return token
  }

  private struct Answer { var found: String? }

  /// One question, as often as the settings say; `nil` where the token is not taken.
  private func ask(_ method: HTTPRequest.Method, _ target: String, _ fields: HTTPFields) async throws(AWSError)
    -> Answer?
  {
    let endpoint = try endpoint()
    var fetcher = fetcher
    fetcher.timeout = .seconds(try number("AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout") ?? 1)
    let attempts = try number("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts") ?? 1
    var last = AWSError(.noInstanceMetadata, "the instance's metadata service does not answer")
    for _ in 0..<max(1, Int(attempts)) {
      do throws(AWSError) {
        let (status, body) = try await fetcher.send(method, endpoint, target, fields: fields)
        switch status {
        case 200: return Answer(found: String(decoding: body, as: UTF8.self))
        case 404: return Answer(found: nil)
        case 401 where method == .get: return nil
        default: last = AWSError(.noInstanceMetadata, "the instance's metadata service answered \(status)")
        }
        if status == 403 { throw last }
      } catch {
        if error.code == .cancelled || error.code == .noInstanceMetadata { throw error }
        last = AWSError(
          .noInstanceMetadata, "the instance's metadata service does not answer", underlying: error)
      }
    }
    throw last
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
}

extension HTTPField.Name {
  static let metadataTokenTTL = HTTPField.Name("x-aws-ec2-metadata-token-ttl-seconds")!
  static let metadataToken = HTTPField.Name("x-aws-ec2-metadata-token")!
}
