internal import CHTTPTransport
internal import HTTPTypes
internal import Synchronization

/// What a connection's thread and its users share.
final class WebSocketCore: Sendable {
  enum Phase {
    case connecting, open
    /// What is to be sent goes out, then the connection ends.
    case closing
    case ended(TransportError?)
  }

  private struct State {
    var phase = Phase.connecting
    /// Whether the server ever agreed; it may have closed since.
    var hasOpened = false
    var incoming: [WebSocket.Message] = []
    var incomingBytes = 0
    var outgoing: [UInt8] = []
    var waiter: UnsafeContinuation<Void, Never>?

    var hasEnded: Bool { if case .ended = phase { true } else { false } }
  }

  let wire: WireRequest
  let handshake: WebSocketHandshake
  let options: WebSocket.Options
  let bell: Bell
  /// When the connection must stand.
  let deadline: Int64
  private let state = Mutex(State())
  private static let maximumOutgoingBytes = 16 << 20

  init(_ request: HTTPRequest, _ options: WebSocket.Options) throws(TransportError) {
    self.options = options
    deadline = ht_now().advanced(bySaturating: options.connectTimeout)
    let proxies = options.proxies ?? ProxySettings(environment: ProcessEnvironment.current())
    wire = try WireRequest(request, body: .none, proxies: options.policy.usesEnvironmentProxies ? proxies : nil)
    handshake = WebSocketHandshake(
      authority: request.authority ?? "", path: request.path ?? "/", fields: request.headerFields)
    guard let bell = Bell() else {
      throw TransportError(.connectionFailed, "\(wire.label): no descriptors are left", requestMayHaveBeenSent: false)
    }
    self.bell = bell
  }

  func startThread() throws(TransportError) {
    // The thread owns a reference, which it lets go of where it ends.
    let own = Unmanaged.passRetained(self)
    if ht_thread_start("websocket", { WebSocketThread.run($0) }, own.toOpaque()) { return }
    own.release()
    throw error(.connectionFailed, "its thread cannot be started")
  }

  func error(_ code: TransportError.Code, _ reason: String) -> TransportError {
    TransportError(code, "\(wire.label): \(reason)")
  }

  // MARK: The users' side

  func untilOpen() async throws(TransportError) {
    await wait { if case .connecting = $0.phase { false } else { true } }
    let (hasOpened, phase) = state.withLock { ($0.hasOpened, $0.phase) }
    if !hasOpened, case .ended(let error) = phase {
      throw error ?? self.error(.connectionFailed, "it was closed at once")
    }
  }

  func receive() async throws(TransportError) -> WebSocket.Message? {
    await wait { !$0.incoming.isEmpty || $0.hasEnded }
    let (result, wasFull): (Result<WebSocket.Message?, TransportError>, Bool) = state.withLock { state in
      guard !state.incoming.isEmpty else {
        if case .ended(let error?) = state.phase { return (.failure(error), false) }
        return (.success(nil), false)
      }
      let wasFull = state.incomingBytes >= options.bufferedBytes
      let message = state.incoming.removeFirst()
      state.incomingBytes -= message.byteCount
      return (.success(message), wasFull)
    }
    if wasFull { bell.ring() }
    return try result.get()
  }

  func send(_ message: WebSocket.Message) throws(TransportError) {
    let frame =
      switch message {
      case .text(let text): WebSocketFrames.frame(.text, Array(text.utf8))
      case .binary(let bytes): WebSocketFrames.frame(.binary, bytes)
      }
    let fits = state.withLock { state in
      guard case .open = state.phase else { return true }
      guard state.outgoing.count + frame.count <= Self.maximumOutgoingBytes else { return false }
      state.outgoing += frame
      return true
    }
    guard fits else { throw error(.tooLarge, "more than \(Self.maximumOutgoingBytes) bytes wait to be sent") }
    bell.ring()
  }

  func close() {
    let (waiter, rings): (UnsafeContinuation<Void, Never>?, Bool) = state.withLock { state in
      switch state.phase {
      case .connecting: state.phase = .ended(error(.cancelled, "it was closed before it was open"))
      case .open:
        state.outgoing += WebSocketFrames.close(1000)
        state.phase = .closing
      case .closing, .ended: return (nil, false)
      }
      return (state.waiter.take(), true)
    }
    waiter?.resume()
    if rings { bell.ring() }
  }

  private func wait(until isReady: @escaping @Sendable (borrowing State) -> Bool) async {
    await withTaskCancellationHandler {
      await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
        // Of two that wait at once the first is let go, and finds nothing: there is one reader.
        let (mayGoOn, displaced): (Bool, UnsafeContinuation<Void, Never>?) = state.withLock { state in
          if isReady(state) { return (true, nil) }
          let displaced = state.waiter
          state.waiter = continuation
          return (false, displaced)
        }
        displaced?.resume()
        if mayGoOn { continuation.resume() }
      }
    } onCancel: {
      end(error(.cancelled, "the task was cancelled"))
      bell.ring()
    }
  }

  // MARK: The thread's side

  var phase: Phase { state.withLock { $0.phase } }
  /// Whether the connection is wanted no more.
  var hasEnded: Bool { state.withLock { $0.hasEnded } }
  /// Whether there is room for more of the server's messages.
  var hasRoom: Bool { state.withLock { $0.incomingBytes < options.bufferedBytes } }

  func open() {
    wake { if case .connecting = $0.phase { ($0.phase, $0.hasOpened) = (.open, true) } }
  }

  func deliver(_ message: WebSocket.Message) {
    wake { state in
      state.incoming.append(message)
      state.incomingBytes += message.byteCount
    }
  }

  /// Has a pong sent. A server that pings and does not read gets no more of them than there is room for: not every ping
  /// need be answered (RFC 6455, section 5.5.3).
  func answer(_ pong: [UInt8]) {
    state.withLock { state in
      guard state.outgoing.count + pong.count <= Self.maximumOutgoingBytes else { return }
      state.outgoing += pong
    }
  }

  /// Everything that is to be sent, moved over where all before it has left: what waits here is what is bounded.
  func takeOutgoing(into bytes: inout [UInt8]) {
    guard bytes.isEmpty else { return }
    state.withLock { swap(&bytes, &$0.outgoing) }
  }

  /// Notes the end, `nil` for one in good order; the first one counts.
  func end(_ error: TransportError?) {
    wake { if !$0.hasEnded { $0.phase = .ended(error) } }
  }

  private func wake(_ change: @Sendable (inout State) -> Void) {
    let waiter = state.withLock { state in
      change(&state)
      return state.waiter.take()
    }
    waiter?.resume()
  }
}

extension WebSocket.Message {
  fileprivate var byteCount: Int {
    switch self {
    case .text(let text): text.utf8.count + 64
    case .binary(let bytes): bytes.count + 64
    }
  }
}
