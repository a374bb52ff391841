import Synchronization

/// The memory that a worker's tasks take between them, and who waits for some of it.
///
/// What a task holds is only noted, since it is there. What a task is about to bring in waits until there is room for it;
/// the oldest task alone never waits. So one that needs more than the budget gets on as soon as those before it have ended,
/// and of tasks that hold something and wait for more, one always goes on.
final class MemoryBudget: Sendable {
  private struct Waiter {
    var id: UInt64
    var task: UInt64
    var bytes: Int
    var continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    /// Bytes by task; numbers rise with the time of receive.
    var tasks: [UInt64: Int] = [:]
    var total = 0
    var heaviest = 0
    var waiters: [Waiter] = []
    var nextID: UInt64 = 0

    mutating func set(_ task: UInt64, _ bytes: Int?) {
      total += (bytes ?? 0) - (tasks[task] ?? 0)
      tasks[task] = bytes
    }

    mutating func take(_ bytes: Int, for task: UInt64, of limit: Int) -> Bool {
      guard total + bytes <= limit || !tasks.keys.contains(where: { $0 < task }) else { return false }
      set(task, (tasks[task] ?? 0) + bytes)
      return true
    }

    /// Those who need wait no longer, the oldest task's first.
    mutating func admit(_ limit: Int) -> [Waiter] {
      var admitted: [Waiter] = []
      for waiter in waiters.sorted(by: { ($0.task, $0.id) < ($1.task, $1.id) })
      where take(waiter.bytes, for: waiter.task, of: limit) {
        admitted.append(waiter)
      }
      waiters.removeAll { waiter in admitted.contains { $0.id == waiter.id } }
      return admitted
    }
  }

  private let limit: Int
  private let state = Mutex(State())

  /// A budget of so many bytes.
  init(_ limit: Int) { self.limit = limit }

  /// Bytes held and reserved, and what the heaviest task so far has held.
  var load: (bytes: Int, heaviest: Int) { state.withLock { ($0.total, $0.heaviest) } }

  /// How many wait for room.
  var waiting: Int { state.withLock { $0.waiters.count } }

  /// A task holds so many bytes, in place of whatever it held or had reserved before.
  func weigh(_ task: UInt64, _ bytes: Int) {
    change {
      $0.set(task, bytes)
      $0.heaviest = max($0.heaviest, bytes)
    }
  }

  /// A task holds nothing any more, and never will.
  func leave(_ task: UInt64) { change { $0.set(task, nil) } }

  /// Takes so many bytes more for a task, once there is room for them. Throws `CancellationError` when cancelled first.
  func reserve(_ bytes: Int, for task: UInt64) async throws {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let immediate: Result<Void, any Error>? = state.withLock {
          if Task.isCancelled { return .failure(CancellationError()) }
          if $0.take(bytes, for: task, of: limit) { return .success(()) }
          $0.waiters.append(Waiter(id: id, task: task, bytes: bytes, continuation: continuation))
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

  /// Gives back so much of what a task reserved.
  func release(_ bytes: Int, of task: UInt64) {
    change { state in if let held = state.tasks[task] { state.set(task, held - bytes) } }
  }

  private func change(_ body: (inout State) -> Void) {
    let admitted = state.withLock { state in
      body(&state)
      return state.admit(limit)
    }
    for waiter in admitted { waiter.continuation.resume() }
  }
}
