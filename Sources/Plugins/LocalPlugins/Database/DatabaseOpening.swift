import GRDB
import Glibc
import Logging
import SDCore

/// The steps from a directory to its open database, with everything that is looked at on the way.
///
/// `DIR/state.lock` is held shared by everyone who has the database open, and exclusively for as long as nobody else
/// does and the files are being judged. It says that there is a database, so that a missing or empty one is noticed.
struct DatabaseOpening {
  /// The directory without symbolic links.
  let directory: String
  /// The lock, to be held while the database is open.
  let lock: Descriptor

  private let logger: Logger
  /// How long to wait for another process.
  private let patience: Duration
  /// Whether nobody else has it open.
  private let isAlone: Bool

  /// Databases up to this size are read through when they are opened; in larger ones damage is found when it is met.
  private static let checkedBytes: Int64 = 16 << 20
  private static let mark = "sd-state 1\n"

  var path: String { Self.path(in: directory) }
  static func path(in directory: String) -> String { directory + "/state.sqlite" }
  private static func lockPath(in directory: String) -> String { directory + "/state.lock" }

  init(directory: String, patience: Duration, logger: Logger) throws {
    try Files.makeDirectories(directory)
    self.directory = try Files.resolved(directory)
    (self.patience, self.logger) = (patience, logger)
    lock = try Descriptor.open(path: Self.lockPath(in: self.directory), flags: O_RDWR | O_CREAT)
    isAlone = lock.tryLock(exclusive: true)
    if !isAlone { try lock.lock(exclusive: false, within: patience) }
  }

  /// Opens the connections: the one that writes and the one that reads.
  func open(epoch: String, now: Int64, maximumPages: Int?) throws -> (writer: DatabaseQueue, reader: DatabaseQueue) {
    if isAlone { try judgeFiles() }
    do {
      let writer = try DatabaseQueue(path: path, configuration: configuration(maximumPages: maximumPages))
      try prepare(writer, epoch: epoch, now: now)
      if isAlone { try markAsUsed() }
      if !lock.tryLock(exclusive: false) { try lock.lock(exclusive: false, within: patience) }
      var readOnly = configuration(maximumPages: nil)
      readOnly.readonly = true
      return (writer, try DatabaseQueue(path: path, configuration: readOnly))
    } catch {
      let failure = SDError(database: error, "opening \(path)")
      guard failure.code == .corrupt else { throw failure }
      throw Self.corrupt(path, underlying: error)
    }
  }

  private static func corrupt(_ path: String, _ what: String = "is damaged", underlying: (any Error)? = nil) -> SDError
  {
    SDError(
      .corrupt,
      "\(path) \(what). Nothing was changed. Restore it from a backup, or set it aside "
        + "(rename state.sqlite, state.sqlite-wal and state.lock) to start with an empty one",
      underlying: underlying)
  }

  private func configuration(maximumPages: Int?) -> Configuration {
    var configuration = Configuration()
    configuration.label = "sd.state"
    configuration.foreignKeysEnabled = false
    configuration.busyMode = .callback { [clock = BusyClock(), end = patience] tries in
      // Short random pauses: SQLite's own grow to 100 ms, in which a busy rival always gets in first.
      guard clock.elapsed(isFirst: tries == 0) < end else { return false }
      usleep(UInt32.random(in: 100...(tries < 20 ? 500 : 3000)))
      return true
    }
    configuration.prepareDatabase { db in
      for pragma in [
        "cell_size_check = ON", "trusted_schema = OFF", "secure_delete = OFF", "cache_size = -8192",
        "cache_spill = OFF",
        "temp_store = MEMORY",
        "journal_size_limit = 67108864", "wal_autocheckpoint = 1000",
      ] {
        try db.execute(sql: "PRAGMA \(pragma)")
      }
      if let maximumPages { try db.execute(sql: "PRAGMA max_page_count = \(maximumPages)") }
    }
    return configuration
  }

  /// Looks at the files while nobody else has them open.
  private func judgeFiles() throws {
    let size = try Files.size(path) ?? 0
    let log = path + "-wal"
    let logSize = try Files.size(log) ?? 0
    let wasUsed = try lock.read(at: 0, count: 64).starts(with: Self.mark.utf8)
    if size == 0 && (wasUsed || logSize > 0) { throw Self.corrupt(path, "was in use and is empty or missing") }
    guard logSize > 0 else { return }
    let file = try Descriptor.open(path: log, flags: O_RDONLY)
    let check = try WriteAheadLogCheck(file)
    guard check.isDamaged else { return }
    let copy = "\(log).corrupt-\(Self.stamp())"
    try Files.copy(file, to: copy)
    logger.critical(
      "the write-ahead log is damaged; what came before the damage is kept, the rest set aside",
      metadata: [
        "file": "\(log)", "copy": "\(copy)", "lost commits": "\(check.headerIsWrong ? "all" : "\(check.lostCommits)")",
      ])
  }

  private func prepare(_ writer: DatabaseQueue, epoch: String, now: Int64) throws {
    try writer.writeWithoutTransaction { db in
      let mode = try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL")
      guard mode == "wal" else {
        throw SDError(.configuration, "\(path): SQLite cannot keep a write-ahead log here; use a local file system")
      }
      try db.execute(sql: "PRAGMA synchronous = FULL")
      if isAlone {
        // So that frames of commits that a death cut short don't lie behind new ones.
        _ = try? db.checkpoint(.truncate)
        try check(db)
      }
      try db.inTransaction(.immediate) {
        try DatabaseSchema.migrate(db, path: path)
        try Self.enter(epoch, now: now, db)
        return .commit
      }
    }
  }

  private func check(_ db: Database) throws {
    guard try Files.size(path) ?? 0 <= Self.checkedBytes else { return }
    let findings = try String.fetchAll(db, sql: "PRAGMA quick_check(5)")
    guard findings == ["ok"] else { throw Self.corrupt(path, "is damaged (\(findings.joined(separator: "; ")))") }
  }

  /// Shared times count from the start of the machine.
  ///
  /// Times of an earlier start mean nothing now: those who held leases are gone with the machine, and delays count as
  /// over.
  private static func enter(_ epoch: String, now: Int64, _ db: Database) throws {
    let known = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'epoch'")
    guard known != epoch else { return }
    try db.execute(
      sql: """
        UPDATE message SET due = 0, token = 0, held = 0 WHERE due BETWEEN 1 AND \(DatabaseSchema.blocked - 1);
        UPDATE message SET held = 0 WHERE held > 0;
        UPDATE seen SET at = \(now);
        UPDATE progress SET watched = 0;
        """)
    try db.execute(sql: "INSERT OR REPLACE INTO meta (name, value) VALUES ('epoch', ?)", arguments: [epoch])
  }

  private func markAsUsed() throws {
    guard try lock.status().size == 0 else { return }
    try lock.write(Array(Self.mark.utf8))
    try lock.sync()
    try Descriptor.open(path: directory, flags: O_RDONLY | O_DIRECTORY).sync()
  }

  private static func stamp() -> String {
    Clocks.system.timestamp.description.filter { $0 != ":" && $0 != "-" && $0 != "." }
  }

  /// Renames the files of a damaged database; see `LocalDatabase.setAside`.
  static func setAside(directory: String) throws -> [String] {
    let directory = try Files.resolved(directory)
    let lock = try Descriptor.open(path: lockPath(in: directory), flags: O_RDWR | O_CREAT)
    guard lock.tryLock(exclusive: true) else {
      throw SDError(.unavailable, "\(directory) is in use; stop the programs that use it first")
    }
    let suffix = ".corrupt-\(stamp())"
    var names: [String] = []
    for name in ["state.sqlite", "state.sqlite-wal", "state.sqlite-shm"] {
      let target = "\(directory)/\(name)\(suffix)"
      if try Files.move("\(directory)/\(name)", to: target) { names.append(target) }
    }
    guard ftruncate(lock.raw, 0) == 0 else { throw SDError(errno: errno, "emptying", lock.path) }
    return names
  }
}

/// When the present wait for a locked database began.
private final class BusyClock: @unchecked Sendable {
  // Unchecked: a connection calls its busy handler from its own queue alone. Each configuration has one connection.
  private var start = ContinuousClock.now

  func elapsed(isFirst: Bool) -> Duration {
    if isFirst { start = .now }
    return start.duration(to: .now)
  }
}

extension LocalDatabase {
  /// Renames the database of a directory, so that the next one to open it starts with an empty one.
  ///
  /// For a damaged one. Answers the new names. Throws `.unavailable` while somebody has it open.
  public static func setAside(directory: String) throws -> [String] {
    try DatabaseOpening.setAside(directory: directory)
  }
}
