package import Logging

/// Ends runs that no worker is at, and tells of their ends.
package struct RunCloser: Sendable {
  private let ledger: any TaskLedger
  private let store: any ObjectStore
  private let announcer: Announcer
  private let clocks: Clocks
  private let logger: Logger

  package init(
    ledger: any TaskLedger, store: any ObjectStore, events: any EventTopic, clocks: Clocks, logger: Logger
  ) {
    (self.ledger, self.store) = (ledger, store)
    announcer = Announcer(store: store, events: events)
    (self.clocks, self.logger) = (clocks, logger)
  }

  /// Cancels a run: one that has not begun ends at once, a running one is asked to.
  ///
  /// Answers how it then stands; `nil` where it had ended.
  package func cancel(_ entry: LedgerEntry) async throws -> LedgerEntry? {
    let now = clocks.timestamp
    let outcome = try await RecordWriter(ledger).apply(to: entry) { record in
      switch record.state(at: now) {
      case .queued: end(&record, as: .cancelled, TaskError(.cancelled, .receive, "cancelled before it began"))
      case .running where !record.cancelRequested: record.cancelRequested = true
      case .running, .succeeded, .failed, .cancelled, .expired: return false
      }
      return true
    }
    switch (outcome, outcome.entry.record.state(at: now)) {
    case (.written, .cancelled): return await announced(outcome.entry)
    case (_, .running): return outcome.entry
    default: return nil
    }
  }

  /// Cancels a run whose message is taken out of its queue: nobody will begin it, or go on with it.
  ///
  /// Answers how it then stands; `nil` where it had ended.
  package func withdraw(_ entry: LedgerEntry) async throws -> LedgerEntry? {
    let outcome = try await RecordWriter(ledger).apply(to: entry) { record in
      guard !record.state.isTerminal else { return false }
      end(&record, as: .cancelled, TaskError(.cancelled, .receive, "its message was removed from the queue"))
      return true
    }
    guard case .written(let written) = outcome else { return nil }
    return await announced(written)
  }

  /// A run as it stands after its time has come: whoever touches an expired one writes and announces it.
  package func settled(_ entry: LedgerEntry) async throws -> LedgerEntry {
    let now = clocks.timestamp
    guard entry.record.state == .queued, entry.record.state(at: now) == .expired else { return entry }
    let outcome = try await RecordWriter(ledger).apply(to: entry) { record in
      guard record.state == .queued, record.state(at: now) == .expired else { return false }
      end(&record, as: .expired, TaskError(.expired, .receive, "its time passed before it began"))
      return true
    }
    guard case .written(let written) = outcome else { return outcome.entry }
    return await announced(written)
  }

  /// Fails a run whose message was found damaged; `nil` where somebody has begun it all the same.
  package func failStranded(_ entry: LedgerEntry) async throws -> LedgerEntry? {
    let outcome = try await RecordWriter(ledger).apply(to: entry) { record in
      guard record.state == .queued, record.claim == nil else { return false }
      let what = "its message was damaged in the queue; submit it again"
      end(&record, as: .failed, TaskError(.internal, .receive, what))
      return true
    }
    guard case .written(let written) = outcome else { return nil }
    return await announced(written)
  }

  /// Fails a run that nobody will begin any more; one that has ended is only announced, if need be.
  package func fail(_ entry: LedgerEntry, _ error: TaskError) async throws -> LedgerEntry {
    let outcome = try await RecordWriter(ledger).apply(to: entry) { record in
      guard !record.state.isTerminal else { return false }
      end(&record, as: .failed, error)
      return true
    }
    return await announced(outcome.entry)
  }

  private func end(_ record: inout TaskRecord, as state: TaskState, _ error: TaskError) {
    record.end(state, error: error, at: clocks.timestamp)
    record.notice = Notices(record, store: store).end(nil)
  }

  /// Announces an end that is written.
  ///
  /// One that does not get through is left to the worker, which finds the ended record when its message comes.
  private func announced(_ entry: LedgerEntry) async -> LedgerEntry {
    guard !entry.record.announced else { return entry }
    do {
      try await announcer.announce(entry.record)
      return try await RecordWriter(ledger).apply(to: entry) { record in
        guard !record.announced else { return false }
        record.announced = true
        return true
      }.entry
    } catch {
      logger.warning(
        "the end of a task is not announced yet", metadata: ["task": "\(entry.record.key)", "error": "\(error)"])
      return entry
    }
  }
}
