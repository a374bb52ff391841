internal import Dispatch
internal import Synchronization

/// Holds a ``ScriptedHTTPServer``'s answers back until a test opens it.
public final class ServerGate: Sendable {
  private struct State {
    var isOpen = false
    var waiters: [DispatchSemaphore] = []
  }

  private let state = Mutex(State())

  /// A closed gate.
  public init() {}

  /// How many connections wait at it.
  public var waiting: Int { state.withLock { $0.isOpen ? 0 : $0.waiters.count } }

  /// Lets all through, now and from now on.
  public func open() {
    let waiters = state.withLock { state in
      state.isOpen = true
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.signal() }
  }

  /// Blocks the thread until the gate is open; false if `isGivenUp` turns true before.
  func pass(unless isGivenUp: () -> Bool) -> Bool {
    let semaphore = DispatchSemaphore(value: 0)
    let isOpen = state.withLock { state in
      if !state.isOpen { state.waiters.append(semaphore) }
      return state.isOpen
    }
    if isOpen { return true }
    while semaphore.wait(timeout: .now() + .milliseconds(20)) == .timedOut { if isGivenUp() { return false } }
    return true
  }
}
