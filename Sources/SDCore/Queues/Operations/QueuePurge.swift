/// Empties a queue, and cancels the tasks that waited in it: their records would say `queued` for ever.
///
/// Messages are removed a receive at a time, each after its task's record was written: what is cut short leaves messages of
/// cancelled tasks at most, which workers remove when they meet them. A message in a worker's hands is removed, and its task
/// left to that worker.
package struct QueuePurge: Sendable {
  /// What was done.
  package struct Result: Sendable, Hashable {
    /// Messages that were removed; `nil` where the queue does not tell.
    package var removed: Int?
    /// Runs that were cancelled.
    package var cancelled = 0

    package init(removed: Int? = nil) { self.removed = removed }
  }

  private let queue: any OperableQueue
  private let ledger: any TaskLedger
  private let closer: RunCloser
  private let clocks: Clocks

  /// Delayed messages whose tasks are looked for, where the queue shows such.
  private static let mostDelayed = 1000

  package init(of queue: any OperableQueue, ledger: any TaskLedger, closer: RunCloser, clocks: Clocks) {
    (self.queue, self.ledger, self.closer, self.clocks) = (queue, ledger, closer, clocks)
  }

  /// Throws `.unavailable` when there are more messages than can be gone through in one run; those that were are done with.
  package func run() async throws -> Result {
    var result = Result()
    var seen = 0
    let isWhole = try await QueueWalk(queue, clocks: clocks).go(max: .max) { leases in
      for lease in leases { try await cancel(QueuedMessage(lease), &result) }
      _ = try await queue.complete(leases)
      seen += leases.count
      return .init(kept: [])
    }
    guard isWhole else {
      throw SDError(
        .unavailable, "purging queue \(queue.name): \(seen) messages are removed and there are more; purge it again")
    }
    for message in try await queue.peek(max: Self.mostDelayed) where message.standing == .delayed {
      try await cancel(message, &result)
    }
    result.removed = try await queue.purge().map { $0 + seen }
    return result
  }

  private func cancel(_ message: QueuedMessage, _ result: inout Result) async throws {
    guard let entry = try await entry(of: message), try await closer.withdraw(entry) != nil else { return }
    result.cancelled += 1
  }

  /// The run that a message stands for; `nil` where nobody has recorded one, or where it is no task.
  private func entry(of message: QueuedMessage) async throws -> LedgerEntry? {
    let opened = NotificationEnvelope.open(message.body, attributes: message.attributes)
    let ticket = SubmissionTicket(opened.attributes)
    guard let key = try? TaskMessage.decode(opened.body, tenant: ticket?.tenant ?? "").key else { return nil }
    if let submission = Redrive.submission(opened.attributes, messageID: message.id) {
      return try await ledger.find(key, submission: submission)
    }
    if let ticket { return try await ledger.read(RunKey(key, run: ticket.run)) }
    return try await ledger.find(key, submission: opened.messageID ?? message.id)
  }
}
