public import HTTPTypes

/// A WebSocket connection, the client's side (RFC 6455).
///
/// Pings are answered by themselves. Not receiving holds the server back; dropping the connection closes it. It has a
/// thread of its own, so it is for a few long-lived connections.
public final class WebSocket: Sendable {
  /// What travels.
  public enum Message: Sendable, Hashable {
    case text(String)
    case binary([UInt8])
  }

  /// Limits and rules of a connection.
  public struct Options: Sendable {
    /// From the start until the server has agreed.
    public var connectTimeout = Duration.seconds(10)
    /// The largest message that is taken, in bytes; a larger one ends the connection.
    public var maximumMessageBytes = 16 << 20
    /// The bytes of messages that wait to be received before the server is held back.
    public var bufferedBytes = 1 << 20
    /// Who decides on addresses and proxies.
    public var policy: any ConnectionPolicy = OpenPolicy()
    /// Proxies for policies that use the environment's; `nil`: what the environment says.
    public var proxies: ProxySettings?
    /// A PEM file with the certificates to trust instead of the system's.
    public var certificateAuthorityFile: String?

    /// The defaults.
    public init() {}
  }

  private let core: WebSocketCore

  private init(_ core: WebSocketCore) { self.core = core }

  deinit { core.close() }

  /// Opens a connection.
  ///
  /// - Parameters:
  ///   - request: scheme `http` or `https`, authority, path, and header fields of one's own such as `Authorization`.
  ///   - options: limits and rules.
  /// - Throws: `.connectionFailed` also where the server answers but opens no WebSocket.
  public static func connect(
    _ request: HTTPRequest, options: Options = Options()
  ) async throws(TransportError) -> WebSocket {
    let core = try WebSocketCore(request, options)
    try core.startThread()
    try await core.untilOpen()
    return WebSocket(core)
  }

  /// The next message; `nil` once the connection was closed in good order.
  ///
  /// - Throws: `.connectionLost` when it broke, `.cancelled` when the task was cancelled; both end the connection.
  public func receive() async throws(TransportError) -> Message? { try await core.receive() }

  /// Hands a message over to be sent; it is in the past once the connection has ended.
  public func send(_ message: Message) throws(TransportError) { try core.send(message) }

  /// Closes the connection.
  public func close() { core.close() }
}
