public import HTTPTypes

/// Something that carries one HTTP exchange: the seam between what is said and how the bytes travel.
///
/// Guarantees that an implementation gives:
/// - The request's path and query go to the wire as they stand; nothing is normalised, so that a signature holds.
/// - An answer of any status is an answer, not an error; redirects are never followed.
/// - `TransportError` is the only error type thrown, by `execute` and by the body alike.
/// - Cancelling the calling task ends the exchange at once and frees its connection.
/// - A deadline that passes throws `.timeout`, never a `CancellationError`.
///
/// ``CurlTransport`` is the one for real use; tests put their own in its place.
public protocol Transport: Sendable {
  /// Sends a request and returns once the head of the answer is there.
  ///
  /// - Parameters:
  ///   - request: `scheme`, `authority` and `path` must be set; header fields go out in their order.
  ///   - body: what follows the head.
  ///   - options: deadlines, limits and the connection policy of this exchange.
  func execute(_ request: HTTPRequest, body: RequestBody, options: TransferOptions) async throws(TransportError)
    -> TransportResponse
}

/// The answer to a request: its head, and its body still to be read.
public struct TransportResponse: Sendable {
  /// Status and header fields.
  public var head: HTTPResponse
  /// The bytes that follow; read once.
  public var body: ResponseBody
  /// The address that the connection was made to, as text (`127.0.0.1:8080`), where the transport knows it.
  public var remoteAddress: String?

  /// Creates an answer; for transports.
  public init(head: HTTPResponse, body: ResponseBody, remoteAddress: String? = nil) {
    (self.head, self.body, self.remoteAddress) = (head, body, remoteAddress)
  }
}

/// What a request carries after its head.
public enum RequestBody: Sendable {
  /// Nothing, and no `Content-Length` unless the method asks for one.
  case none
  /// Bytes in memory; a slice is sent without a copy. Can be sent again.
  case bytes(ArraySlice<UInt8>)
  /// A part of a file: `length` bytes from `offset`. Read while sending; can be sent again.
  case file(path: String, offset: Int64, length: Int64)
  /// Chunks made while sending. `length` in bytes where it is known, else chunked transfer coding. The closure is
  /// called anew for each attempt and returns the next chunk each time it is called, `nil` at the end.
  case stream(length: Int64?, source: @Sendable () -> ChunkSource)

  /// Bytes of an array.
  public static func bytes(_ array: [UInt8]) -> RequestBody { .bytes(array[...]) }

  /// How many bytes it has; `nil` where that is not known.
  public var length: Int64? {
    switch self {
    case .none: 0
    case .bytes(let bytes): Int64(bytes.count)
    case .file(_, _, let length): length
    case .stream(let length, _): length
    }
  }
}

/// The next chunk of a body being made, `nil` at its end.
public typealias ChunkSource = @Sendable () async throws -> ArraySlice<UInt8>?

/// Limits and rules of one exchange; a duration of `nil` means no limit of that kind.
public struct TransferOptions: Sendable {
  /// From the start until the connection, TLS included, stands.
  public var connectTimeout: Duration? = .seconds(10)
  /// From the last byte of the request that left until the first byte of the answer: a body may take as long as it moves.
  /// Until the connection stands, it counts from the start.
  public var firstByteTimeout: Duration?
  /// For how long no byte of the request's body, or of an answer that has begun, may move. What waits for this program,
  /// for a reader or for bytes to send, is not counted.
  public var stallTimeout: Duration?
  /// From the start until the last byte of the answer.
  public var totalTimeout: Duration?
  /// The answer's body is cut off with `.tooLarge` past this many bytes.
  public var maximumResponseBytes: Int64?
  /// For who will collect the body of a success (2xx): the most bytes that it may have.
  ///
  /// They are gathered in one array as they come, and the sender is not held back until the reader asks for them.
  public var collectsUpTo: Int?
  /// Who decides on addresses and proxies; `nil`: the transport's own policy.
  public var policy: (any ConnectionPolicy)?
  /// Whether a compressed answer is asked for (gzip, deflate) and comes decompressed; limits count what comes out.
  public var decompresses = false
  /// Called once with the status when the answer's first line is there: the peer has begun to answer.
  ///
  /// Interim answers (1xx) are none. It is called from within the transport and must return quickly.
  public var onFirstByte: (@Sendable (_ status: Int) -> Void)?

  /// The defaults: 10 s to connect, no other limit.
  public init() {}

  /// Limits for a small exchange: a total deadline, and a bounded answer.
  public init(totalTimeout: Duration, maximumResponseBytes: Int64? = nil) {
    self.totalTimeout = totalTimeout
    self.maximumResponseBytes = maximumResponseBytes
  }
}

/// Who decides where a connection may go.
///
/// It is asked with the socket address that is about to be connected to, after name resolution and for each address
/// tried, so a name that resolves differently the second time gains nothing.
public protocol ConnectionPolicy: Sendable {
  /// Why this address is refused, or `nil` to allow it.
  func refusal(of address: SocketAddress) -> String?
  /// Whether proxies named in the environment (`http_proxy`, `https_proxy`, `no_proxy`) are used.
  var usesEnvironmentProxies: Bool { get }
}

/// A numeric address and port, as handed to `connect`.
public struct SocketAddress: Sendable, Hashable {
  /// 4 bytes for IPv4, 16 for IPv6, in network order.
  public var bytes: [UInt8]
  /// The TCP port.
  public var port: UInt16

  /// An address from its bytes in network order.
  public init(bytes: [UInt8], port: UInt16) { (self.bytes, self.port) = (bytes, port) }
}

/// Allows every address and obeys the proxy environment: for services that the operator named.
public struct OpenPolicy: ConnectionPolicy {
  /// Whether proxies of the environment are used.
  public var usesEnvironmentProxies: Bool
  /// A policy that allows every address.
  public init(usesEnvironmentProxies: Bool = true) { self.usesEnvironmentProxies = usesEnvironmentProxies }
  /// Never refuses.
  public func refusal(of address: SocketAddress) -> String? { nil }
}
