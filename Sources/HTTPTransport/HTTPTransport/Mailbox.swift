internal import CHTTPTransport
internal import Synchronization

/// What the transport's thread is told, and the only way to tell it.
final class Mailbox: Sendable {
  enum Command: Sendable {
    case start(Exchange)
    case cancel(Exchange)
    case resumeReceiving(Exchange)
    case resumeSending(Exchange)
    case run(UnownedJob)
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

  private struct State {
    var phase = Phase.unstarted
    var commands: [Command] = []
    var bell: Bell?
    /// Whether the thread waits, or is about to, and nobody has woken it yet.
    var isWaiting = false
    var endWaiters: [UnsafeContinuation<Void, Never>] = []

    /// Adds a command, and gives the bell if it must be rung: a thread that is awake looks by itself before it waits.
    mutating func append(_ command: Command) -> Bell? {
      commands.append(command)
      guard isWaiting else { return nil }
      isWaiting = false
      return bell
    }
  }

  private let state = Mutex(State())
  private let configuration: CurlTransport.Configuration

  init(_ configuration: CurlTransport.Configuration) { self.configuration = configuration }

  /// Asks for an exchange; starts the thread with the first one.
  func start(_ exchange: Exchange) throws(TransportError) {
    let result: Result<Bell?, TransportError> = state.withLock { state in
      switch state.phase {
      case .unstarted:
        guard startThread(&state) else {
          return .failure(exchange.error(.connectionFailed, "the transport's thread cannot be started", sent: false))
        }
      case .running: break
      case .retiring, .closing, .ended:
        return .failure(exchange.error(.closed, "the transport has been shut down", sent: false))
      }
      return .success(state.append(.start(exchange)))
    }
    // Outside the lock, which the woken thread takes first of all.
    try result.get()?.ring()
  }

  func post(_ command: Command) {
    let bell = state.withLock { state -> Bell? in
      switch state.phase {
      case .running, .retiring: state.append(command)
      case .unstarted, .closing, .ended: nil
      }
    }
    bell?.ring()
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
    let bell = state.withLock { state -> Bell? in
      switch (state.phase, phase) {
      case (.unstarted, _): state.phase = .ended
      case (.running, _), (.retiring, .closing):
        state.phase = phase
        return state.bell
      default: break
      }
      return nil
    }
    bell?.ring()
  }

  private func startThread(_ state: inout State) -> Bool {
    guard let bell = Bell(), let multi = TransportLoop.makeMulti(configuration) else { return false }
    // The thread owns the loop, the loop the mailbox; both are let go where the thread ends.
    let loop = Unmanaged.passRetained(
      TransportLoop(mailbox: self, bell: bell, multi: multi, configuration: configuration))
    guard ht_thread_start("http-transport", { TransportLoop.runThread($0) }, loop.toOpaque()) else {
      loop.release()
      ht_multi_free(multi)
      return false
    }
    (state.bell, state.phase) = (bell, .running)
    return true
  }

  // MARK: The thread's side

  /// Takes what was posted into an empty array.
  func take(into commands: inout [Command]) -> Phase {
    state.withLock { state in
      state.isWaiting = false
      swap(&commands, &state.commands)
      return state.phase
    }
  }

  /// Whether nothing has been posted since, so that the thread may wait for the bell.
  func mayWait() -> Bool {
    state.withLock { state in
      state.isWaiting = state.commands.isEmpty
      return state.isWaiting
    }
  }

  /// The thread has let go of every handle.
  func end() {
    let (commands, waiters) = state.withLock { state in
      state.phase = .ended
      state.bell = nil
      let rest = (state.commands, state.endWaiters)
      (state.commands, state.endWaiters) = ([], [])
      return rest
    }
    for command in commands {
      switch command {
      case .start(let exchange):
        exchange.end(with: exchange.error(.closed, "the transport has been shut down", sent: false))
        exchange.wake()
      case .run(let job): runElsewhere(job)
      case .cancel, .resumeReceiving, .resumeSending: break
      }
    }
    for waiter in waiters { waiter.resume() }
  }
}

// MARK: - Tasks on the transport's thread

extension Mailbox: TaskExecutor {
  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let (isTaken, bell) = state.withLock { state -> (Bool, Bell?) in
      switch state.phase {
      case .unstarted: guard startThread(&state) else { return (false, nil) }
      case .running, .retiring: break
      case .closing, .ended: return (false, nil)
      }
      return (true, state.append(.run(job)))
    }
    bell?.ring()
    if !isTaken { runElsewhere(job) }
  }

  /// A job must run, also when there is no thread of ours.
  private func runElsewhere(_ job: UnownedJob) { globalConcurrentExecutor.enqueue(job) }
}
