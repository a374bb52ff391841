/// Takes runs for this worker, and tells what is left to do about those that it cannot have.
struct Claimer: Sendable {
  /// What is to be done about a message.
  enum Decision: Sendable {
    /// The run is ours: have the engine do it.
    case work(LedgerEntry)
    /// It has ended: tell so, if need be, and complete.
    case announce(LedgerEntry)
    /// It has failed for good after tries that might have gone well: tell so and keep the letter.
    case exhausted(LedgerEntry)
    /// Another message carries the run: this one is surplus.
    case surplus(LedgerEntry)

    /// The run that it is about.
    var entry: LedgerEntry {
      switch self {
      case .work(let entry), .announce(let entry), .exhausted(let entry), .surplus(let entry): entry
      }
    }
  }

  let ledger: any TaskLedger
  let store: any ObjectStore
  let configuration: WorkerConfiguration
  let clocks: Clocks
  let metrics: WorkerMetrics

  /// Claims the run that a message asks for.
  func claim(_ task: ReceivedTask, lease: Lease) async throws -> Decision {
    var draft = TaskRecord(
      task.request, run: task.ticket?.run ?? 1, submission: task.submission,
      digest: TaskMessage.digest(task.request.payload), at: task.ticket?.createdAt ?? lease.sentAt ?? clocks.timestamp)
    draft.runtime = configuration.runtime ?? draft.runtime
    draft.traceID = TraceContext(attributes: task.attributes)?.traceID.description
    if let ticket = task.ticket, !task.isRedriven {
      // The door's record is known but for its nonce: claimed without being read, and judged anew if it has changed.
      let entry = LedgerEntry(record: draft, request: task.body, revision: ticket.revision)
      do { return try await judge(entry, lease: lease) } catch let error as SDError where error.code == .notFound {
        return try await restore(draft, request: task.body, lease: lease)
      }
    }
    var claimed = draft
    take(&claimed, lease: lease)
    let opened = try await RunOpener(ledger).open(
      claimed, reuse: task.isRedriven ? .always : .nextRun, optimistic: true
    ) { record in
      var record = record
      if let expiry = record.options.expiresAt, expiry <= clocks.timestamp { release(&record) }
      return try await ledger.create(record, request: task.body)
    }
    switch opened {
    case .created(let entry) where entry.record.claim != nil: return .work(entry)
    case .created(let entry), .repeated(let entry), .joined(let entry), .taken(let entry):
      return try await judge(entry, lease: lease)
    }
  }

  /// Makes a record that the ledger has lost, as its run's only witness tells.
  private func restore(_ draft: TaskRecord, request: [UInt8], lease: Lease) async throws -> Decision {
    var draft = draft
    draft.nonce = RandomName.make()
    switch try await ledger.create(draft, request: request) {
    case .written(let entry), .refused(let entry): return try await judge(entry, lease: lease)
    }
  }

  /// What is to be done about a record, written into it.
  private func judge(_ entry: LedgerEntry, lease: Lease) async throws -> Decision {
    var decision = Decision.surplus(entry)
    let outcome = try await RecordWriter(ledger).apply(to: entry) { record in
      if record.state.isTerminal {
        // The letter of a failure is kept although whoever wrote the failure did not live to do it.
        let isLetter = record.state == .failed && record.claim?.messageID == lease.messageID
        decision = isLetter && record.error?.leavesLetter == true ? .exhausted(entry) : .announce(entry)
        return false
      }
      if record.state == .running, let claim = record.claim, claim.messageID != lease.messageID, isAlive(claim) {
        decision = .surplus(entry)
        return false
      }
      decision = .announce(entry)
      if record.cancelRequested {
        end(&record, .cancelled, TaskError(.cancelled, .prepare, "the task was cancelled"))
      } else if record.state(at: clocks.timestamp) == .expired {
        end(&record, .expired, TaskError(.expired, .receive, "the task was not begun before its time ran out"))
      } else if record.attempts >= configuration.maximumAttempts {
        decision = .exhausted(entry)
        let last = record.error.map { ", the last time: \($0.message)" } ?? ""
        end(
          &record, .failed,
          TaskError(.attemptsExhausted, .receive, "the task was begun \(record.attempts) times and never ended\(last)"))
      } else {
        decision = .work(entry)
        take(&record, lease: lease)
      }
      return true
    }
    if case .written(let entry) = outcome, entry.record.state.isTerminal { metrics.ended(entry.record) }
    return switch decision {
    case .work: .work(outcome.entry)
    case .announce: .announce(outcome.entry)
    case .exhausted: .exhausted(outcome.entry)
    case .surplus: .surplus(outcome.entry)
    }
  }

  /// Whether a claim's holder may still work on its run. A message is surplus to no other: a run whose own message is gone
  /// would never end.
  private func isAlive(_ claim: Claim) -> Bool {
    // It may have waited for the engine as long as it may have it, and storing takes minutes at most.
    clocks.timestamp - claim.at < configuration.inferenceTimeout * 2 + .seconds(600)
  }

  /// Writes a claim into a record. It counts nothing: attempts are engine starts.
  private func take(_ record: inout TaskRecord, lease: Lease) {
    let now = clocks.timestamp
    record.claim = Claim(
      token: RandomName.make(), epoch: (record.claim?.epoch ?? 0) + 1, worker: configuration.name,
      messageID: lease.messageID, at: now)
    record.state = .running
    record.runtime = configuration.runtime ?? record.runtime
    record.startedAt = now
    record.timings = [:]
  }

  /// Takes a claim off a record that no engine was started for.
  private func release(_ record: inout TaskRecord) {
    record.state = .queued
    record.claim = nil
    record.startedAt = nil
  }

  /// Ends a record without an engine.
  private func end(_ record: inout TaskRecord, _ state: TaskState, _ error: TaskError) {
    record.end(state, error: error, at: clocks.timestamp)
    record.notice = Notices(record, store: store).end(nil)
  }
}

extension TaskError {
  /// Whether a task that ended so is kept as a letter: another try might have gone well.
  var leavesLetter: Bool { retryable || code == .attemptsExhausted }
}

extension TaskRecord {
  /// Ends it.
  mutating func end(_ state: TaskState, error: TaskError?, at time: Timestamp) {
    self.state = state
    self.error = error
    finishedAt = time
    cancelRequested = cancelRequested && state == .cancelled
  }
}

/// A run that this worker has claimed, and what it knows of the record.
actor ClaimedRun {
  /// What a look at the record can find.
  enum Standing: Sendable {
    case ours
    /// The client wants it stopped.
    case cancelled
    /// Another worker has taken it over, or it has ended without us.
    case superseded
  }

  private let ledger: any TaskLedger
  private let clocks: Clocks
  /// The record as last seen or written by us.
  private(set) var entry: LedgerEntry
  private var seenAt: MonotonicInstant
  /// Engine starts so far, and whether the ledger does not know of the last one yet.
  private var attempts: Int
  private var startIsUntold = false
  /// The claim under which we work.
  nonisolated let claim: Claim
  nonisolated let key: RunKey

  init?(_ entry: LedgerEntry, ledger: any TaskLedger, clocks: Clocks) {
    guard let claim = entry.record.claim else { return nil }
    (self.ledger, self.clocks, self.entry, self.claim) = (ledger, clocks, entry, claim)
    key = entry.record.key
    attempts = entry.record.attempts
    seenAt = clocks.instant
  }

  /// The engine is about to be started. That is counted here, and told by the next look or write, whichever comes first.
  func begin() {
    attempts += 1
    entry.record.attempts = attempts
    startIsUntold = true
  }

  /// How the run stands; what was seen less than `age` ago is not looked at again. A look that has a start to tell is a
  /// write, which sees as much.
  func standing(notOlderThan age: Duration) async throws -> Standing {
    if seenAt.duration(to: clocks.instant) > age {
      if startIsUntold, standing != .superseded {
        _ = try await write { _ in }
        return standing
      }
      let instant = clocks.instant
      switch try await ledger.read(key, unlessAt: entry.revision) {
      case .entry(let entry): self.entry = entry
      case .unchanged: break
      case .absent: return .superseded
      }
      seenAt = instant
    }
    return standing
  }

  private var standing: Standing {
    if entry.record.state.isTerminal || entry.record.claim?.token != claim.token { return .superseded }
    return entry.record.cancelRequested ? .cancelled : .ours
  }

  /// Changes the record as long as it is ours. The change sees whether a cancellation has been asked for.
  func write(_ change: @Sendable (inout TaskRecord) -> Void) async throws -> RecordWriter.Outcome {
    let (token, attempts) = (claim.token, attempts)
    let outcome = try await RecordWriter(ledger).apply(to: entry) { record in
      guard record.claim?.token == token, !record.state.isTerminal else { return false }
      record.attempts = attempts
      change(&record)
      return true
    }
    entry = outcome.entry
    startIsUntold = false
    seenAt = clocks.instant
    return outcome
  }
}
