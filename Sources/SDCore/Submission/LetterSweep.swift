package import Logging

/// Closes the runs of letters that a queue moved by itself, past its own count of receives: nobody else would.
///
/// Such a letter bears no reason. Its run is failed and announced, and the letter put back with the reason, so that it is
/// swept once. Letters that bear one are left as they are.
package struct LetterSweep: Sendable {
  private let ledger: any TaskLedger
  private let closer: RunCloser
  private let clocks: Clocks
  private let logger: Logger

  /// Letters that one sweep looks at.
  private static let most = 1000
  /// SQS takes as many attributes with a message.
  private static let maximumAttributes = 10

  package init(ledger: any TaskLedger, closer: RunCloser, clocks: Clocks, logger: Logger) {
    (self.ledger, self.closer, self.clocks, self.logger) = (ledger, closer, clocks, logger)
  }

  /// Looks through the letters of a queue once; answers how many runs were closed.
  ///
  /// What is seen is leased meanwhile, and due again at the end.
  package func sweep(_ letters: any MessageQueue) async throws -> Int {
    var closed = 0
    // Looked at again soon: what one sweep does not see the next one does.
    try await QueueWalk(letters, clocks: clocks, wait: .zero).go(max: Self.most) { leases in
      var kept: [Lease] = []
      for lease in leases {
        if await close(lease, in: letters) { closed += 1 } else { kept.append(lease) }
      }
      return .init(kept: kept, isLast: Task.isCancelled)
    }
    logger.debug("swept", metadata: ["queue": "\(letters.name)", "closed": "\(closed)"])
    return closed
  }

  /// Closes the run of one letter; `false` for a letter that is to be left.
  private func close(_ lease: Lease, in letters: any MessageQueue) async -> Bool {
    let opened = NotificationEnvelope.open(lease.body, attributes: lease.attributes)
    guard DeadLetterReason(opened.attributes) == nil else { return false }
    do {
      let reason = try await reason(for: lease)
      var letter = OutgoingMessage(body: lease.body, attributes: lease.attributes, groupID: lease.groupID)
      letter.attributes.merge(reason.attributes) { _, new in new }
      letter.attributes[DeadLetterReason.messageIDAttribute] = .string(lease.messageID)
      if letter.attributes.count > Self.maximumAttributes { letter.attributes[TraceHeader.tracestate] = nil }
      if letters.capabilities.abilities.contains(.deduplication) { letter.deduplicationID = "swept-" + lease.messageID }
      try await letters.send(letter)
      _ = try await letters.complete([lease])
      return true
    } catch {
      logger.warning(
        "a letter could not be swept",
        metadata: ["queue": "\(letters.name)", "message": "\(lease.messageID)", "error": "\(error)"])
      return false
    }
  }

  /// Why a letter is one, once its run is closed.
  private func reason(for lease: Lease) async throws -> DeadLetterReason {
    let task: ReceivedTask
    do { task = try await ReceivedTask(lease, ledger: ledger) } catch let problem as RequestProblem {
      return DeadLetterReason(code: "poison", message: problem.description)
    }
    let error = TaskError(
      .attemptsExhausted, .receive, "the task was handed out \(lease.receiveCount) times or more and never ended")
    let entry = try await closer.fail(try await entry(of: task), error)
    let told = entry.record.error ?? error
    return DeadLetterReason(code: told.code.rawValue, message: told.message)
  }

  /// The run of a letter; one that nobody ever began gets a record here.
  private func entry(of task: ReceivedTask) async throws -> LedgerEntry {
    if let ticket = task.ticket, let entry = try await ledger.read(RunKey(task.request.key, run: ticket.run)) {
      return entry
    }
    var draft = TaskRecord(
      task.request, run: 1, submission: task.submission, digest: TaskMessage.digest(task.request.payload),
      at: clocks.timestamp)
    draft.traceID = TraceContext(attributes: task.attributes)?.traceID.description
    let opened = try await RunOpener(ledger).open(draft, reuse: .nextRun, optimistic: false) { record in
      try await ledger.create(record, request: task.body)
    }
    switch opened {
    case .created(let entry), .repeated(let entry), .joined(let entry), .taken(let entry): return entry
    }
  }
}
