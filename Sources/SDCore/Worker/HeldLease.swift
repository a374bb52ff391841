import Synchronization

/// A lease in the worker's hands: the one owner of its end.
///
/// It is extended by the `LeaseKeeper` from receive until it is ended; of several ends only the first is carried out. An
/// end of which nothing is known throws, and may be tried again.
final class HeldLease: Sendable {
  private struct State {
    var lease: Lease
    var isEnded = false
    var isLost = false
  }

  private let queue: any MessageQueue
  private let keeper: LeaseKeeper
  private let state: Mutex<State>
  /// When it ends however often it is extended.
  let end: MonotonicInstant

  init(_ lease: Lease, queue: any MessageQueue, keeper: LeaseKeeper) {
    self.queue = queue
    self.keeper = keeper
    state = Mutex(State(lease: lease))
    end = lease.deadline.advanced(by: max(.zero, queue.capabilities.maximumLease - keeper.visibility))
    keeper.hold(self)
  }

  /// The lease as it stands.
  var lease: Lease { state.withLock { $0.lease } }
  /// Whether it is known to be ours no longer.
  var isLost: Bool { state.withLock { $0.isLost } }

  /// Whether there is a dead-letter queue for it.
  var canBeDeadLettered: Bool { queue.capabilities.abilities.contains(.deadLetter) }

  /// The message is done.
  func complete() async throws -> LeaseOutcome { try await end { try await $0.complete([$1]) } }

  /// The message is due again after a delay.
  func abandon(after delay: Duration) async throws -> LeaseOutcome {
    try await end { try await $0.abandon([$1], after: delay) }
  }

  /// The message goes to the dead-letter queue.
  func deadLetter(_ reason: DeadLetterReason) async throws -> LeaseOutcome {
    try await end { try await $0.deadLetter([$1], reason: reason) }
  }

  /// Leaves the lease to run out: somebody else has the task.
  func letGo() {
    state.withLock { $0.isEnded = true }
    keeper.release(self)
  }

  /// Whether it is ours as far as can be known: a process that stood still longer than its lease finds that its time is
  /// over.
  func isOurs(at now: MonotonicInstant) -> Bool { state.withLock { !$0.isLost && $0.lease.deadline > now } }

  /// What extending it brought. A heartbeat that was under way when the lease was ended finds nothing to extend: that is
  /// no loss.
  func extended(_ outcome: LeaseOutcome, until deadline: MonotonicInstant) {
    switch outcome {
    case .done: state.withLock { $0.lease.deadline = deadline }
    case .lost: if !state.withLock({ $0.isEnded }) { lose() }
    case .unknown: break
    }
  }

  private func lose() {
    let lease: Lease? = state.withLock { state in
      defer { state.isLost = true }
      return state.isLost ? nil : state.lease
    }
    if let lease { keeper.lose(lease) }
  }

  /// The heartbeat goes on until the end is certain, so that a slow queue does not hand the message to another.
  private func end(
    _ call: (any MessageQueue, Lease) async throws -> [LeaseOutcome]
  ) async throws -> LeaseOutcome {
    let lease: Lease? = state.withLock {
      guard !$0.isEnded else { return nil }
      $0.isEnded = true
      return $0.lease
    }
    guard let lease else { return .done }
    do {
      let outcome = try await call(queue, lease).first ?? .unknown("the queue answered nothing")
      if case .unknown(let reason) = outcome {
        throw SDError(.unavailable, "ending the lease of \(lease.messageID) on queue \(queue.name): \(reason)")
      }
      keeper.release(self)
      if outcome == .lost { lose() }
      return outcome
    } catch {
      // As far as anyone knows it goes on: it may be ended again, and is kept alive until it is or until it is let go.
      state.withLock { $0.isEnded = false }
      throw error
    }
  }
}
