import FoundationEssentials
import GRDB
public import SDCore

/// What is known of tasks, in the SQLite file of a state directory.
///
/// A record and its publication on a topic of the same database are one transaction, the rows of every matching queue
/// included. Records and requests have digests: one that was changed on the disk throws `.corrupt`, the others are as
/// they were. Listings leave damaged records out and say so in the log.
public struct LocalTaskLedger: TaskLedger {
  /// The file that it lies in.
  public let database: LocalDatabase

  /// The ledger of a database.
  public init(in database: LocalDatabase) { self.database = database }

  // MARK: Writing

  /// Creates a record with its request unless there is one.
  public func create(_ record: TaskRecord, request: [UInt8]) async throws -> LedgerWrite {
    try await create(record, request) { _ in }
  }

  /// Creates a record and publishes what follows from it, in one transaction where the topic is of this database.
  public func create(
    _ record: TaskRecord, request: [UInt8], publishing publication: @Sendable (Revision) -> Publication,
    on topic: any EventTopic
  ) async throws -> LedgerWrite {
    guard let topic = topic as? LocalTopic, topic.database === database else {
      let write = try await create(record, request: request)
      if case .written(let entry) = write { try await topic.publish(publication(entry.revision)) }
      return write
    }
    let delivery = try LocalTopic.Delivery(publication(Self.first), on: topic)
    return try await create(record, request) { try topic.deliver(delivery, &$0) }
  }

  /// What every record is created at.
  private static let first = Revision(1)

  private func create(
    _ record: TaskRecord, _ request: [UInt8], together: @escaping @Sendable (inout Transaction) throws -> Void
  ) async throws -> LedgerWrite {
    let stored = try StoredRecord(record)
    return try await database.write(.growing) { transaction in
      let inserted = try transaction.run(
        """
        INSERT INTO record
          (tenant, task, run, submission, created, state, runtime, revision, digest, json, context, reason, expires)
        VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?) ON CONFLICT (tenant, task, run) DO NOTHING
        """,
        [
          record.key.task.tenant, record.key.task.id, record.key.run, record.submission, record.createdAt.milliseconds,
          record.state.rawValue, record.runtime, stored.digest, Data(stored.json), stored.context.map { Data($0) },
          stored.reason.map { Data($0) }, record.options.expiresAt?.milliseconds,
        ])
      guard inserted == 1 else {
        guard let standing = try transaction.db.entry(record.key) else {
          throw SDError(.internal, "the record of \(record.key) was refused, but there is none")
        }
        return .refused(standing)
      }
      let row = transaction.db.lastInsertedRowID
      try transaction.run(
        "INSERT INTO request (record, digest, bytes) VALUES (?, ?, ?)",
        [row, StoredRecord.digest(ofRequest: request), Data(request)])
      try together(&transaction)
      if let message = transaction.lastSent {
        try transaction.run("UPDATE record SET message = ? WHERE id = ?", [message, row])
      }
      return .written(LedgerEntry(record: record, request: request, revision: Self.first))
    }
  }

  /// Writes a changed record over the revision that it was read at.
  public func update(_ entry: LedgerEntry) async throws -> LedgerWrite {
    let (record, stored) = (entry.record, try StoredRecord(entry.record))
    let known = Int64(entry.revision.rawValue) ?? 0
    return try await database.write { transaction in
      let changed = try transaction.run(
        """
        UPDATE record SET revision = revision + 1, state = ?, runtime = ?, digest = ?, json = ?, context = ?, reason = ?
        WHERE tenant = ? AND task = ? AND run = ? AND revision = ?
        """,
        [
          record.state.rawValue, record.runtime, stored.digest, Data(stored.json), stored.context.map { Data($0) },
          stored.reason.map { Data($0) }, record.key.task.tenant, record.key.task.id, record.key.run, known,
        ])
      guard changed == 1 else {
        guard let standing = try transaction.db.entry(record.key) else {
          throw SDError(.notFound, "update of \(record.key): there is no such record")
        }
        return .refused(standing)
      }
      let request = try transaction.row(
        """
        SELECT bytes FROM request WHERE record = (SELECT id FROM record WHERE tenant = ? AND task = ? AND run = ?)
        """, record.key.arguments
      ) { $0.bytes(0) }
      let written = LedgerEntry(record: record, request: request ?? [], revision: Revision(known + 1))
      if record.state.isTerminal {
        try transaction.run("DELETE FROM progress WHERE tenant = ? AND task = ? AND run = ?", record.key.arguments)
      }
      return .written(written)
    }
  }

  // MARK: Reading

  /// Reads the record of a run; looks at its revision first.
  public func read(_ key: RunKey, unlessAt known: Revision?) async throws -> LedgerReading {
    try await database.read { db in
      let revision = try db.rows(
        "SELECT revision FROM record WHERE tenant = ? AND task = ? AND run = ?", key.arguments
      ) { Revision(try $0.value(0)) }.first
      guard let revision else { return .absent }
      if revision == known { return .unchanged }
      return try db.entry(key).map(LedgerReading.entry) ?? .absent
    }
  }

  /// The newest run of a task.
  public func latest(_ task: TaskKey) async throws -> LedgerEntry? {
    try await database.look { db in
      try db.entries("tenant = ? AND task = ? ORDER BY r.run DESC LIMIT 1", [task.tenant, task.id]).first
    }
  }

  /// The run that a submission made.
  public func find(_ task: TaskKey, submission: String) async throws -> LedgerEntry? {
    try await database.look { db in
      try db.entries(
        "tenant = ? AND task = ? AND submission = ? ORDER BY r.run DESC LIMIT 1", [task.tenant, task.id, submission]
      ).first
    }
  }

  /// Queued runs of any tenant whose time has passed, those first that have waited longest.
  ///
  /// Damaged records are left out, and told of in the log.
  public func overdue(at now: Timestamp, limit: Int) async throws -> [LedgerEntry] {
    try await sound {
      try $0.rows(
        """
        SELECT \(StoredRecord.columns) FROM record r LEFT JOIN request q ON q.record = r.id
        WHERE r.expires IS NOT NULL AND r.state = 'queued' AND r.expires <= ? ORDER BY r.expires LIMIT ?
        """, [now.milliseconds, limit]
      ) { StoredRecord.judged($0) }
    }
  }

  // MARK: Progress

  /// Says that somebody wants to see progress.
  public func watch(_ key: RunKey, for duration: Duration) async throws {
    let until = database.time.now + duration.milliseconds
    try await database.write(.lazy) { transaction in
      try transaction.run(
        """
        INSERT INTO progress (tenant, task, run, watched) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET watched = max(watched, excluded.watched)
        """, [key.task.tenant, key.task.id, key.run, until])
    }
  }

  /// Whether somebody does.
  public func isWatched(_ key: RunKey) async throws -> Bool {
    let now = database.time.now
    return try await database.read { db in
      try db.rows(
        "SELECT watched FROM progress WHERE tenant = ? AND task = ? AND run = ?", key.arguments
      ) { $0[0] ?? 0 > now }.first ?? false
    }
  }

  /// Notes how far a run is.
  public func setProgress(_ progress: TaskProgress, of key: RunKey) async throws {
    try await database.write([.lazy, .growing]) { transaction in
      try transaction.run(
        """
        INSERT INTO progress (tenant, task, run, fraction, step, steps, eta, preview, type)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET fraction = excluded.fraction, step = excluded.step, steps = excluded.steps,
          eta = excluded.eta, preview = excluded.preview, type = excluded.type
        """,
        [
          key.task.tenant, key.task.id, key.run, progress.fraction, progress.step, progress.steps, progress.eta,
          progress.preview.map { Data($0) }, progress.previewType,
        ])
    }
  }

  /// How far a run is, as last noted.
  public func progress(of key: RunKey) async throws -> TaskProgress? {
    try await database.read { db in
      try db.rows(
        """
        SELECT fraction, step, steps, eta, preview, type FROM progress
        WHERE tenant = ? AND task = ? AND run = ? AND fraction IS NOT NULL
        """, key.arguments
      ) { row in
        let preview: Data? = row[4]
        return TaskProgress(
          fraction: try row.value(0), step: row[1], steps: row[2], eta: row[3], preview: preview.map { Array($0) },
          previewType: row[5])
      }.first
    }
  }
}

extension Database {
  /// The entries that a condition over `record r` selects.
  fileprivate func entries(_ condition: String, _ arguments: StatementArguments) throws -> [LedgerEntry] {
    try rows(
      "SELECT \(StoredRecord.columns) FROM record r LEFT JOIN request q ON q.record = r.id WHERE \(condition)",
      arguments
    ) { try StoredRecord.entry($0) }
  }

  /// The entry of a run.
  fileprivate func entry(_ key: RunKey) throws -> LedgerEntry? {
    try entries("tenant = ? AND task = ? AND run = ?", key.arguments).first
  }
}
