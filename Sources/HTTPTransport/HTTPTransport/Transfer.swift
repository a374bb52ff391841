internal import CHTTPTransport

/// One exchange on the transport's thread, never seen by another one: a handle of libcurl, and how far it has come.
final class Transfer {
  enum Phase {
    /// No connection yet.
    case connecting
    /// The request is on its way.
    case sending
    /// All of the request has been handed to libcurl.
    case sent
    /// The answer has begun, interim answers aside.
    case answering
    /// The answer's head has been handed on.
    case answered
  }

  let exchange: Exchange
  let easy: OpaquePointer
  private(set) var phase = Phase.connecting
  /// Whether any byte of the request may have left.
  private(set) var isSent = false
  /// Whether the exchange has something for its caller.
  var isTouched = false
  /// Why one of our callbacks stopped the transfer.
  private(set) var stop: TransportError?
  /// The kept connection that libcurl chose leads where the policy does not allow: once more, with a new one.
  private(set) var needsFreshConnection = false
  private(set) var isFresh = false

  private unowned let loop: TransportLoop
  private var remoteAddress: String?
  private var refusal: String?
  private var hasPermitted = false
  private var status = 0
  private var headBytes: [UInt8] = []
  private var headCount = 0
  private var contentLength: Int64 = -1
  private var isCoded = false
  private var received: Int64 = 0
  private var position: Int64 = 0
  private var feed: StreamFeed?
  private var isReceivingPaused = false
  private var isSendingPaused = false
  private let connectDeadline: Int64
  private let totalDeadline: Int64
  /// When a byte was last seen to move, either way; the start, before.
  private var lastMove: Int64
  /// The bytes of the request's body that had left by then.
  private var uploaded: Int64 = 0

  init(_ exchange: Exchange, easy: OpaquePointer, loop: TransportLoop) {
    (self.exchange, self.easy, self.loop) = (exchange, easy, loop)
    let options = exchange.options
    func deadline(_ limit: Duration?) -> Int64 { limit.map { exchange.began.advanced(bySaturating: $0) } ?? .max }
    connectDeadline = deadline(options.connectTimeout)
    totalDeadline = deadline(options.totalTimeout)
    lastMove = exchange.began
  }

  // MARK: Beginning and end

  /// Sets the handle up; false if libcurl refuses.
  func prepare(fresh: Bool) -> Bool {
    (isFresh, needsFreshConnection) = (fresh, false)
    let wire = exchange.wire
    var request = ht_request()
    request.is_head = wire.isHead
    request.fresh_connection = fresh
    request.decompresses = exchange.options.decompresses
    let untilConnected = connectDeadline == .max ? Int64(Int32.max) : (connectDeadline - ht_now()) / 1_000_000
    request.connect_timeout_ms = Int(max(1, min(untilConnected, Int64(Int32.max))))
    request.body_length = wire.body.length
    // The strings and bytes need to live during the call only: libcurl copies them.
    return wire.url.withCString { url in
      wire.method.withCString { method in
        (wire.proxy?.proxy ?? "").withCString { proxy in
          (wire.proxy?.exceptions ?? "").withCString { exceptions in
            withOptionalCString(wire.target) { target in
              withOptionalCString(wire.resolution) { resolution in
                wire.headerLines.withUnsafeBufferPointer { lines in
                  (request.url, request.method, request.target) = (url, method, target)
                  (request.proxy, request.no_proxy, request.resolution) = (proxy, exceptions, resolution)
                  (request.header_lines, request.header_length) = (lines.baseAddress, lines.count)
                  return prepare(&request, body: wire.body)
                }
              }
            }
          }
        }
      }
    }
  }

  private func prepare(_ request: inout ht_request, body: WireRequest.Body) -> Bool {
    // The handle's callbacks get this object unretained: the loop holds it for as long as the handle is in use.
    let context = Unmanaged.passUnretained(self).toOpaque()
    switch body {
    case .none: request.body = HT_BODY_NONE
    case .empty: request.body = HT_BODY_EMPTY
    case .copied(let bytes):
      request.body = HT_BODY_COPIED
      return bytes.withUnsafeBufferPointer { bytes in
        request.body_bytes = bytes.baseAddress
        return ht_easy_prepare(easy, &request, context)
      }
    case .bytes, .file: (request.body, request.is_at_hand) = (HT_BODY_READ, true)
    case .stream: request.body = HT_BODY_READ
    }
    return ht_easy_prepare(easy, &request, context)
  }

  /// Lets go of what feeds the request.
  func release() {
    feed?.close()
    feed = nil
  }

  /// What the exchange ended with; `nil`: a complete answer.
  func failure(_ outcome: ht_outcome) -> TransportError? {
    if let stop { return stop }
    if outcome == HT_COMPLETE { return nil }
    let text = String(cString: ht_easy_error(easy))
    func error(_ code: TransportError.Code, _ what: String) -> TransportError {
      exchange.error(code, text.isEmpty ? what : "\(what): \(text)", sent: isSent)
    }
    switch outcome {
    case HT_BAD_REQUEST: return error(.invalidRequest, "the URL cannot be used")
    case HT_UNRESOLVED: return error(.nameNotResolved, "the host's name cannot be resolved")
    case HT_UNCONNECTED:
      if let refusal, !hasPermitted { return exchange.error(.addressRefused, refusal, sent: false) }
      return error(.connectionFailed, "no connection")
    case HT_TLS: return error(.tlsFailed, "no secure connection")
    case HT_TIMED_OUT: return timeout(connectDeadline) ?? error(.timeout, "it took too long")
    case HT_MALFORMED: return error(.connectionLost, "the answer is malformed")
    case HT_LOST where !isSent: return error(.connectionFailed, "the connection broke before the request was sent")
    default: return error(isSent ? .connectionLost : .connectionFailed, "the connection broke")
    }
  }

  // MARK: Deadlines

  /// The next moment at which something must have happened.
  var deadline: Int64 {
    switch phase {
    case .connecting: min(connectDeadline, firstByteDeadline, totalDeadline)
    case .sending: min(firstByteDeadline, stallDeadline, totalDeadline)
    case .sent: min(firstByteDeadline, totalDeadline)
    case .answering, .answered: min(stallDeadline, totalDeadline)
    }
  }

  private var firstByteDeadline: Int64 { isSendingPaused ? .max : sinceMove(exchange.options.firstByteTimeout) }
  private var stallDeadline: Int64 {
    isSendingPaused || isReceivingPaused ? .max : sinceMove(exchange.options.stallTimeout)
  }

  private func sinceMove(_ limit: Duration?) -> Int64 { limit.map { lastMove.advanced(bySaturating: $0) } ?? .max }

  /// Notes that bytes move.
  private func moves() {
    lastMove = ht_now()
    uploaded = ht_easy_uploaded(easy)
  }

  /// Notes that what counts has changed, so that a deadline may come earlier than the loop knows.
  private func enter(_ phase: Phase) {
    self.phase = phase
    moves()
    loop.expect(deadline)
  }

  /// The error of a deadline that has passed, the widest one first.
  func timeout(_ now: Int64) -> TransportError? {
    let options = exchange.options
    func late(_ what: String, _ limit: Duration?) -> TransportError {
      exchange.error(.timeout, "\(what) within \(limit ?? .zero)", sent: isSent)
    }
    if now >= totalDeadline { return late("not complete", options.totalTimeout) }
    if phase == .connecting, now >= connectDeadline { return late("no connection", options.connectTimeout) }
    guard now >= deadline else { return nil }
    // What libcurl and the kernel have taken over may still leave, without a word to us.
    if phase == .sending || phase == .sent, ht_easy_uploaded(easy) > uploaded {
      moves()
      return nil
    }
    if phase == .sending || phase == .answering || phase == .answered, now >= stallDeadline {
      return late("no byte moved", options.stallTimeout)
    }
    return late("no answer", options.firstByteTimeout)
  }

  // MARK: Resting

  func resumeReceiving() {
    guard isReceivingPaused else { return }
    isReceivingPaused = false
    enter(phase)
    ht_easy_pause(easy, false, isSendingPaused)
  }

  func resumeSending() {
    guard isSendingPaused else { return }
    isSendingPaused = false
    enter(phase)
    ht_easy_pause(easy, isReceivingPaused, false)
  }

  // MARK: What libcurl's callbacks tell

  func permits(_ address: SocketAddress) -> Bool {
    if let reason = exchange.policy?.refusal(of: address) {
      refusal = reason
      return false
    }
    hasPermitted = true
    return true
  }

  /// A connection stands and the request would be sent.
  ///
  /// - Parameter address: in network order; empty if it is not known.
  func sends(to address: UnsafeBufferPointer<UInt8>, port: UInt16, text: String) -> Bool {
    if isSent {
      // libcurl tries again: a kept connection was dead, or (with the answer's head handed on) it has ideas of its own.
      guard phase == .sending || phase == .sent, exchange.wire.isReplayable else {
        if phase != .answered {
          stop = exchange.error(.connectionLost, "the kept connection was closed before an answer came")
        }
        return false
      }
    } else if let policy = exchange.policy {
      let reason =
        address.isEmpty
        ? "its address is not known" : policy.refusal(of: SocketAddress(bytes: Array(address), port: port))
      if let reason {
        // A connection kept from an exchange under another policy; or a new one that was asked about before.
        if isFresh {
          stop = exchange.error(.addressRefused, reason, sent: false)
        } else {
          needsFreshConnection = true
        }
        return false
      }
    }
    isSent = true
    enter(exchange.wire.body.isRead ? .sending : .sent)
    if !address.isEmpty { remoteAddress = address.count == 16 ? "[\(text)]:\(port)" : "\(text):\(port)" }
    return true
  }

  func takeHead(_ line: UnsafeBufferPointer<UInt8>) -> ht_taken {
    headCount += line.count
    guard headCount <= exchange.maximumHeadBytes else {
      return stopped(.tooLarge, "the answer's head is larger than \(exchange.maximumHeadBytes) bytes")
    }
    if phase == .answered { return HT_TAKEN }  // trailers
    if headBytes.isEmpty {
      headBytes.reserveCapacity(1024)
      guard let code = ResponseHead.status(line), code != 101 else {
        return stopped(.connectionLost, "the answer's first line is malformed or unasked for")
      }
      status = code
      if code >= 200, phase == .sending || phase == .sent {
        enter(.answering)
        exchange.options.onFirstByte?(code)
      }
    } else if let value = ResponseHead.value(of: "content-length:", in: line) {
      contentLength = ResponseHead.number(value) ?? -1
    } else if ResponseHead.value(of: "transfer-encoding:", in: line) != nil {
      isCoded = true
    } else if exchange.options.decompresses, ResponseHead.value(of: "content-encoding:", in: line) != nil {
      isCoded = true
    }
    headBytes.append(contentsOf: line)
    if line.count <= 2, line.first == 0x0D || line.first == 0x0A { endHead() }
    return HT_TAKEN
  }

  private func endHead() {
    defer { (headBytes, contentLength, isCoded) = ([], -1, false) }
    guard status >= 200 else { return }
    enter(.answered)
    let hasBody = !exchange.wire.isHead && status != 204 && status != 304
    let length: Int64 = hasBody ? (isCoded ? -1 : contentLength) : 0
    exchange.deliver(
      Exchange.Head(bytes: headBytes, contentLength: length, remoteAddress: remoteAddress), status: status,
      hasBody: hasBody)
    // libcurl sends no more of the body after such a status, but takes the exchange for unfinished while sending rests.
    if status >= 300, isSendingPaused { loop.mailbox.post(.resumeSending(exchange)) }
    loop.touch(self)
  }

  func takeBody(_ bytes: UnsafeBufferPointer<UInt8>) -> ht_taken {
    if let limit = exchange.options.maximumResponseBytes, received + Int64(bytes.count) > limit {
      return stopped(.tooLarge, "the answer is larger than \(limit) bytes")
    }
    switch exchange.deliver(bytes) {
    case .taken:
      received += Int64(bytes.count)
      lastMove = ht_now()
      loop.touch(self)
      return HT_TAKEN
    case .pause:
      isReceivingPaused = true
      return HT_PAUSE
    case .tooLarge(let error):
      stop = error
      return HT_STOP
    case .unwanted: return stopped(.cancelled, "the answer is wanted no more")
    }
  }

  private func stopped(_ code: TransportError.Code, _ reason: String) -> ht_taken {
    stop = exchange.error(code, reason)
    return HT_STOP
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    moves()
    let count = readBody(into: buffer)
    if count > 0 { position += Int64(count) }
    if count == 0 || position == exchange.wire.body.length, phase == .sending { enter(.sent) }
    return count
  }

  private func readBody(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    switch exchange.wire.body {
    case .none, .empty, .copied: return 0
    case .bytes(let bytes):
      let count = min(buffer.count, bytes.count - Int(position))
      guard count > 0 else { return 0 }
      bytes.withUnsafeBytes {
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[Int(position)...].prefix(count)))
      }
      return count
    case .file(let file):
      let wanted = Int(min(Int64(buffer.count), file.length - position))
      guard wanted > 0 else { return 0 }
      let count = file.read(at: position, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
      guard count > 0 else {
        stop = exchange.error(.bodyFailed, "the file of the request's body cannot be read, or has become shorter")
        return Int(HT_READ_STOP)
      }
      return count
    case .stream(let length, let source): return read(into: buffer, length: length, source: source)
    }
  }

  private func read(
    into buffer: UnsafeMutableRawBufferPointer, length: Int64?, source: @Sendable () -> ChunkSource
  ) -> Int {
    if feed == nil {
      let exchange = exchange
      let mailbox = loop.mailbox
      feed = StreamFeed(length: length, label: exchange.wire.label) { mailbox.post(.resumeSending(exchange)) }
      feed?.start(source())
    }
    switch feed?.read(into: buffer) {
    case .bytes(let count): return count
    case .starved:
      isSendingPaused = true
      return Int(HT_READ_PAUSE)
    case .failed(let error):
      stop = error
      return Int(HT_READ_STOP)
    case .end, nil: return 0
    }
  }

  func rewind() -> Bool {
    position = 0
    if phase == .sent { enter(.sending) }
    feed?.close()
    feed = nil
    return true
  }
}

func withOptionalCString<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
  guard let text else { return body(nil) }
  return text.withCString(body)
}

extension Int64 {
  /// A moment of the monotonic clock so much later, or the last one.
  func advanced(bySaturating duration: Duration) -> Int64 {
    let (seconds, attoseconds) = duration.components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return seconds < 0 ? .min : .max }
    let (sum, tooLate) = addingReportingOverflow(whole)
    guard !tooLate else { return seconds < 0 ? .min : .max }
    let (end, stillTooLate) = sum.addingReportingOverflow(attoseconds / 1_000_000_000)
    return stillTooLate ? .max : end
  }
}
