import HTTPTypes

@testable import HTTPTransport
@testable import SDClient

// HTTPTransport and SDClient: what comes over a connection, and URLs that strangers hand in.

extension Target {
  /// Heads of answers, handshakes, URLs and header fields.
  static func http(_ input: [UInt8]) {
    if let head = ResponseHead.parse(input) {
      precondition((100...999).contains(head.status.code), "a status of \(head.status.code)")
      for field in head.headerFields {
        precondition(!field.value.utf8.contains { $0 == 0x0A || $0 == 0x0D || $0 == 0 }, "a line end in a value")
      }
    }
    _ = try? WebSocketHandshake(authority: "h", path: "/", fields: [:], nonce: []).accept(input)
    input.withUnsafeBufferPointer { line in
      _ = ResponseHead.status(line)
      _ = ResponseHead.value(of: "content-length:", in: line).map { ResponseHead.number($0) }
    }
    let text = String(decoding: input, as: UTF8.self)
    guard var request = try? HTTPRequest(url: text) else { return }
    if let name = HTTPField.Name("x-a") { request.headerFields.append(HTTPField(name: name, value: text)) }
    let proxies = ProxySettings(http: "http://proxy", https: "http://proxy")
    guard let wire = try? WireRequest(request, body: .none, proxies: proxies) else {
      preconditionFailure("a URL that was taken makes no request")
    }
    precondition(!wire.headerLines.contains(0x0A) && !wire.headerLines.contains(0x0D), "a line end in a header line")
    precondition(wire.headerLines.last == 0, "a header line without its end")
    precondition(!wire.label.contains("?"), "a query in a message")
  }

  /// Frames, at once and in parts of any size: the first byte tells it.
  static func webSocket(_ input: [UInt8]) {
    guard let size = input.first.map({ max(1, Int($0)) }) else { return }
    let bytes = input.dropFirst()
    var whole = WebSocketFrames(maximumMessageBytes: 1024)
    var parts = WebSocketFrames(maximumMessageBytes: 1024)
    let together = Result { () throws(WebSocketFrames.Fault) in try whole.take(bytes) }
    let apart = Result { () throws(WebSocketFrames.Fault) in
      var events: [WebSocketFrames.Event] = []
      for start in stride(from: bytes.startIndex, to: bytes.endIndex, by: size) {
        events += try parts.take(bytes[start..<min(start + size, bytes.endIndex)])
      }
      return events
    }
    precondition(together == apart, "parts of \(size) bytes read otherwise than the whole")
  }

  /// Server-sent events, at once and in parts.
  static func events(_ input: [UInt8]) {
    guard let size = input.first.map({ max(1, Int($0)) }) else { return }
    let bytes = input.dropFirst()
    var whole = EventStreamParser()
    var parts = EventStreamParser()
    let together = whole.feed(bytes) ?? []
    var apart: [EventStreamParser.Event] = []
    for start in stride(from: bytes.startIndex, to: bytes.endIndex, by: size) {
      apart += parts.feed(bytes[start..<min(start + size, bytes.endIndex)]) ?? []
    }
    precondition(together == apart && whole.retry == parts.retry, "parts read otherwise than the whole")
  }
}
