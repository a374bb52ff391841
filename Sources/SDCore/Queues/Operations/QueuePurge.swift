/// Empties a queue, and cancels the tasks that waited in it: their records would say `queued` for ever.
///
/// Records are written first and messages removed then: what is cut short between leaves messages of cancelled tasks, which
/// workers remove when they meet them. A task that comes meanwhile loses its message and stays `queued`; submitting it again
/// publishes it again. A message in a worker's hands is removed, and its task left to that worker.
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

  /// Messages whose tasks are looked for; as many as a standard queue of SQS has in flight at the most.
  private static let most = 120_000

  package init(of queue: any OperableQueue, ledger: any TaskLedger, closer: RunCloser) {
    (self.queue, self.ledger, self.closer) = (queue, ledger, closer)
  }

  package func run() async throws -> Result {
    var result = Result()
    for message in try await queue.peek(max: Self.most) where message.standing != .inFlight {
      guard let entry = try await entry(of: message) else { continue }
      if try await closer.withdraw(entry) != nil { result.cancelled += 1 }
    }
    result.removed = try await queue.purge()
    return result
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
