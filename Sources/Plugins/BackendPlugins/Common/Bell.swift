import SDCore
import Synchronization

/// Wakes a task that waits for news, which it would otherwise look for from time to time.
final class Bell: Sendable {
  private struct State {
    var hasRung = false
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  /// There are news.
  func ring() {
    let waiter = state.withLock { state in
      state.hasRung = state.waiter == nil
      return state.waiter.take()
    }
    waiter?.resume()
  }

  /// Waits for a ring, which may have been before, at most for so long. For one task at a time.
  func wait(atMost limit: Duration, _ clocks: Clocks) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await clocks.sleep(for: limit) }
      group.addTask { await self.untilRung() }
      defer { group.cancelAll() }
      try await group.next()
    }
    try Task.checkCancellation()
  }

  private func untilRung() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          if state.hasRung || Task.isCancelled {
            state.hasRung = false
            return true
          }
          state.waiter = continuation
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiter.take() }?.resume()
    }
  }
}
