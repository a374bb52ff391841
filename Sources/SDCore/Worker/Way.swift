import Synchronization

/// One task's way through the worker, from its receive: what it takes, of the engine and of memory, is given up once,
/// whatever happens.
final class Way: Sendable {
  private struct State {
    var receivedAt: MonotonicInstant
    var engineSince: MonotonicInstant?
    var hasBegun = false
    var departed = false
  }

  private let gate: EngineGate
  private let memory: MemoryBudget
  private let clocks: Clocks
  private let request: Int
  private let ticket: UInt64
  private let state: Mutex<State>

  /// The way of a task whose request has so many bytes.
  init(request bytes: Int, gate: EngineGate, memory: MemoryBudget, clocks: Clocks) {
    (self.gate, self.memory, self.clocks, request) = (gate, memory, clocks, bytes)
    ticket = gate.newID()
    state = Mutex(State(receivedAt: clocks.instant))
    memory.weigh(ticket, bytes)
    gate.arrive()
  }

  /// Whether the engine was started on the task.
  var hasBegun: Bool { state.withLock { $0.hasBegun } }

  /// The engine is about to be started.
  func begin() { state.withLock { $0.hasBegun = true } }

  /// The task holds so many bytes besides its request now, and nothing that it reserved.
  func weigh(_ bytes: Int) { memory.weigh(ticket, request + bytes) }

  /// Waits for room for so many bytes more.
  func reserve(_ bytes: Int) async throws { try await memory.reserve(bytes, for: ticket) }

  /// Gives back so much of what was reserved.
  func release(_ bytes: Int) { memory.release(bytes, of: ticket) }

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
    memory.leave(ticket)
  }
}
