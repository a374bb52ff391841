public import SDCore
import Synchronization

/// What is known of tasks, in memory: the reference for every other ledger.
///
/// A record and its publication on a topic of the same system are one step: both are there, or neither.
public final class MemoryTaskLedger: TaskLedger {
  private struct Task {
    var runs: [Int: LedgerEntry] = [:]
    var submissions: [ExactString: Int] = [:]
  }

  private struct Watched {
    var until: MonotonicInstant?
    var progress: TaskProgress?
  }

  private struct State {
    var tasks: [ExactKey: Task] = [:]
    var places: [ExactString: [LedgerPlace]] = [:]
    var watched: [ExactKey: [Int: Watched]] = [:]
    var writes = 0

    func entry(_ key: RunKey) -> LedgerEntry? { tasks[ExactKey(key.task)]?.runs[key.run] }

    mutating func newRevision() -> Revision {
      writes += 1
      return Revision(rawValue: "\(writes)")
    }
  }

  private let queues: MemoryQueues
  private var clocks: Clocks { queues.clocks }
  private let state = Mutex(State())

  init(queues: MemoryQueues) { self.queues = queues }

  public func create(_ record: TaskRecord, request: [UInt8]) async throws -> LedgerWrite {
    try create(record, request) { _ throws(SDError) in }
  }

  public func create(
    _ record: TaskRecord, request: [UInt8], publishing publication: @Sendable (Revision) -> Publication,
    on topic: any EventTopic
  ) async throws -> LedgerWrite {
    if let topic = topic as? MemoryTopic, topic.serves(queues) {
      return try create(record, request) { revision throws(SDError) in _ = try topic.deliver(publication(revision)) }
    }
    let write = try await create(record, request: request)
    if case .written(let entry) = write { try await topic.publish(publication(entry.revision)) }
    return write
  }

  /// Creates a record unless there is one, or unless what must happen with it fails.
  private func create(
    _ record: TaskRecord, _ request: [UInt8], together: (Revision) throws(SDError) -> Void
  ) throws(SDError) -> LedgerWrite {
    try state.withLock { state throws(SDError) in
      if let standing = state.entry(record.key) { return .refused(standing) }
      let entry = LedgerEntry(record: record, request: request, revision: state.newRevision())
      try together(entry.revision)
      let task = ExactKey(record.key.task)
      state.tasks[task, default: Task()].runs[record.key.run] = entry
      state.tasks[task]?.submissions[ExactString(record.submission)] = record.key.run
      let place = LedgerPlace(record)
      let places = state.places[ExactString(record.key.task.tenant), default: []]
      state.places[ExactString(record.key.task.tenant), default: []].insert(place, at: place.position(in: places))
      return .written(entry)
    }
  }

  public func update(_ entry: LedgerEntry) async throws -> LedgerWrite {
    try state.withLock { state throws(SDError) in
      let key = entry.record.key
      guard let standing = state.entry(key) else {
        throw SDError(.notFound, "update of \(key): there is no such record")
      }
      guard standing.revision == entry.revision else { return .refused(standing) }
      let written = LedgerEntry(record: entry.record, request: standing.request, revision: state.newRevision())
      state.tasks[ExactKey(key.task)]?.runs[key.run] = written
      return .written(written)
    }
  }

  public func read(_ key: RunKey, unlessAt known: Revision?) async throws -> LedgerReading {
    guard let entry = state.withLock({ $0.entry(key) }) else { return .absent }
    return entry.revision == known ? .unchanged : .entry(entry)
  }

  public func latest(_ task: TaskKey) async throws -> LedgerEntry? {
    state.withLock { state in
      let runs = state.tasks[ExactKey(task)]?.runs
      return runs?.keys.max().flatMap { runs?[$0] }
    }
  }

  public func find(_ task: TaskKey, submission: String) async throws -> LedgerEntry? {
    state.withLock { state in
      let task = state.tasks[ExactKey(task)]
      return task?.submissions[ExactString(submission)].flatMap { task?.runs[$0] }
    }
  }

  public func page(_ query: LedgerQuery) async throws -> LedgerPage {
    var start: LedgerPlace?
    if let cursor = query.cursor {
      guard let place = LedgerPlace(cursor: cursor) else {
        throw SDError(.invalid, "a page of the ledger: the cursor is none that it gave")
      }
      start = place
    }
    let limit = min(max(query.limit, 1), 1000)
    return state.withLock { state in
      let places = state.places[ExactString(query.tenant)] ?? []
      var records: [TaskRecord] = []
      var last: LedgerPlace?
      for place in places[(start.map { $0.position(after: places) } ?? 0)...] {
        let task = ExactKey(TaskKey(tenant: query.tenant, id: place.id))
        guard let record = state.tasks[task]?.runs[place.run]?.record, query.admits(record) else { continue }
        if records.count == limit { return LedgerPage(records: records, next: last?.cursor) }
        records.append(record)
        last = place
      }
      return LedgerPage(records: records, next: nil)
    }
  }

  public func overdue(at now: Timestamp, limit: Int) async throws -> [LedgerEntry] {
    state.withLock { state in
      let runs = state.tasks.values.lazy.flatMap(\.runs.values)
      return Array(runs.filter { $0.record.state == .queued && $0.record.state(at: now) == .expired }.prefix(limit))
    }
  }

  public func watch(_ key: RunKey, for duration: Duration) async throws {
    let until = clocks.instant.advanced(by: duration)
    note(key) { $0.until = max($0.until ?? until, until) }
  }

  public func isWatched(_ key: RunKey) async throws -> Bool {
    let until = state.withLock { $0.watched[ExactKey(key.task)]?[key.run]?.until }
    return until.map { clocks.instant < $0 } ?? false
  }

  public func setProgress(_ progress: TaskProgress, of key: RunKey) async throws {
    note(key) { $0.progress = progress }
  }

  public func progress(of key: RunKey) async throws -> TaskProgress? {
    state.withLock { $0.watched[ExactKey(key.task)]?[key.run]?.progress }
  }

  private func note(_ key: RunKey, _ change: (inout Watched) -> Void) {
    state.withLock { change(&$0.watched[ExactKey(key.task), default: [:]][key.run, default: Watched()]) }
  }
}

/// A task's key, told apart by its bytes.
private struct ExactKey: Hashable {
  var tenant: ExactString
  var id: ExactString
  init(_ key: TaskKey) { (tenant, id) = (ExactString(key.tenant), ExactString(key.id)) }
}

extension LedgerQuery {
  /// Whether a record is one of those asked for.
  fileprivate func admits(_ record: TaskRecord) -> Bool {
    (states.isEmpty || states.contains(record.state)) && (runtime == nil || runtime == record.runtime)
  }
}
