internal import CHTTPTransport
public import HTTPTypes

/// The transport for real use: HTTP/1.1 and HTTP/2 over libcurl, any number of exchanges on one thread.
///
/// Connections are kept and used again. TLS is 1.2 or later, with host and peer verified. What an exchange needs lives
/// as long as the exchange: dropping the transport lets those that go on end, and then ends its thread; ``shutdown()``
/// ends them at once.
///
/// Safe sharing of connections between policies: the address of a connection, new or kept, is judged by the policy of
/// the exchange that would use it before a byte is sent.
public final class CurlTransport: Transport {
  /// What holds for all exchanges of a transport.
  public struct Configuration: Sendable {
    /// A PEM file with the certificates to trust instead of the system's.
    public var certificateAuthorityFile: String?
    /// Where connections may go, for exchanges that bring no policy of their own.
    public var policy: any ConnectionPolicy = OpenPolicy()
    /// The proxies for exchanges whose policy uses the environment's; `nil`: what the environment says at creation.
    public var proxies: ProxySettings?
    /// For tests: numeric addresses to use for a host in place of what its name resolves to, `nil` to ask the system.
    ///
    /// Asked once for each exchange; what it answers is judged by the connection policy like any other address.
    public var resolver: (@Sendable (_ host: String) -> [String]?)?
    /// Whether HTTP/2 is used where a TLS peer offers it.
    public var http2 = true
    /// Connections at the same time, or `nil` for any number; exchanges beyond wait, within their deadlines.
    public var maximumConnections: Int?
    /// Connections at the same time to one host and port, or `nil` for any number.
    public var maximumConnectionsPerHost: Int?
    /// Connections that are kept while unused; past it the longest unused is closed.
    public var maximumIdleConnections = 32
    /// How long a connection is kept while unused.
    public var idleTimeout = Duration.seconds(60)
    /// The bytes that the heads of one answer may have, interim ones and trailers included.
    public var maximumHeadBytes = 64 * 1024
    /// The bytes of an answer that wait for their reader before the sender is held back.
    public var bufferedBytes = 256 * 1024

    /// The defaults.
    public init() {}
  }

  /// A transport with the defaults, for programs that need no other; its thread begins with the first exchange.
  public static let shared = CurlTransport()

  private let configuration: Configuration
  private let proxies: ProxySettings
  private let mailbox: Mailbox

  /// Creates a transport; nothing is started before the first exchange.
  public init(configuration: Configuration = Configuration()) {
    self.configuration = configuration
    proxies = configuration.proxies ?? ProxySettings(environment: ProcessEnvironment.current())
    mailbox = Mailbox(configuration)
  }

  deinit { mailbox.retire() }

  /// Runs tasks on the transport's own thread, where what they wait for arrives: an exchange then needs no change of
  /// threads, which is a good part of what a small one costs.
  ///
  /// ```swift
  /// try await withTaskExecutorPreference(transport.taskExecutor) {
  ///   for url in urls { try await check(url) }
  /// }
  /// ```
  ///
  /// For tasks that mostly wait: while one computes or blocks, all exchanges of the transport rest. After a shutdown,
  /// tasks run where they would without it.
  public var taskExecutor: any TaskExecutor { mailbox }

  /// Ends all exchanges with `.closed` and returns when the thread has ended and every connection is closed.
  public func shutdown() async { await mailbox.close() }

  /// Sends a request and returns once the head of the answer is there.
  ///
  /// A request whose method is safe (GET, HEAD, OPTIONS, TRACE) is sent again by itself when a kept connection proves
  /// to be dead before any byte of an answer; others fail with `.connectionLost` then.
  ///
  /// `options.policy` and `options.onFirstByte` are called on the transport's thread and must return quickly.
  public func execute(_ request: HTTPRequest, body: RequestBody, options: TransferOptions) async throws(TransportError)
    -> TransportResponse
  {
    let began = ht_now()
    let policy = options.policy ?? configuration.policy
    var wire = try WireRequest(request, body: body, proxies: policy.usesEnvironmentProxies ? proxies : nil)
    if let resolver = configuration.resolver { wire.resolve(request, by: resolver) }
    let exchange = Exchange(
      wire: wire, options: options, policy: policy is OpenPolicy ? nil : policy, began: began,
      configuration: configuration, mailbox: mailbox)
    // From here on, whoever lets go of the reader ends the exchange.
    let reader = BodyReader(exchange)
    try mailbox.start(exchange)
    let received = try await exchange.receiveHead()
    guard let head = ResponseHead.parse(received.bytes) else {
      throw exchange.error(.connectionLost, "the head of the answer is malformed")
    }
    return TransportResponse(
      head: head,
      body: ResponseBody(expectedBytes: received.contentLength < 0 ? nil : received.contentLength, reader: reader),
      remoteAddress: received.remoteAddress)
  }
}

/// The caller's hold on an exchange: its end is the exchange's end.
final class BodyReader: Sendable {
  private let exchange: Exchange

  init(_ exchange: Exchange) { self.exchange = exchange }

  deinit { exchange.abandonUnread() }

  func next() async throws(TransportError) -> ArraySlice<UInt8>? { try await exchange.receiveChunk() }

  func collect(upTo limit: Int) async throws(TransportError) -> [UInt8] {
    try await exchange.receiveEverything(upTo: limit)
  }
}
