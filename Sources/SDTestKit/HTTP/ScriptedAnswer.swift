/// What a ``ScriptedHTTPServer`` does once it has a request: a list of steps, in most cases one response.
///
/// Responses: ``respond(status:reason:headers:body:)-(_,_,_,String)``, ``chunked(status:headers:_:)``,
/// ``fill(_:count:status:)``. Misbehaviour: ``reset``, ``close``, ``hang``, ``raw(_:)``, and, applied to an answer,
/// ``cut(after:)``, ``trickled()``, ``after(_:)``. Answers are joined by ``then(_:)``.
public struct ScriptedAnswer: Sendable {
  enum Step: Sendable {
    case bytes([UInt8])
    /// One byte a write.
    case trickle([UInt8])
    case fill(UInt8, count: Int)
    case wait(ServerGate)
    /// Reads on until the peer closes, or the server stops.
    case hang
    case close
    case reset
    /// Hands the connection over for good.
    case converse(@Sendable (ServerPeer) -> Void)
  }

  var steps: [Step]
  /// Whether the connection goes on afterwards.
  var keepsAlive = true

  /// A response with a body of known length.
  ///
  /// `Content-Length` is added unless it is among the headers, or the status allows no body.
  public static func respond(
    status: Int = 200, reason: String = "", headers: [(String, String)] = [], body: [UInt8]
  ) -> ScriptedAnswer {
    var head = "HTTP/1.1 \(status) \(reason)\r\n"
    for (name, value) in headers { head += "\(name): \(value)\r\n" }
    let isBodiless = status == 204 || status == 304 || (100..<200).contains(status)
    if !isBodiless, !headers.contains(where: { $0.0.lowercased() == "content-length" }) {
      head += "Content-Length: \(body.count)\r\n"
    }
    let closes = headers.contains { $0.0.lowercased() == "connection" && $0.1.lowercased() == "close" }
    return ScriptedAnswer(steps: [.bytes(Array((head + "\r\n").utf8) + body)], keepsAlive: !closes)
  }

  /// A response with a body of text.
  public static func respond(
    status: Int = 200, reason: String = "", headers: [(String, String)] = [], body: String = ""
  ) -> ScriptedAnswer {
    respond(status: status, reason: reason, headers: headers, body: Array(body.utf8))
  }

  /// A JSON response.
  public static func json(_ text: String, status: Int = 200) -> ScriptedAnswer {
    respond(status: status, headers: [("Content-Type", "application/json")], body: text)
  }

  /// A response in chunked transfer coding; one chunk an element.
  public static func chunked(status: Int = 200, headers: [(String, String)] = [], _ chunks: [String]) -> ScriptedAnswer
  {
    var text = "HTTP/1.1 \(status) \r\nTransfer-Encoding: chunked\r\n"
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    text += "\r\n"
    for chunk in chunks where !chunk.isEmpty { text += String(chunk.utf8.count, radix: 16) + "\r\n\(chunk)\r\n" }
    return raw(text + "0\r\n\r\n")
  }

  /// A response whose body is one byte many times over, without it being held in memory.
  public static func fill(_ byte: UInt8 = 0x2E, count: Int, status: Int = 200) -> ScriptedAnswer {
    ScriptedAnswer(steps: [
      .bytes(Array("HTTP/1.1 \(status) \r\nContent-Length: \(count)\r\n\r\n".utf8)), .fill(byte, count: count),
    ])
  }

  /// An interim response such as 100 or 103; the final one is to follow with ``then(_:)``.
  public static func interim(_ status: Int, headers: [(String, String)] = []) -> ScriptedAnswer {
    respond(status: status, headers: headers, body: [])
  }

  /// Bytes as they are; the connection stays open.
  public static func raw(_ bytes: [UInt8]) -> ScriptedAnswer { ScriptedAnswer(steps: [.bytes(bytes)]) }

  /// Text as it is; the connection stays open.
  public static func raw(_ text: String) -> ScriptedAnswer { raw(Array(text.utf8)) }

  /// No answer: the connection is closed in good order.
  public static var close: ScriptedAnswer { ScriptedAnswer(steps: [.close], keepsAlive: false) }

  /// No answer: the connection is reset.
  public static var reset: ScriptedAnswer { ScriptedAnswer(steps: [.reset], keepsAlive: false) }

  /// No answer: the connection is held until the peer closes it or the server stops.
  public static var hang: ScriptedAnswer { ScriptedAnswer(steps: [.hang], keepsAlive: false) }

  /// Hands the connection over: the closure sends and receives as it likes, on the connection's thread, and the
  /// connection is closed when it returns.
  public static func converse(_ body: @escaping @Sendable (ServerPeer) -> Void) -> ScriptedAnswer {
    ScriptedAnswer(steps: [.converse(body)], keepsAlive: false)
  }

  /// This answer, and another one behind it.
  public func then(_ next: ScriptedAnswer) -> ScriptedAnswer {
    ScriptedAnswer(steps: steps + next.steps, keepsAlive: next.keepsAlive)
  }

  /// This answer once a gate is open.
  public func after(_ gate: ServerGate) -> ScriptedAnswer {
    ScriptedAnswer(steps: [.wait(gate)] + steps, keepsAlive: keepsAlive)
  }

  /// This answer, byte by byte.
  public func trickled() -> ScriptedAnswer {
    var copy = self
    copy.steps = steps.map { if case .bytes(let bytes) = $0 { .trickle(bytes) } else { $0 } }
    return copy
  }

  /// This answer's head, and no more than so many bytes of its body; the connection is closed then.
  public func cut(after count: Int) -> ScriptedAnswer {
    var copy = self
    copy.steps = steps.map { step in
      switch step {
      case .bytes(let bytes):
        let end = bytes.indices.first { bytes[..<$0].suffix(4).elementsEqual("\r\n\r\n".utf8) } ?? 0
        return .bytes(Array(bytes.prefix(end + count)))
      case .fill(let byte, let all): return .fill(byte, count: min(all, count))
      default: return step
      }
    }
    return copy.then(.close)
  }
}
