import Synchronization

/// The engine's one place: who may use it, in order, and when it is likely to be free.
final class EngineGate: Sendable {
  private struct Waiter {
    var id: UInt64
    var model: String?
    /// How many were let in before it although they came after it.
    var passed = 0
    var continuation: CheckedContinuation<Bool, any Error>
  }

  private struct State {
    var isTaken = false
    var isClosed = false
    var takenAt: MonotonicInstant?
    /// The model of whoever had the engine last.
    var model: String?
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
  private let prefersLoadedModel: Bool
  private let state = Mutex(State())
  /// The most that a task is passed over for others that need no other model.
  private static let patience = 4

  /// A place that is given in order of arrival; with `prefersLoadedModel` to those first who want the model that was used
  /// last.
  init(prefersLoadedModel: Bool = false, clocks: Clocks, metrics: WorkerMetrics) {
    (self.prefersLoadedModel, self.clocks, self.metrics) = (prefersLoadedModel, clocks, metrics)
  }

  /// How many wait for it.
  var waiting: Int { state.withLock { $0.waiters.count } }

  // MARK: The place

  /// Waits for the engine; `false` once nobody is let in any more. Throws `CancellationError` when cancelled first.
  func take(for model: String?, as id: UInt64? = nil) async throws -> Bool {
    let id = id ?? newID()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Bool, any Error>) in
        let immediate: Result<Bool, any Error>? = state.withLock {
          if Task.isCancelled { return .failure(CancellationError()) }
          if $0.isClosed { return .success(false) }
          guard $0.isTaken || !$0.waiters.isEmpty else {
            ($0.isTaken, $0.takenAt, $0.model) = (true, clocks.instant, model)
            return .success(true)
          }
          $0.waiters.append(Waiter(id: id, model: model, continuation: continuation))
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
      let next = takeNext(from: &state)
      state.isTaken = next != nil
      state.takenAt = next == nil ? nil : clocks.instant
      return (next, state.takeChanges())
    }
    next?.continuation.resume(returning: true)
    for change in changed { change.resume() }
  }

  /// Sends whoever waits under an id away; whoever has the engine by now keeps it.
  func withdraw(_ id: UInt64) {
    let waiter = state.withLock { state -> Waiter? in
      guard let position = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
      return state.waiters.remove(at: position)
    }
    waiter?.continuation.resume(returning: false)
  }

  /// Lets nobody in any more; those who wait are told.
  func close() {
    let (waiters, changed) = state.withLock { state in
      state.isClosed = true
      defer { state.waiters = [] }
      return (state.waiters, state.takeChanges())
    }
    for waiter in waiters { waiter.continuation.resume(returning: false) }
    for change in changed { change.resume() }
  }

  private func takeNext(from state: inout State) -> Waiter? {
    guard let first = state.waiters.first else { return nil }
    var position = 0
    if prefersLoadedModel, first.passed < Self.patience, let model = state.model {
      position = state.waiters.firstIndex { $0.model == model } ?? 0
    }
    for passed in 0..<position { state.waiters[passed].passed += 1 }
    let next = state.waiters.remove(at: position)
    state.model = next.model
    return next
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

  /// How many more tasks to take now, at most `limit` being ahead of the engine: those that it will be free for within the
  /// time that preparing one takes, and a margin.
  ///
  /// Short tasks are taken in handfuls, each time that half of those ahead are gone: each receive is a request. While
  /// nothing is known of how long tasks take, two are ahead, received one by one, so that others who wait for tasks get
  /// theirs; whoever waits in vain goes away again.
  func room(margin: Duration, limit: Int) -> Int {
    state.withLock { state in
      let elapsed = state.isTaken ? state.takenAt.map { $0.duration(to: clocks.instant) } ?? .zero : .zero
      guard let run = state.typicalRun else { return state.ahead < 2 && elapsed <= margin ? 1 : 0 }
      // One that takes far longer than usual says nothing about when it ends.
      guard state.ahead <= limit / 2, elapsed <= min(run * 3 + margin, run + margin * 3) else { return 0 }
      let remaining = state.isTaken ? max(run - elapsed, .zero) : .zero
      let horizon = state.typicalPreparation + margin
      var room = 0
      while state.ahead + room < limit, remaining + run * (state.ahead + room) <= horizon { room += 1 }
      return room
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

  /// An id to wait under.
  func newID() -> UInt64 {
    state.withLock {
      $0.nextID += 1
      return $0.nextID
    }
  }
}
