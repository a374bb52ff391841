import SDCore
import Synchronization

/// Lets many wait for news, without anyone asking again and again.
///
/// Whoever waits takes a ticket first and looks then: news that comes between look and wait ends the wait at once.
final class Wakeup: Sendable {
  private struct State {
    var count = 0
    var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    var gone: Set<Int> = []
    var lastID = 0
  }
  private let state = Mutex(State())

  /// How much news there has been.
  var ticket: Int { state.withLock { $0.count } }

  /// Wakes everyone.
  func announce() {
    let waiting = state.withLock { state in
      state.count += 1
      defer { state.waiting.removeAll() }
      return state.waiting
    }
    for continuation in waiting.values { continuation.resume() }
  }

  /// Waits until there is news since the ticket, or until the time; throws `CancellationError` when cancelled.
  func wait(after ticket: Int, until end: MonotonicInstant, _ clocks: Clocks) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await self.news(since: ticket) }
      group.addTask { try await clocks.monotonic.sleep(until: end, tolerance: nil) }
      defer { group.cancelAll() }
      try await group.next()
    }
    try Task.checkCancellation()
  }

  private func news(since ticket: Int) async {
    let id = state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          if state.count != ticket || state.gone.remove(id) != nil { return true }
          state.waiting[id] = continuation
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      let continuation = state.withLock { state in
        let continuation = state.waiting.removeValue(forKey: id)
        if continuation == nil { state.gone.insert(id) }
        return continuation
      }
      continuation?.resume()
    }
    _ = state.withLock { $0.gone.remove(id) }
  }
}
