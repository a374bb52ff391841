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
    let now = clocks.instant
    let due = state.withLock { state in
      let (soon, longest) = (now.advanced(by: state.visibility * 2 / 3), now.advanced(by: state.visibility))
      return state.held.values.filter { !$0.isLost && ($0.lease.deadline <= soon || $0.lease.deadline > longest) }
    }
    for start in stride(from: 0, to: due.count, by: queue.capabilities.maximumBatch) {
      await extend(Array(due[start..<min(start + queue.capabilities.maximumBatch, due.count)]))
    }
  }

  private func extend(_ batch: [HeldLease]) async {
    let deadline = clocks.instant.advanced(by: visibility)
    do {
      // A call that hangs must not cost the others their leases, nor this one its next try.
      let outcomes = try await limited(to: visibility / 6, "extending leases", clocks: clocks) { [queue, visibility] in
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
