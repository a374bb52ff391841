import GRDB
import SDCore

/// The tables, and the steps that lead to them from older ones.
///
/// `message` is small and changes at every receive; `payload` is large and is written once. Every message is found by
/// one index, (queue, due, rank, seq): `due` is 0 for those that may be handed out, `blocked` for those behind another
/// one of their line, and else the shared time until which a message is leased (`token` is set) or delayed (it is not).
/// So a receive is one seek, however deep the queue is.
enum DatabaseSchema {
  /// Tells our files from other programs' ("SDod").
  static let applicationID: Int32 = 0x5344_6F64
  /// The `due` of a message that stands behind another one of its line (the group of a FIFO queue).
  static let blocked = Int64.max

  /// Step n leads from version n to n + 1.
  ///
  /// Never change one that was released; add another.
  static let steps: [@Sendable (Database) throws -> Void] = [
    { db in
      try db.execute(
        sql: """
          CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;

          CREATE TABLE queue (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, fifo INTEGER NOT NULL, rank INTEGER NOT NULL DEFAULT 0
          ) STRICT;
          CREATE TABLE message (
            seq INTEGER PRIMARY KEY, queue INTEGER NOT NULL, due INTEGER NOT NULL, rank INTEGER NOT NULL,
            token INTEGER NOT NULL DEFAULT 0, received INTEGER NOT NULL DEFAULT 0, leased INTEGER NOT NULL DEFAULT 0,
            sent INTEGER NOT NULL, held INTEGER NOT NULL DEFAULT 0, line TEXT
          ) STRICT;
          CREATE INDEX message_order ON message (queue, due, rank, seq);
          CREATE INDEX message_line ON message (queue, line, seq) WHERE line IS NOT NULL;
          CREATE TABLE payload (
            seq INTEGER PRIMARY KEY, id TEXT NOT NULL, grp TEXT, attributes BLOB, digest BLOB NOT NULL, body BLOB
          ) STRICT;
          CREATE TABLE tenant (
            queue INTEGER NOT NULL, name TEXT NOT NULL, rank INTEGER NOT NULL, PRIMARY KEY (queue, name)
          ) STRICT, WITHOUT ROWID;
          CREATE TABLE seen (
            queue INTEGER NOT NULL, id TEXT NOT NULL, message TEXT NOT NULL, at INTEGER NOT NULL,
            PRIMARY KEY (queue, id)
          ) STRICT, WITHOUT ROWID;
          CREATE INDEX seen_age ON seen (queue, at);

          CREATE TABLE subscription (
            topic TEXT NOT NULL, queue TEXT NOT NULL, scope TEXT, policy TEXT, raw INTEGER NOT NULL,
            PRIMARY KEY (topic, queue)
          ) STRICT, WITHOUT ROWID;

          CREATE TABLE record (
            id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, task TEXT NOT NULL, run INTEGER NOT NULL,
            submission TEXT NOT NULL, created INTEGER NOT NULL, state TEXT NOT NULL, runtime TEXT,
            revision INTEGER NOT NULL, digest BLOB NOT NULL, json BLOB NOT NULL, context BLOB, reason BLOB
          ) STRICT;
          CREATE UNIQUE INDEX record_key ON record (tenant, task, run);
          CREATE INDEX record_submission ON record (tenant, task, submission);
          CREATE INDEX record_age ON record (tenant, created, id);
          CREATE TABLE request (record INTEGER PRIMARY KEY, digest BLOB NOT NULL, bytes BLOB) STRICT;
          CREATE TABLE progress (
            tenant TEXT NOT NULL, task TEXT NOT NULL, run INTEGER NOT NULL, watched INTEGER NOT NULL DEFAULT 0,
            fraction REAL, step INTEGER, steps INTEGER, eta REAL, preview BLOB, type TEXT,
            PRIMARY KEY (tenant, task, run)
          ) STRICT, WITHOUT ROWID;
          """)
    },
    { db in
      // Queued runs by the time that they expire, and the message that carries each.
      try db.execute(
        sql: """
          ALTER TABLE record ADD COLUMN expires INTEGER;
          ALTER TABLE record ADD COLUMN message INTEGER;
          CREATE INDEX record_expiry ON record (expires) WHERE expires IS NOT NULL AND state = 'queued';
          """)
    },
    { db in
      // Records whose messages were found damaged.
      try db.execute(sql: "CREATE TABLE stranded (record INTEGER PRIMARY KEY) STRICT")
    },
  ]

  /// Brings a database to the newest schema.
  ///
  /// Refuses one that is newer, and files of other programs, and changes neither.
  static func migrate(_ db: Database, path: String) throws {
    let application = try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0
    let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
    let isEmpty = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0
    guard application == applicationID || (application == 0 && version == 0 && isEmpty) else {
      throw SDError(.configuration, "\(path) is a database of another program; name another state directory")
    }
    guard version <= steps.count else {
      throw SDError(
        .configuration,
        "\(path) has schema \(version), which is newer than this program knows (\(steps.count)): "
          + "use the newer program, or another state directory")
    }
    guard version < steps.count else { return }
    for step in steps[version...] { try step(db) }
    try db.execute(sql: "PRAGMA application_id = \(applicationID)")
    try db.execute(sql: "PRAGMA user_version = \(steps.count)")
  }
}
