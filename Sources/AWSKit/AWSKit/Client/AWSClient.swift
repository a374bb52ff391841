public import HTTPTransport
public import Logging
import Synchronization

/// What the clients of all services share: transport, credentials, region, rules for retries.
///
/// A value to make once and hand around. Each service has a client of its own made from it:
///
/// ```swift
/// let aws = try AWSClient.load()
/// let sqs = try SQS(aws)
/// let s3 = try S3(aws)
/// ```
public struct AWSClient: Sendable {
  /// What calls go by.
  public var configuration: AWSConfiguration
  /// Who signs.
  public var credentials: any CredentialProvider
  /// What carries requests.
  public let transport: any Transport
  /// The clocks and the chance to go by.
  public let time: TimeSource
  /// Where retries and refreshes are told; never a secret.
  public var logger: Logger
  let shared: SharedState

  /// A client from its parts.
  public init(
    configuration: AWSConfiguration, credentials: any CredentialProvider, transport: any Transport,
    time: TimeSource = .system, logger: Logger = Logger(label: "AWSKit", factory: { _ in SwiftLogNoOpLogHandler() })
  ) {
    (self.configuration, self.credentials, self.transport) = (configuration, credentials, transport)
    (self.time, self.logger) = (time, logger)
    shared = SharedState()
  }

  /// Where tasks run without a change of threads for each call, if the transport offers that.
  ///
  /// ```swift
  /// try await withTaskExecutorPreference(aws.taskExecutor) {
  ///   for message in try await sqs.receiveMessage(input) { try await handle(message) }
  /// }
  /// ```
  ///
  /// For tasks that mostly wait for answers; see `CurlTransport.taskExecutor`.
  public var taskExecutor: (any TaskExecutor)? { (transport as? CurlTransport)?.taskExecutor }

  /// What is remembered between calls, a service and region.
  final class SharedState: Sendable {
    let keys = SigningKeyCache()
    private let services = Mutex<[String: ServiceState]>([:])

    func state(of service: Service, region: String, uptime: Duration) -> ServiceState {
      services.withLock { services in
        let key = "\(service.id)/\(region)"
        if let state = services[key] { return state }
        let state = ServiceState(uptime: uptime)
        services[key] = state
        return state
      }
    }
  }
}

/// What the calls to one service in one region share.
final class ServiceState: Sendable {
  let quota = RetryQuota()
  let rate: SendRate
  /// Seconds to add to the local clock, learnt from the service.
  private let offset = Mutex(0.0)

  init(uptime: Duration) { rate = SendRate(uptime: uptime) }

  var clockOffset: Double {
    get { offset.withLock { $0 } }
    set { offset.withLock { $0 = newValue } }
  }
}
