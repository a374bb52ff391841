internal import CHTTPTransport

/// A connection's thread: it alone touches libcurl's handle.
final class WebSocketThread {
  private let core: WebSocketCore
  private let easy: OpaquePointer
  private var refusal: String?
  private var frames: WebSocketFrames
  private var outgoing: [UInt8] = []
  private var buffer = [UInt8](repeating: 0, count: 64 << 10)
  /// How long what must still be sent may take once the connection is being closed.
  private static let closing: Int64 = 2_000_000_000

  private init(_ core: WebSocketCore, _ easy: OpaquePointer) {
    (self.core, self.easy) = (core, easy)
    frames = WebSocketFrames(maximumMessageBytes: core.options.maximumMessageBytes)
  }

  /// The body of the thread; takes over the reference that `context` is.
  static func run(_ context: UnsafeMutableRawPointer?) {
    guard let context else { return }
    let core = Unmanaged<WebSocketCore>.fromOpaque(context).takeRetainedValue()
    guard TransportLoop.globalInit, let easy = makeEasy(core.options) else {
      return core.end(core.error(.connectionFailed, "libcurl gives no handle"))
    }
    let thread = WebSocketThread(core, easy)
    do {
      try thread.connect()
      try thread.shakeHands()
      try thread.work()
      core.end(nil)
    } catch {
      core.end(error)
    }
    ht_easy_free(easy)
  }

  // MARK: Connecting

  private static func makeEasy(_ options: WebSocket.Options) -> OpaquePointer? {
    withOptionalCString(options.certificateAuthorityFile) { authorities in
      var settings = ht_settings(ca_file: authorities, idle_seconds: 1, http2: false)
      return ht_easy_new(callbacks, &settings)
    }
  }

  private func connect() throws(TransportError) {
    var request = ht_request()
    request.connect_timeout_ms = max(1, Int((core.deadline - ht_now()) / 1_000_000))
    request.fresh_connection = true
    let wire = core.wire
    let context = Unmanaged.passUnretained(self).toOpaque()
    // The URL alone matters: nothing of a request is sent by libcurl.
    let outcome = wire.url.withCString { url in
      (wire.proxy?.proxy ?? "").withCString { proxy in
        (wire.proxy?.exceptions ?? "").withCString { exceptions in
          "GET".withCString { method in
            (request.url, request.method, request.proxy, request.no_proxy) = (url, method, proxy, exceptions)
            return ht_easy_connect(easy, &request, context) { WebSocketThread.of($0).goesOn }
          }
        }
      }
    }
    guard outcome != HT_COMPLETE else { return }
    if let refusal { throw core.error(.addressRefused, refusal) }
    let text = String(cString: ht_easy_error(easy))
    switch outcome {
    case HT_UNRESOLVED: throw core.error(.nameNotResolved, "the host's name cannot be resolved: \(text)")
    case HT_TLS: throw core.error(.tlsFailed, "no secure connection: \(text)")
    case HT_TIMED_OUT: throw core.error(.timeout, "no connection within \(core.options.connectTimeout)")
    case HT_BAD_REQUEST: throw core.error(.invalidRequest, "the URL cannot be used")
    default: throw core.error(.connectionFailed, "no connection: \(text)")
    }
  }

  private var goesOn: Bool { !core.hasEnded }

  private func shakeHands() throws(TransportError) {
    outgoing = core.handshake.request
    var received: [UInt8] = []
    while true {
      try flush()
      switch receive() {
      case .bytes(let count): received += buffer[..<count]
      case .busy:
        guard !core.hasEnded else { throw core.error(.cancelled, "it was closed") }
        guard ht_now() < core.deadline else {
          throw core.error(.timeout, "the server did not answer within \(core.options.connectTimeout)")
        }
        wait(reading: true, until: core.deadline)
      case .end, .lost: throw core.error(.connectionFailed, "the server closed the connection before it answered")
      }
      do {
        guard let end = try core.handshake.accept(received) else { continue }
        core.open()
        return try take(received[end...])
      } catch let fault as WebSocketFrames.Fault {
        throw core.error(.connectionFailed, fault.reason)
      } catch let error as TransportError {
        throw error
      } catch {
        throw core.error(.connectionFailed, "\(error)")
      }
    }
  }

  // MARK: Working

  private func work() throws(TransportError) {
    var closingSince: Int64?
    while true {
      try flush()
      switch core.phase {
      case .ended(nil): return
      case .ended(let error?): throw error
      case .closing:
        let since = closingSince ?? ht_now()
        closingSince = since
        if outgoing.isEmpty || ht_now() - since > Self.closing { return }
      case .connecting, .open: break
      }
      let hasRoom = core.hasRoom
      if hasRoom {
        switch receive() {
        case .bytes(let count):
          try take(buffer[..<count])
          continue
        case .busy: break
        case .end, .lost: throw core.error(.connectionLost, "the server closed the connection without a word")
        }
      }
      wait(reading: hasRoom, until: closingSince.map { $0 + Self.closing } ?? .max)
    }
  }

  private func take(_ bytes: some Sequence<UInt8>) throws(TransportError) {
    let events: [WebSocketFrames.Event]
    do { events = try frames.take(bytes) } catch {
      outgoing += WebSocketFrames.close(error.code)
      try? flush()
      throw core.error(.connectionLost, "the server sent \(error.reason)")
    }
    for event in events {
      switch event {
      case .message(let message): core.deliver(message)
      case .ping(let payload): core.answer(WebSocketFrames.frame(.pong, payload))
      case .pong: break
      case .close(let code):
        outgoing += WebSocketFrames.close(code ?? 1000)
        try? flush()
        return core.end(nil)
      }
    }
  }

  private enum Received { case bytes(Int), busy, end, lost }

  private func receive() -> Received {
    let count = buffer.withUnsafeMutableBufferPointer { ht_easy_receive(easy, $0.baseAddress, $0.count) }
    switch count {
    case 0: return .end
    case Int(HT_SOCKET_BUSY): return .busy
    case Int(HT_SOCKET_LOST): return .lost
    default: return .bytes(count)
    }
  }

  /// Sends what can be sent now.
  private func flush() throws(TransportError) {
    while true {
      core.takeOutgoing(into: &outgoing)
      guard !outgoing.isEmpty else { return }
      let count = outgoing.withUnsafeBufferPointer { ht_easy_send(easy, $0.baseAddress, $0.count) }
      switch count {
      case Int(HT_SOCKET_BUSY): return
      case Int(HT_SOCKET_LOST): throw core.error(.connectionLost, "the connection broke while something was sent")
      default: outgoing.removeFirst(count)
      }
    }
  }

  private func wait(reading: Bool, until deadline: Int64) {
    let milliseconds = Int32(clamping: (max(0, deadline - ht_now()) + 999_999) / 1_000_000)
    core.bell.wait(with: easy, reading: reading, writing: !outgoing.isEmpty, milliseconds: min(milliseconds, 60_000))
  }

  // MARK: What libcurl asks

  private func permits(_ address: SocketAddress) -> Bool {
    refusal = core.options.policy.refusal(of: address)
    return refusal == nil
  }

  private static func of(_ context: UnsafeMutableRawPointer?) -> WebSocketThread {
    // libcurl hands back what `ht_easy_connect` was given; the thread's own frame holds it for as long as that runs.
    Unmanaged<WebSocketThread>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
  }

  /// Lives as long as the process.
  nonisolated(unsafe) private static let callbacks: UnsafePointer<ht_callbacks> = {
    let table = UnsafeMutablePointer<ht_callbacks>.allocate(capacity: 1)
    table.initialize(
      to: ht_callbacks(
        head: { _, _, _ in HT_TAKEN }, body: { _, _, _ in HT_TAKEN }, read: { _, _, _ in 0 }, rewind: { _ in true },
        permits: { context, bytes, count, port in
          of(context).permits(
            SocketAddress(bytes: Array(UnsafeBufferPointer(start: bytes, count: count)), port: port))
        },
        sends: { _, _, _, _, _ in true }))
    return UnsafePointer(table)
  }()
}
