/// One client's connection: requests in, answers out, in their order.
final class Connection {
  private let channel: Channel
  private var inbound: [UInt8] = []
  /// The bytes of `inbound` that need not be looked at again.
  private var consumed = 0
  /// The head of the request whose body is still coming.
  private var head: RequestHead?
  /// What has come of a body in chunked transfer coding.
  private var chunks: [UInt8] = []
  private var outbound: [UInt8] = []
  private var sent = 0

  /// There is one thread, and what was read is copied at once.
  private nonisolated(unsafe) static let buffer = UnsafeMutableRawBufferPointer.allocate(
    byteCount: 512 * 1024, alignment: 64)
  private static let largestHead = 64 * 1024

  init(_ channel: Channel) { self.channel = channel }

  /// Whether an answer waits for room in the socket.
  var hasBacklog: Bool { sent < outbound.count }

  /// Reads what is there and answers what is complete; false when the connection is over.
  func receive(_ answers: inout Answers) -> Bool {
    var count: Int
    repeat {
      guard let read = channel.read(into: Self.buffer) else { return false }
      inbound.append(contentsOf: Self.buffer[..<read])
      count = read
      // A full buffer may have left bytes within TLS, of which the poller knows nothing.
    } while count == Self.buffer.count
    while !hasBacklog {
      switch step(&answers) {
      case .more: break
      case .incomplete:
        if consumed == inbound.count {
          inbound.removeAll(keepingCapacity: true)
          consumed = 0
        }
        return true
      case .over: return false
      }
    }
    return true
  }

  private enum Step { case more, incomplete, over }

  private func step(_ answers: inout Answers) -> Step {
    if head == nil {
      let parsed = inbound.withUnsafeBytes { RequestHead.parse(UnsafeRawBufferPointer(rebasing: $0[consumed...])) }
      guard let (parsed, length) = parsed else {
        return inbound.count - consumed > Self.largestHead ? .over : .incomplete
      }
      consumed += length
      head = parsed
      inbound.reserveCapacity(consumed + parsed.contentLength)
      if parsed.expectsContinue, !write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) { return .over }
    }
    guard let head else { return .over }
    let answer: [UInt8]
    if head.isTransferChunked {
      guard let isComplete = takeChunks() else { return .over }
      guard isComplete else { return .incomplete }
      answer = chunks.withUnsafeBytes { answers.answer(head, $0) }
      chunks.removeAll(keepingCapacity: true)
    } else {
      guard inbound.count - consumed >= head.contentLength else { return .incomplete }
      answer = inbound.withUnsafeBytes {
        answers.answer(head, UnsafeRawBufferPointer(rebasing: $0[consumed..<(consumed + head.contentLength)]))
      }
      consumed += head.contentLength
    }
    self.head = nil
    return write(answer) ? .more : .over
  }

  /// Takes the chunks that are whole (RFC 9112, section 7.1, without trailers); `nil` for what is none.
  private func takeChunks() -> Bool? {
    while let lineEnd = inbound[consumed...].firstIndex(of: 0x0A) {
      let line = String(decoding: inbound[consumed..<lineEnd].prefix { $0 != 0x0D }, as: UTF8.self)
      guard let count = Int(line, radix: 16), count >= 0 else { return nil }
      let start = lineEnd + 1
      guard inbound.count - start >= count + 2 else { return false }
      chunks.append(contentsOf: inbound[start..<(start + count)])
      consumed = start + count + 2
      if count == 0 { return true }
    }
    return false
  }

  private func write(_ bytes: [UInt8]) -> Bool {
    (outbound, sent) = (bytes, 0)
    return flush()
  }

  /// Sends what the socket takes; false when the connection is over.
  func flush() -> Bool {
    while hasBacklog {
      let count = outbound.withUnsafeBytes { channel.write(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
      guard let count else { return false }
      if count == 0 { return true }
      sent += count
    }
    return true
  }
}
