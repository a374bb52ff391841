import GRDB
public import Logging
public import SDCore
import Synchronization

/// The one SQLite file of a state directory, `DIR/state.sqlite`: queues, topics and task records.
///
/// Any number of processes may have it open at once. A write that was answered survives the machine losing power,
/// unless the database is `relaxed`; receives and extends, whose loss only means a message delivered again, survive the
/// process. Writes of one process that come together are committed together.
///
/// Damage is never taken for emptiness: opening a damaged, truncated or missing file of a directory that was in use
/// throws `.corrupt` and changes nothing; `setAside(directory:)` makes room for a new one.
public final class LocalDatabase: Sendable {
  /// What a returned write survives.
  public enum Durability: String, Sendable, Hashable, CaseIterable {
    /// The machine losing power.
    case durable
    /// The process dying; a few seconds of writes may be lost with the machine.
    case relaxed
  }

  /// The state directory, as it was resolved.
  public let directory: String
  /// What a returned write survives.
  public let durability: Durability
  /// The clocks that deadlines and records are written by.
  let time: SharedTime
  let logger: Logger
  let bells: Doorbells

  private let writer: GroupedWriter
  let connection: DatabaseQueue
  private let reader: DatabaseQueue
  private let lock: Descriptor
  private let rivals: RivalWatch
  private let queueIDs = Mutex<[String: QueueIdentity]>([:])

  /// The database of a directory, one object a process however often it is asked for.
  ///
  /// Blocks while it opens the file. Throws `.corrupt` for a damaged one, `.configuration` for one of a newer program
  /// and when the process has it open with another durability.
  public static func open(
    _ directory: String, durability: Durability = .durable, clocks: Clocks = .system,
    logger: Logger = Logger(label: "sd.local")
  ) throws -> LocalDatabase {
    try LocalDatabaseRegistry.shared.database(at: directory, durability: durability) {
      try LocalDatabase(directory: directory, durability: durability, clocks: clocks, logger: logger)
    }
  }

  /// Opens the file anew, past the registry: as another process would.
  package init(
    directory: String, durability: Durability, clocks: Clocks, logger: Logger, maximumPages: Int? = nil,
    patience: Duration = .seconds(10)
  ) throws {
    let opening = try DatabaseOpening(directory: directory, patience: patience, logger: logger)
    self.directory = opening.directory
    self.durability = durability
    self.logger = logger
    time = SharedTime(clocks)
    lock = opening.lock
    (connection, reader) = try opening.open(epoch: time.epoch, now: time.now, maximumPages: maximumPages)
    let reserve = DiskReserve(directory: opening.directory)
    if !reserve.isHeld() {
      logger.warning(
        "the disk is nearly full; nothing new will be taken", metadata: ["directory": "\(opening.directory)"])
    }
    let rivals = try RivalWatch(connection, directory: opening.directory)
    bells = Doorbells { [weak rivals] in rivals?.start() }
    rivals.wakes(bells)
    self.rivals = rivals
    writer = GroupedWriter(
      connection, isDurable: durability == .durable, reserve: reserve, bells: bells, rivals: rivals)
  }

  /// Closes the file.
  ///
  /// What comes later fails. The last one to close it in the whole machine copies the log back.
  package func close() {
    rivals.stop()
    try? reader.close()
    try? connection.close()
  }

  deinit { rivals.stop() }

  /// Runs a write; see `GroupedWriter.perform`.
  @discardableResult
  func write<T: Sendable>(
    _ kind: WriteKind = .ordinary, _ body: @escaping @Sendable (inout Transaction) throws -> T
  ) async throws -> T {
    try await writer.perform(kind, body)
  }

  /// Runs queries on one snapshot, beside the writes.
  ///
  /// Sees every returned write.
  func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
    try await reading { try await $0.read(body) }
  }

  /// Runs one query, or some that need not agree: as `read`, without the two statements before and after that a snapshot
  /// costs. The connection cannot write.
  func look<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
    try await reading { try await $0.unsafeRead(body) }
  }

  private func reading<T: Sendable>(_ body: (DatabaseQueue) async throws -> T) async throws -> T {
    do { return try await body(reader) } catch let error as CancellationError { throw error } catch {
      throw SDError(database: error, "reading \(reader.path)")
    }
  }

  /// The row of a queue, made when it is first asked for.
  func queue(_ name: String, isFIFO: Bool? = nil) async throws -> QueueIdentity {
    let identity: QueueIdentity
    if let known = queueIDs.withLock({ $0[name] }) {
      identity = known
    } else {
      identity = try await write { try QueueIdentity.resolve(name, isFIFO: isFIFO, $0) }
      queueIDs.withLock { $0[name] = identity }
    }
    guard isFIFO == nil || identity.isFIFO == isFIFO else {
      throw SDError(
        .configuration, "queue \(name) in \(directory) was made \(identity.isFIFO ? "with" : "without") FIFO groups")
    }
    return identity
  }
}

/// A queue as the database knows it.
///
/// Queues are never removed, so that this may be remembered.
struct QueueIdentity: Sendable, Hashable {
  var id: Int64
  var isFIFO: Bool

  init(id: Int64, isFIFO: Bool) { (self.id, self.isFIFO) = (id, isFIFO) }

  /// The queue of a row whose columns from `index` on are `id` and `fifo`.
  init(_ row: Row, at index: Int) throws { self.init(id: try row.value(index), isFIFO: try row.value(index + 1)) }

  /// Finds a queue's row or makes it; `isFIFO` decides only about a new one, and else its name, as SQS has it.
  static func resolve(_ name: String, isFIFO: Bool?, _ transaction: Transaction) throws -> QueueIdentity {
    try transaction.run(
      "INSERT INTO queue (name, fifo) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
      [name, isFIFO ?? name.hasSuffix(".fifo")])
    let found = try transaction.row("SELECT id, fifo FROM queue WHERE name = ?", [name]) {
      try QueueIdentity($0, at: 0)
    }
    guard let found else { throw SDError(.internal, "queue \(name) was made and is not there") }
    return found
  }
}
