import Synchronization

/// How a worker is being ended: not at all, gently since some time, or at once.
final class Drain: Sendable {
  private struct State {
    var deadline: MonotonicInstant?
    var actions: [UInt64: @Sendable () -> Void] = [:]
    var nextID: UInt64 = 0
  }

  private let clocks: Clocks
  private let grace: Duration
  private let state = Mutex(State())

  init(clocks: Clocks, grace: Duration) { (self.clocks, self.grace) = (clocks, grace) }

  /// Whether nothing new is to be begun.
  var isDraining: Bool { state.withLock { $0.deadline != nil } }
  /// When what runs must have ended.
  var deadline: MonotonicInstant? { state.withLock { $0.deadline } }

  /// Begins it; what waits for it is told.
  func begin() {
    let actions = state.withLock { state -> [@Sendable () -> Void] in
      guard state.deadline == nil else { return [] }
      state.deadline = clocks.instant.advanced(by: grace)
      defer { state.actions = [:] }
      return Array(state.actions.values)
    }
    for action in actions { action() }
  }

  /// Does something that is cancelled when draining begins, after `delay`; answers `nil` then.
  func interrupting<Value: Sendable>(
    after delay: Duration = .zero, _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value? {
    try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask { try await body() }
      group.addTask {
        await self.begun()
        try await self.clocks.sleep(for: delay)
        return nil
      }
      defer { group.cancelAll() }
      do { return try await group.next() ?? nil } catch is CancellationError where isDraining { return nil }
    }
  }

  /// Returns when draining has begun, or when cancelled.
  private func begun() async {
    let id: UInt64 = state.withLock {
      $0.nextID += 1
      return $0.nextID
    }
    let once = Once()
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        once.set(continuation)
        let isOver = state.withLock {
          if $0.deadline != nil || Task.isCancelled { return true }
          $0.actions[id] = { once.resume() }
          return false
        }
        if isOver { once.resume() }
      }
    } onCancel: {
      state.withLock { $0.actions[id] = nil }
      once.resume()
    }
  }
}

/// A continuation that several may resume, the first with effect.
private final class Once: Sendable {
  private enum State {
    case empty
    case waiting(CheckedContinuation<Void, Never>)
    case over
  }
  private let state = Mutex(State.empty)

  func set(_ continuation: CheckedContinuation<Void, Never>) {
    let isOver = state.withLock { state in
      if case .over = state { return true }
      state = .waiting(continuation)
      return false
    }
    if isOver { continuation.resume() }
  }

  func resume() {
    let continuation: CheckedContinuation<Void, Never>? = state.withLock { state in
      defer { state = .over }
      if case .waiting(let continuation) = state { return continuation }
      return nil
    }
    continuation?.resume()
  }
}
