internal import Crypto
internal import Foundation
internal import Synchronization

/// The server's side of a WebSocket, as far as tests need it (RFC 6455).
///
///     let server = try ScriptedHTTPServer { request in
///       WebSocketPeer.answer(to: request) { peer in
///         peer.send(text: "hello")
///         while let frame = peer.receive(), frame.opcode != 8 {}
///       }
///     }
public final class WebSocketPeer: Sendable {
  /// One frame of the client's, unmasked.
  public struct Frame: Sendable, Hashable {
    /// 1 text, 2 binary, 8 close, 9 ping, 10 pong.
    public var opcode: UInt8
    /// What it carries.
    public var payload: [UInt8]
    /// Whether it came masked, as a client must.
    public var isMasked: Bool
  }

  private let peer: ServerPeer
  private let waiting: SharedBytes

  private init(_ peer: ServerPeer) {
    self.peer = peer
    waiting = SharedBytes()
  }

  /// Agrees to a client's handshake and hands the connection over.
  public static func answer(
    to request: RecordedRequest, _ body: @escaping @Sendable (WebSocketPeer) -> Void
  ) -> ScriptedAnswer {
    let key = request.header("sec-websocket-key") ?? ""
    let digest = Insecure.SHA1.hash(data: Data((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
    let head = """
      HTTP/1.1 101 Switching Protocols\r
      Upgrade: websocket\r
      Connection: Upgrade\r
      Sec-WebSocket-Accept: \(Data(digest).base64EncodedString())\r
      \r

      """
    return .raw(head).then(.converse { body(WebSocketPeer($0)) })
  }

  /// Sends one frame.
  @discardableResult
  public func send(opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true) -> Bool {
    var frame: [UInt8] = [(isFinal ? 0x80 : 0) | opcode]
    switch payload.count {
    case ..<126: frame.append(UInt8(payload.count))
    case ..<65536: frame += [126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
    default: frame += [127] + (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
    }
    return peer.send(frame + payload)
  }

  /// Sends a text message.
  @discardableResult
  public func send(text: String) -> Bool { send(opcode: 1, Array(text.utf8)) }

  /// Sends bytes as they are.
  @discardableResult
  public func send(raw bytes: [UInt8]) -> Bool { peer.send(bytes) }

  /// Waits for a frame; `nil` at the end. For the thread that the connection was handed to.
  public func receive() -> Frame? {
    while true {
      if let frame = waiting.takeFrame() { return frame }
      guard let bytes = peer.receive() else { return nil }
      waiting.append(bytes)
    }
  }

  /// Ends the connection without a word.
  public func end() { peer.end() }
}

/// Bytes that have come and are no whole frame yet.
private final class SharedBytes: Sendable {
  private let bytes = Mutex<[UInt8]>([])

  func append(_ more: [UInt8]) { bytes.withLock { $0 += more } }

  func takeFrame() -> WebSocketPeer.Frame? {
    bytes.withLock { bytes in
      guard bytes.count >= 2 else { return nil }
      let isMasked = bytes[1] & 0x80 != 0
      var (length, position) = (Int(bytes[1] & 0x7F), 2)
      if length >= 126 {
        let width = length == 126 ? 2 : 8
        guard bytes.count >= 2 + width else { return nil }
        length = bytes[2..<(2 + width)].reduce(0) { $0 << 8 | Int($1) }
        position += width
      }
      let key = isMasked ? Array(bytes.dropFirst(position).prefix(4)) : [0, 0, 0, 0]
      position += isMasked ? 4 : 0
      guard bytes.count >= position + length, key.count == 4 else { return nil }
      let payload = bytes[position..<(position + length)].enumerated().map { $1 ^ key[$0 & 3] }
      let opcode = bytes[0] & 0x0F
      bytes.removeFirst(position + length)
      return .init(opcode: opcode, payload: payload, isMasked: isMasked)
    }
  }
}
