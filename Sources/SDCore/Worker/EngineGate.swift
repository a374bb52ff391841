import Synchronization

/// The engine's one place: who may use it, in order, and when it is likely to be free.
final class EngineGate: Sendable {
  private struct Waiter {
    var id: UInt64
    var continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var isTaken = false
    var takenAt: MonotonicInstant?
    var waiters: [Waiter] = []
    /// Tasks that were received and have not had the engine yet.
    var ahead = 0
    var nextID: UInt64 = 0
    var typicalRun: Duration?
    var typicalPreparation = Duration.zero
    var changes: [UInt64: CheckedContinuation<Void, Never>] = [:]
    /// Counts changes, so that one between a look and a wait is not missed.
    var mark: UInt64 = 0

    mutating func takeChanges() -> [CheckedContinuation<Void, Never>] {
      mark += 1
      defer { changes = [:] }
      return Array(changes.values)
    }
  }

  private let clocks: Clocks
  private let metrics: WorkerMetrics
  private let state = Mutex(State())

  init(clocks: Clocks, metrics: WorkerMetrics) { (self.clocks, self.metrics) = (clocks, metrics) }

  // MARK: The place

  /// Waits for the engine. Throws `CancellationError` when cancelled first.
  func take() async throws {
    let id = newID()
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let immediate: Result<Void, any Error>? = state.withLock {
          if Task.isCancelled { return .failure(CancellationError()) }
          guard $0.isTaken || !$0.waiters.isEmpty else {
            $0.isTaken = true
            $0.takenAt = clocks.instant
            return .success(())
          }
          $0.waiters.append(Waiter(id: id, continuation: continuation))
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

  /// Gives the engine to the next, `ran` being how long it was worked, where that says something.
  func giveUp(ran: Duration?) {
    let (next, changed) = state.withLock { state in
      if let since = state.takenAt { metrics.engineWorked(since.duration(to: clocks.instant)) }
      if let ran {
        // Leaning to the newest: a campaign's tasks are alike, and the next campaign's are not.
        state.typicalRun = state.typicalRun.map { ($0 + ran * 3) / 4 } ?? ran
      }
      let next = state.waiters.isEmpty ? nil : state.waiters.removeFirst()
      state.isTaken = next != nil
      state.takenAt = next == nil ? nil : clocks.instant
      return (next, state.takeChanges())
    }
    next?.continuation.resume()
    for change in changed { change.resume() }
  }

  // MARK: Looking ahead

  /// A task was received.
  func arrive() { state.withLock { $0.ahead += 1 } }

  /// A task got the engine, or ended without; `prepared` is how long it took from its receive until it was ready.
  func depart(prepared: Duration?) {
    let changed = state.withLock { state in
      state.ahead -= 1
      if let prepared {
        state.typicalPreparation =
          state.typicalPreparation == .zero ? prepared : (state.typicalPreparation + prepared) / 2
      }
      return state.takeChanges()
    }
    for change in changed { change.resume() }
  }

  /// Whether nothing is on the engine or on its way to it.
  var isIdle: Bool { state.withLock { !$0.isTaken && $0.ahead == 0 } }

  /// Whether what is on the engine and ahead of it will be done within the time that preparing one more takes, and a margin.
  func isSoonFree(margin: Duration) -> Bool {
    state.withLock { state in
      if !state.isTaken && state.ahead == 0 { return true }
      guard let run = state.typicalRun else { return false }
      let elapsed = state.takenAt.map { $0.duration(to: clocks.instant) } ?? .zero
      let remaining = state.isTaken ? max(run - elapsed, .zero) : .zero
      // One that takes far longer than usual says nothing about when it ends.
      if state.isTaken, elapsed > run * 3 + margin { return false }
      return remaining + run * state.ahead <= state.typicalPreparation + margin
    }
  }

  /// How many changes there have been: look, then wait for the next one after that.
  var mark: UInt64 { state.withLock { $0.mark } }

  /// Waits until something has changed since `mark`, at most for so long.
  func change(since mark: UInt64, atMost limit: Duration) async {
    let id = newID()
    await withTaskGroup(of: Void.self) { group in
      group.addTask { try? await self.clocks.sleep(for: limit) }
      group.addTask {
        await withTaskCancellationHandler {
          await withCheckedContinuation { continuation in
            let isOver = self.state.withLock {
              if Task.isCancelled || $0.mark != mark { return true }
              $0.changes[id] = continuation
              return false
            }
            if isOver { continuation.resume() }
          }
        } onCancel: {
          self.state.withLock { $0.changes.removeValue(forKey: id) }?.resume()
        }
      }
      await group.next()
      group.cancelAll()
    }
  }

  /// Wakes whoever waits for a change.
  func announceChange() {
    for change in state.withLock({ $0.takeChanges() }) { change.resume() }
  }

  private func newID() -> UInt64 {
    state.withLock {
      $0.nextID += 1
      return $0.nextID
    }
  }
}
