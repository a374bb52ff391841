import Logging
import Synchronization

/// The heartbeat of every lease that the worker holds: one loop, batches, early retries.
final class LeaseKeeper: Sendable {
  private struct State {
    var held: [ObjectIdentifier: HeldLease] = [:]
    var visibility: Duration
  }

  private let queue: any MessageQueue
  private let clocks: Clocks
  private let logger: Logger
  private let metrics: WorkerMetrics
  private let state: Mutex<State>

  init(queue: any MessageQueue, visibility: Duration, clocks: Clocks, logger: Logger, metrics: WorkerMetrics) {
    self.queue = queue
    state = Mutex(State(visibility: visibility))
    self.clocks = clocks
    self.logger = logger
    self.metrics = metrics
  }

  /// How long leases run before they must be extended; leases that were taken for longer are made that short.
  var visibility: Duration {
    get { state.withLock { $0.visibility } }
    set { state.withLock { $0.visibility = newValue } }
  }

  func hold(_ lease: HeldLease) { state.withLock { $0.held[ObjectIdentifier(lease)] = lease } }
  func release(_ lease: HeldLease) { state.withLock { $0.held[ObjectIdentifier(lease)] = nil } }

  /// A lease was found to be ours no longer.
  func lose(_ lease: Lease) {
    metrics.leaseLost()
    logger.warning("a lease was lost", metadata: ["message": "\(lease.messageID)"])
  }

  /// Extends leases as they come due, until cancelled.
  ///
  /// A lease is extended when two thirds of it are left; looking six times per visibility leaves room for failures.
  func run() async {
    while !Task.isCancelled {
      do { try await clocks.sleep(for: visibility / 6) } catch { return }
      await extendDue()
    }
  }

  /// Extends those that are due, and shortens those that were taken before it was known how long leases run here: what a
  /// killed worker held is soon to be had again.
  func extendDue() async {
    let (now, visibility) = (clocks.instant, visibility)
    let (soon, longest) = (now.advanced(by: visibility * 2 / 3), now.advanced(by: visibility))
    var due = state.withLock { state in
      state.held.values.filter { !$0.isLost && ($0.lease.deadline <= soon || $0.lease.deadline > longest) }
    }
    // Queues refuse to extend a lease past its longest, so that one near that end gets what is left of it.
    let last = due.partition { longest > $0.end }
    for start in stride(from: 0, to: last, by: queue.capabilities.maximumBatch) {
      await extend(Array(due[start..<min(start + queue.capabilities.maximumBatch, last)]), by: visibility)
    }
    for lease in due[last...] { await extendToEnd(lease) }
  }

  /// Extends a lease by the whole seconds that it may still have, once; after those it is another's.
  private func extendToEnd(_ held: HeldLease) async {
    let (now, deadline) = (clocks.instant, held.lease.deadline)
    let rest = Duration.seconds(now.duration(to: held.end).seconds.rounded(.down))
    if rest > .zero, now.advanced(by: rest) > deadline {
      await extend([held], by: rest)
    } else if now >= deadline {
      held.extended(.lost, until: deadline)
    }
  }

  private func extend(_ batch: [HeldLease], by visibility: Duration) async {
    let deadline = clocks.instant.advanced(by: visibility)
    do {
      // A call that hangs must not cost the others their leases, nor this one its next try.
      let limit = self.visibility / 6
      let outcomes = try await limited(to: limit, "extending leases", clocks: clocks) { [queue] in
        try await queue.extend(batch.map(\.lease), visibility: visibility)
      }
      for (lease, outcome) in zip(batch, outcomes) {
        lease.extended(outcome, until: deadline)
      }
    } catch {
      logger.warning("leases could not be extended, trying again soon", metadata: ["error": "\(error)"])
    }
  }
}
