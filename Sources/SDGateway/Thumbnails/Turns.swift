import SDCore
import Synchronization

/// Turns at something that only so many may do at once; the others wait in order, and not too many of them.
final class Turns: Sendable {
  private struct Waiter {
    var id: UInt64
    var continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var left: Int
    var waiters: [Waiter] = []
    var nextID: UInt64 = 0
  }

  private let mostWaiting: Int
  private let state: Mutex<State>

  init(_ count: Int, mostWaiting: Int) {
    self.mostWaiting = mostWaiting
    state = Mutex(State(left: count))
  }

  /// How many wait.
  var waiting: Int { state.withLock { $0.waiters.count } }

  /// Waits for a turn, to be given back.
  ///
  /// Throws `.unavailable` when too many wait already, and `CancellationError`.
  func take() async throws {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let immediate: Result<Void, any Error>? = state.withLock { state in
          if Task.isCancelled { return .failure(CancellationError()) }
          if state.left > 0 {
            state.left -= 1
            return .success(())
          }
          guard state.waiters.count < mostWaiting else {
            return .failure(SDError(.unavailable, "too many wait for this already"))
          }
          state.waiters.append(Waiter(id: id, continuation: continuation))
          return nil
        }
        if let immediate { continuation.resume(with: immediate) }
      }
    } onCancel: {
      let waiter = state.withLock { state -> Waiter? in
        guard let position = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
        return state.waiters.remove(at: position)
      }
      waiter?.continuation.resume(throwing: CancellationError())
    }
  }

  /// Gives a turn back: to the first who waits.
  func give() {
    let next = state.withLock { state -> Waiter? in
      guard state.waiters.isEmpty else { return state.waiters.removeFirst() }
      state.left += 1
      return nil
    }
    next?.continuation.resume()
  }
}
