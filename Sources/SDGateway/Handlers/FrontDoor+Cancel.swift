import HTTPTypes
import Logging
import SDCore

extension FrontDoor {
  /// `DELETE /v1/tasks/{id}`: a queued task ends at once, a running one is asked to, an ended one is past it.
  func cancel(_ id: String, _ request: GatewayRequest) async throws -> GatewayResponse {
    let entry = try await find(id, request)
    let now = services.clocks.timestamp
    let outcome = try await RecordWriter(services.ledger).apply(to: entry) { record in
      switch record.state(at: now) {
      case .queued:
        end(&record, as: .cancelled, TaskError(.cancelled, .receive, "cancelled before it began"), at: now)
      case .running where !record.cancelRequested: record.cancelRequested = true
      case .running, .succeeded, .failed, .cancelled, .expired: return false
      }
      return true
    }
    let record = outcome.entry.record
    switch (outcome, record.state(at: now)) {
    case (.written, .cancelled): return .json(.ok, view(await announced(outcome.entry).record).json)
    case (_, .running): return .json(.accepted, view(record).json)
    default: throw Problem(.conflict, "task \(id) has ended: it is \(view(record).state.rawValue)")
    }
  }

  /// A run as it stands after its time has come: whoever touches an expired one writes and announces it.
  func settled(_ entry: LedgerEntry) async throws -> LedgerEntry {
    let now = services.clocks.timestamp
    guard entry.record.state == .queued, entry.record.state(at: now) == .expired else { return entry }
    let outcome = try await RecordWriter(services.ledger).apply(to: entry) { record in
      guard record.state == .queued, record.state(at: now) == .expired else { return false }
      end(&record, as: .expired, TaskError(.expired, .receive, "its time passed before it began"), at: now)
      return true
    }
    guard case .written(let written) = outcome else { return outcome.entry }
    return await announced(written)
  }

  /// Ends a run that no worker has begun, its announcement included.
  private func end(_ record: inout TaskRecord, as state: TaskState, _ error: TaskError, at now: Timestamp) {
    record.state = state
    record.error = error
    record.finishedAt = now
    record.notice = Notices(record, store: services.store).end(nil)
  }

  /// Announces an end that is written.
  ///
  /// One that does not get through is left to the worker, which finds the ended record when its message comes.
  private func announced(_ entry: LedgerEntry) async -> LedgerEntry {
    do {
      try await Announcer(store: services.store, events: services.events).announce(entry.record)
      return try await RecordWriter(services.ledger).apply(to: entry) { record in
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
