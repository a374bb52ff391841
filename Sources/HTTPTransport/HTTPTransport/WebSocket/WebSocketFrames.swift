/// The frames of a WebSocket connection as a client reads and writes them (RFC 6455, section 5); no I/O.
struct WebSocketFrames {
  /// What the peer's frames amount to.
  enum Event: Equatable {
    case message(WebSocket.Message)
    case ping([UInt8])
    case pong
    /// The status code, where one was given.
    case close(UInt16?)
  }

  /// What the peer did against the rules; ends the connection.
  struct Fault: Error, Equatable {
    var reason: String
    /// The status code to close with (section 7.4.1).
    var code: UInt16
  }

  enum Opcode: UInt8 {
    case continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10
    var isControl: Bool { rawValue >= 8 }
  }

  private struct Head {
    var opcode: Opcode
    var isFinal: Bool
    var payload: Range<Int>
  }

  private let maximumMessageBytes: Int
  private var waiting: [UInt8] = []
  /// A message that came in part.
  private var fragments: (opcode: Opcode, bytes: [UInt8])?

  init(maximumMessageBytes: Int) { self.maximumMessageBytes = maximumMessageBytes }

  /// Takes bytes as they came and tells what is complete by now.
  mutating func take(_ bytes: some Sequence<UInt8>) throws(Fault) -> [Event] {
    waiting.append(contentsOf: bytes)
    var (events, start): ([Event], Int) = ([], 0)
    while let head = try head(at: start) {
      if let event = try event(head) { events.append(event) }
      start = head.payload.upperBound
    }
    waiting.removeFirst(start)
    return events
  }

  /// A whole frame's head; `nil` while it, or its payload, is not there.
  private func head(at start: Int) throws(Fault) -> Head? {
    guard waiting.count - start >= 2 else { return nil }
    let (first, second) = (waiting[start], waiting[start + 1])
    guard first & 0x70 == 0 else { throw Fault(reason: "a frame with reserved bits", code: 1002) }
    guard let opcode = Opcode(rawValue: first & 0x0F) else { throw Fault(reason: "an unknown opcode", code: 1002) }
    guard second & 0x80 == 0 else { throw Fault(reason: "a masked frame from a server", code: 1002) }
    let isFinal = first & 0x80 != 0
    var (length, position) = (Int(second & 0x7F), start + 2)
    if length >= 126 {
      let width = length == 126 ? 2 : 8
      guard waiting.count - position >= width else { return nil }
      let long = waiting[position..<(position + width)].reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
      guard long >= (width == 2 ? 126 : 65536), long <= UInt64(Int64.max) else {
        throw Fault(reason: "a frame's length in too many bytes", code: 1002)
      }
      (length, position) = (Int(long), position + width)
    }
    if opcode.isControl {
      guard length <= 125, isFinal else { throw Fault(reason: "a control frame too long or in parts", code: 1002) }
    } else {
      let whole = length.addingReportingOverflow(fragments?.bytes.count ?? 0)
      guard !whole.overflow, whole.partialValue <= maximumMessageBytes else {
        throw Fault(reason: "a message of more than \(maximumMessageBytes) bytes", code: 1009)
      }
    }
    guard waiting.count - position >= length else { return nil }
    return Head(opcode: opcode, isFinal: isFinal, payload: position..<(position + length))
  }

  private mutating func event(_ head: Head) throws(Fault) -> Event? {
    let payload = waiting[head.payload]
    switch head.opcode {
    case .ping: return .ping(Array(payload))
    case .pong: return .pong
    case .close:
      guard payload.count != 1 else { throw Fault(reason: "a close frame of one byte", code: 1002) }
      return .close(payload.count < 2 ? nil : payload.prefix(2).reduce(0) { $0 << 8 | UInt16($1) })
    case .text, .binary:
      guard fragments == nil else { throw Fault(reason: "a message within another", code: 1002) }
      guard head.isFinal else {
        fragments = (head.opcode, Array(payload))
        return nil
      }
      return .message(try Self.message(head.opcode, Array(payload)))
    case .continuation:
      guard let opcode = fragments?.opcode else { throw Fault(reason: "a continuation of nothing", code: 1002) }
      fragments?.bytes.append(contentsOf: payload)
      guard head.isFinal, let whole = fragments.take() else { return nil }
      return .message(try Self.message(opcode, whole.bytes))
    }
  }

  private static func message(_ opcode: Opcode, _ bytes: [UInt8]) throws(Fault) -> WebSocket.Message {
    guard opcode == .text else { return .binary(bytes) }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw Fault(reason: "text not UTF-8", code: 1007) }
    return .text(text)
  }

  // MARK: Writing

  /// A whole frame as a client sends it: final, its payload masked.
  static func frame(
    _ opcode: Opcode, _ payload: some Collection<UInt8>, mask: UInt32 = .random(in: .min ... .max)
  ) -> [UInt8] {
    var frame: [UInt8] = [0x80 | opcode.rawValue]
    switch payload.count {
    case ..<126: frame.append(0x80 | UInt8(payload.count))
    case ..<65536: frame += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
    default:
      frame.append(0x80 | 127)
      for shift in stride(from: 56, through: 0, by: -8) {
        frame.append(UInt8(truncatingIfNeeded: payload.count >> shift))
      }
    }
    let key = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: mask >> $0) }
    frame += key
    for (position, byte) in payload.enumerated() { frame.append(byte ^ key[position & 3]) }
    return frame
  }

  /// A close frame with a status code.
  static func close(_ code: UInt16) -> [UInt8] { frame(.close, [UInt8(code >> 8), UInt8(code & 0xFF)]) }
}
