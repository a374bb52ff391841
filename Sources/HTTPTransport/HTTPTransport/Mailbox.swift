internal import CHTTPTransport
internal import Synchronization

/// What the transport's thread is told, and the only way to tell it.
///
/// It owns the multi handle's lifetime: while a command can be posted, the handle exists, so the wake-up is safe from
/// any thread.
final class Mailbox: Sendable {
  enum Command: Sendable {
    case start(Exchange)
    case cancel(Exchange)
    case resumeReceiving(Exchange)
    case resumeSending(Exchange)
  }

  enum Phase {
    /// Nothing was asked for yet; there is no thread.
    case unstarted
    case running
    /// No new exchanges; those that go on may end.
    case retiring
    /// Everything ends now.
    case closing
    case ended
  }

  /// A multi handle, named outside its thread for nothing but the wake-up.
  struct Handle: @unchecked Sendable { let pointer: OpaquePointer }

  private struct State {
    var phase = Phase.unstarted
    var commands: [Command] = []
    var multi: Handle?
    var endWaiters: [UnsafeContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())
  private let configuration: CurlTransport.Configuration

  init(_ configuration: CurlTransport.Configuration) { self.configuration = configuration }

  /// Asks for an exchange; starts the thread with the first one.
  func start(_ exchange: Exchange) throws(TransportError) {
    let failure: TransportError? = state.withLock { state in
      switch state.phase {
      case .unstarted:
        guard let handle = Self.makeMulti(configuration) else {
          return exchange.error(.connectionFailed, "libcurl gives no handle", sent: false)
        }
        // The thread owns the loop, the loop the mailbox; both are let go where the thread ends.
        let loop = Unmanaged.passRetained(TransportLoop(mailbox: self, multi: handle, configuration: configuration))
        guard ht_thread_start("http-transport", { TransportLoop.runThread($0) }, loop.toOpaque()) else {
          loop.release()
          ht_multi_free(handle.pointer)
          return exchange.error(.connectionFailed, "no thread could be started", sent: false)
        }
        state.multi = handle
        state.phase = .running
      case .running: break
      case .retiring, .closing, .ended:
        return exchange.error(.closed, "the transport has been shut down", sent: false)
      }
      Self.append(.start(exchange), to: &state)
      return nil
    }
    if let failure { throw failure }
  }

  func post(_ command: Command) {
    state.withLock { state in
      switch state.phase {
      case .running, .retiring: Self.append(command, to: &state)
      case .unstarted, .closing, .ended: break
      }
    }
  }

  /// No new exchanges, and the thread ends with the last one.
  func retire() { leave(for: .retiring) }

  /// Ends everything; returns once the thread has let go of every handle and socket.
  func close() async {
    leave(for: .closing)
    await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
      let hasEnded = state.withLock { state in
        if state.phase == .ended { return true }
        state.endWaiters.append(continuation)
        return false
      }
      if hasEnded { continuation.resume() }
    }
  }

  private func leave(for phase: Phase) {
    state.withLock { state in
      switch (state.phase, phase) {
      case (.unstarted, _): state.phase = .ended
      case (.running, _), (.retiring, .closing):
        state.phase = phase
        if let multi = state.multi { ht_multi_wakeup(multi.pointer) }
      default: break
      }
    }
  }

  private static func append(_ command: Command, to state: inout State) {
    state.commands.append(command)
    // The thread takes all of them at once, so one wake-up serves until it has.
    if state.commands.count == 1, let multi = state.multi { ht_multi_wakeup(multi.pointer) }
  }

  // MARK: The thread's side

  /// Takes what was posted into an empty array.
  func take(into commands: inout [Command]) -> Phase {
    state.withLock { state in
      swap(&commands, &state.commands)
      return state.phase
    }
  }

  /// Puts a new multi handle in the place of the old one, which nobody names any more afterwards.
  func replaceMulti(with handle: Handle) { state.withLock { $0.multi = handle } }

  /// The thread has let go of everything but the multi handle.
  func end() {
    let (multi, commands, waiters) = state.withLock { state in
      state.phase = .ended
      let commands = state.commands
      state.commands = []
      let waiters = state.endWaiters
      state.endWaiters = []
      return (state.multi.take(), commands, waiters)
    }
    if let multi { ht_multi_free(multi.pointer) }
    for case .start(let exchange) in commands {
      exchange.end(with: exchange.error(.closed, "the transport has been shut down", sent: false))
      exchange.wake()
    }
    for waiter in waiters { waiter.resume() }
  }

  static func makeMulti(_ configuration: CurlTransport.Configuration) -> Handle? {
    guard globalInit else { return nil }
    let limit = { (count: Int?) in count.map { max(1, $0) } ?? 0 }
    return ht_multi_new(
      limit(configuration.maximumConnections), limit(configuration.maximumConnectionsPerHost),
      max(1, configuration.maximumIdleConnections)
    ).map { Handle(pointer: $0) }
  }

  /// libcurl is prepared once a process, and stays so.
  private static let globalInit = ht_global_init()
}
