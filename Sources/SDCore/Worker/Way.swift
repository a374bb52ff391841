import Synchronization

/// One task's way through the worker, from its receive: what it takes, of the engine and of memory, is given up once,
/// whatever happens.
final class Way: Sendable {
  private struct State {
    var receivedAt: MonotonicInstant
    var engineSince: MonotonicInstant?
    var hasBegun = false
    var departed = false
    var bytes: Int
  }

  private let gate: EngineGate
  private let tally: Tally
  private let clocks: Clocks
  private let request: Int
  private let ticket: UInt64
  private let state: Mutex<State>

  /// The way of a task whose request has so many bytes.
  init(request bytes: Int, gate: EngineGate, tally: Tally, clocks: Clocks) {
    (self.gate, self.tally, self.clocks, request) = (gate, tally, clocks, bytes)
    ticket = gate.newID()
    state = Mutex(State(receivedAt: clocks.instant, bytes: bytes))
    tally.weigh(bytes, of: bytes)
    gate.arrive()
  }

  /// Whether the engine was started on the task.
  var hasBegun: Bool { state.withLock { $0.hasBegun } }

  /// The engine is about to be started.
  func begin() { state.withLock { $0.hasBegun = true } }

  /// The task holds so many bytes besides its request now.
  func weigh(_ bytes: Int) { set(request + bytes) }

  private func set(_ bytes: Int) {
    tally.weigh(
      state.withLock { state in
        defer { state.bytes = bytes }
        return bytes - state.bytes
      }, of: bytes)
  }

  /// Waits for the engine; `false` once it is given to nobody any more.
  func takeEngine(for model: String?) async throws -> Bool {
    let readyAt = clocks.instant
    guard try await gate.take(for: model, as: ticket) else { return false }
    let prepared: Duration? = state.withLock {
      $0.engineSince = clocks.instant
      if $0.departed { return nil }
      $0.departed = true
      return $0.receivedAt.duration(to: readyAt)
    }
    gate.depart(prepared: prepared)
    return true
  }

  /// Waits no longer for the engine, unless it has it by now.
  func stopWaiting() { gate.withdraw(ticket) }

  /// The engine can take the next.
  func engineIsFree() {
    let ran: Duration? = state.withLock { state in
      defer { state.engineSince = nil }
      return state.engineSince?.duration(to: clocks.instant)
    }
    if let ran { gate.giveUp(ran: ran) }
  }

  /// The engine can take the next, for a reason that says nothing about how long tasks take.
  func leaveEngine() {
    let hadEngine = state.withLock { state in
      defer { state.engineSince = nil }
      return state.engineSince != nil
    }
    if hadEngine { gate.giveUp(ran: nil) }
  }

  /// The task is through, one way or another.
  func leave() {
    leaveEngine()
    let departed = state.withLock { state in
      defer { state.departed = true }
      return state.departed
    }
    if !departed { gate.depart(prepared: nil) }
    set(0)
  }
}
