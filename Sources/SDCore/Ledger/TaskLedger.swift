/// What is known of tasks, one record a run, changed by conditional writes only.
///
/// Guarantees:
/// - A returned write is durable and seen by every later read.
/// - Of writers that race on one revision exactly one wins; the others get the winner's entry back and have changed
///   nothing. A writer whose answer was lost finds its own nonce there.
/// - A request is kept as it was given, byte for byte.
///
/// For implementers: `create` must be atomic on (task, run). A damaged record throws `.corrupt` for that task alone.
public protocol TaskLedger: Sendable {
  /// Creates the record of a run, with the request beside it, unless there is one.
  func create(_ record: TaskRecord, request: [UInt8]) async throws -> LedgerWrite

  /// Creates a record and publishes what follows from it. The publication may depend on the revision.
  ///
  /// One transaction where ledger and topic are one plugin's; else the record first, then the publication, so that what
  /// throws may leave a record that nobody carries until the same submission is made again.
  func create(
    _ record: TaskRecord, request: [UInt8], publishing publication: @Sendable (Revision) -> Publication,
    on topic: any EventTopic
  ) async throws -> LedgerWrite

  /// Writes a changed record over the revision that it was read at.
  func update(_ entry: LedgerEntry) async throws -> LedgerWrite

  /// Reads the record of a run; answers `.unchanged` cheaply when it still is at a known revision.
  func read(_ key: RunKey, unlessAt known: Revision?) async throws -> LedgerReading

  /// The newest run of a task.
  func latest(_ task: TaskKey) async throws -> LedgerEntry?

  /// The run that a submission made.
  func find(_ task: TaskKey, submission: String) async throws -> LedgerEntry?

  /// Records, newest first.
  func page(_ query: LedgerQuery) async throws -> LedgerPage

  /// Queued runs of any tenant whose time has passed, at most `limit` of them.
  ///
  /// For those who write and announce the expiry of what nobody touches; a ledger that cannot find them all cheaply may
  /// leave some out, since whoever touches one does the same.
  func overdue(at now: Timestamp, limit: Int) async throws -> [LedgerEntry]

  /// Queued runs that nobody will be handed, since their messages were found damaged, at most `limit` of them.
  ///
  /// For those who fail what would wait for ever. Only a ledger that lies beside its queues can tell; others answer none.
  func stranded(limit: Int) async throws -> [LedgerEntry]

  /// Where a queued run stands, 1 being the next that is handed out; `nil` where it does not wait, past `limit`, and where
  /// nobody can tell.
  func position(of key: RunKey, limit: Int) async throws -> Int?

  /// Says that somebody wants to see progress of a run for so long.
  func watch(_ key: RunKey, for duration: Duration) async throws
  /// Whether somebody does.
  func isWatched(_ key: RunKey) async throws -> Bool
  /// Notes how far a run is. Kept apart from the record; may be lost.
  func setProgress(_ progress: TaskProgress, of key: RunKey) async throws
  /// How far a run is, as last noted.
  func progress(of key: RunKey) async throws -> TaskProgress?
}

extension TaskLedger {
  public func create(
    _ record: TaskRecord, request: [UInt8], publishing publication: @Sendable (Revision) -> Publication,
    on topic: any EventTopic
  ) async throws -> LedgerWrite {
    let write = try await create(record, request: request)
    if case .written(let entry) = write { try await topic.publish(publication(entry.revision)) }
    return write
  }

  /// Looks through the newest queued runs that belong to no tenant.
  public func overdue(at now: Timestamp, limit: Int) async throws -> [LedgerEntry] {
    let page = try await page(LedgerQuery(states: [.queued], limit: 1000))
    var entries: [LedgerEntry] = []
    for record in page.records.filter({ $0.state(at: now) == .expired }).prefix(limit) {
      if let entry = try await read(record.key) { entries.append(entry) }
    }
    return entries
  }

  public func stranded(limit: Int) async throws -> [LedgerEntry] { [] }

  public func position(of key: RunKey, limit: Int) async throws -> Int? { nil }

  /// The record of a run; `nil` when there is none.
  public func read(_ key: RunKey) async throws -> LedgerEntry? {
    if case .entry(let entry) = try await read(key, unlessAt: nil) { return entry }
    return nil
  }
}

/// Which write a record stems from; opaque.
public struct Revision: RawRepresentable, Sendable, Hashable, Codable {
  public var rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }
}

/// A record as it stands in the ledger.
public struct LedgerEntry: Sendable, Hashable {
  /// The record; change it and hand the entry to `update`.
  public var record: TaskRecord
  /// The request as it came, unchanged.
  public var request: [UInt8]
  /// What the record was read at.
  public var revision: Revision

  /// An entry; for ledgers.
  public init(record: TaskRecord, request: [UInt8], revision: Revision) {
    (self.record, self.request, self.revision) = (record, request, revision)
  }
}

/// What became of a write.
public enum LedgerWrite: Sendable, Hashable {
  /// It is done, and stands like this.
  case written(LedgerEntry)
  /// Another came first, and stands like this.
  case refused(LedgerEntry)
}

/// What a conditional read found.
public enum LedgerReading: Sendable, Hashable {
  case absent
  case unchanged
  case entry(LedgerEntry)
}

/// Which records to list.
public struct LedgerQuery: Sendable, Hashable {
  /// Whose.
  public var tenant: String
  /// In one of these states; empty for any.
  public var states: Set<TaskState>
  /// Of this runtime; `nil` for any.
  public var runtime: String?
  /// At most so many, 1 to 1,000.
  public var limit: Int
  /// Where the last page ended.
  public var cursor: String?

  /// Which records to list.
  public init(
    tenant: String = "", states: Set<TaskState> = [], runtime: String? = nil, limit: Int = 50, cursor: String? = nil
  ) {
    self.tenant = tenant
    self.states = states
    self.runtime = runtime
    self.limit = limit
    self.cursor = cursor
  }
}

/// A page of records.
public struct LedgerPage: Sendable, Hashable {
  /// Newest first.
  public var records: [TaskRecord]
  /// Where the next page begins; `nil` at the end. A page may be short, even empty, and not the last.
  public var next: String?

  /// A page of records.
  public init(records: [TaskRecord], next: String?) { (self.records, self.next) = (records, next) }
}

/// How far a run is.
public struct TaskProgress: Sendable, Hashable, Codable {
  /// From 0 to 1.
  public var fraction: Double
  /// Steps done, of how many.
  public var step: Int?
  public var steps: Int?
  /// Seconds left, as the engine guesses.
  public var eta: Double?
  /// A small picture of the present state, as the engine gave it, and its media type.
  public var preview: [UInt8]?
  public var previewType: String?

  /// How far a run is.
  public init(
    fraction: Double, step: Int? = nil, steps: Int? = nil, eta: Double? = nil, preview: [UInt8]? = nil,
    previewType: String? = nil
  ) {
    self.fraction = fraction
    self.step = step
    self.steps = steps
    self.eta = eta
    self.preview = preview
    self.previewType = previewType
  }
}
