internal import Crypto
internal import Foundation
internal import HTTPTypes

/// The opening handshake of a WebSocket client (RFC 6455, section 4); no I/O.
struct WebSocketHandshake {
  /// The request's bytes.
  let request: [UInt8]
  private let expected: String
  private static let maximumHeadBytes = 16 << 10
  private static let guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

  init(authority: String, path: String, fields: HTTPFields, nonce: [UInt8] = (0..<16).map { _ in .random(in: 0...255) })
  {
    let key = Data(nonce).base64EncodedString()
    expected = Data(Insecure.SHA1.hash(data: Data((key + Self.guid).utf8))).base64EncodedString()
    var head = "GET \(path) HTTP/1.1\r\nHost: \(authority)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    head += "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 13\r\n"
    // What `HTTPField` holds has no line ends.
    for field in fields { head += "\(field.name.rawName): \(field.value)\r\n" }
    request = Array((head + "\r\n").utf8)
  }

  /// Looks for the end of the answer's head in the bytes so far.
  ///
  /// - Returns: how many bytes the head has, once it is there and agrees; `nil` while it is not there.
  /// - Throws: the reason why it does not agree.
  func accept(_ bytes: [UInt8]) throws(WebSocketFrames.Fault) -> Int? {
    guard let end = Self.endOfHead(bytes) else {
      guard bytes.count <= Self.maximumHeadBytes else { throw Self.fault("its answer has no end") }
      return nil
    }
    guard let head = ResponseHead.parse(Array(bytes[..<end])) else { throw Self.fault("its answer is malformed") }
    guard head.status.code == 101 else { throw Self.fault("it answers \(head.status.code)") }
    func has(_ name: HTTPField.Name, _ word: String) -> Bool {
      head.headerFields[values: name].contains { value in
        value.split(separator: ",").contains { $0.lowercased().filter { !$0.isWhitespace } == word }
      }
    }
    guard has(.upgrade, "websocket"), has(.connection, "upgrade") else { throw Self.fault("it switches to another") }
    guard head.headerFields[.secWebSocketAccept] == expected else { throw Self.fault("it answers another's handshake") }
    guard head.headerFields[.secWebSocketExtensions] == nil, head.headerFields[.secWebSocketProtocol] == nil else {
      throw Self.fault("it wants what was not offered")
    }
    return end
  }

  private static func endOfHead(_ bytes: [UInt8]) -> Int? {
    let end: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A]
    guard bytes.count >= end.count else { return nil }
    return (0...(bytes.count - end.count)).first { bytes[$0..<($0 + end.count)].elementsEqual(end) }.map { $0 + 4 }
  }

  private static func fault(_ reason: String) -> WebSocketFrames.Fault {
    .init(reason: "the server does not open a WebSocket: \(reason)", code: 1002)
  }
}
