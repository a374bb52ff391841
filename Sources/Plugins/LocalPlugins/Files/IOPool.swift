import Dispatch
import Synchronization

/// A few threads for calls that block, so that the cooperative pool never waits for a disk.
final class IOPool: Sendable {
  private struct State {
    var jobs: [@Sendable () -> Void] = []
    var running = 0
  }

  private let queue = DispatchQueue(label: "sd.files", attributes: .concurrent)
  private let width: Int
  private let state = Mutex(State())

  /// A pool of at most `width` threads, none while there is nothing to do.
  init(width: Int = 4) { self.width = width }

  /// Runs something that blocks and waits for it without blocking.
  func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      let job: @Sendable () -> Void = { continuation.resume(with: Result { try body() }) }
      let starts = state.withLock { state in
        state.jobs.append(job)
        guard state.running < width else { return false }
        state.running += 1
        return true
      }
      if starts { queue.async { self.work() } }
    }
  }

  private func work() {
    while true {
      let job: (@Sendable () -> Void)? = state.withLock { state in
        guard !state.jobs.isEmpty else {
          state.running -= 1
          return nil
        }
        return state.jobs.removeFirst()
      }
      guard let job else { return }
      job()
    }
  }
}
