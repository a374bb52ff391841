import GRDB
import Glibc
import Logging
import SDCore
import SDTestKit
import Testing

@testable import LocalPlugins

/// What opening a directory makes of what it finds there.
@Suite struct DatabaseOpeningTests {
  @Test func oneProcessSharesOneDatabaseADirectoryWhateverItIsCalled() throws {
    let directory = try TemporaryDirectory()
    let first = try LocalDatabase.open(directory.path, logger: silent)
    let link = directory.path + "-link"
    #expect(symlink(directory.path, link) == 0)
    defer { unlink(link) }
    #expect(try LocalDatabase.open(link, logger: silent) === first)
    #expect(try LocalDatabase.open(directory.path + "/.", logger: silent) === first)
    let error = try #require(throws: SDError.self) {
      try LocalDatabase.open(directory.path, durability: .relaxed, logger: silent)
    }
    #expect(error.code == .configuration)
  }

  @Test func aDirectoryOfANewerProgramIsRefusedByNameAndLeftAlone() async throws {
    let directory = try await usedDirectory()
    try sqlite(directory, "PRAGMA user_version = 99")
    let error = try #require(throws: SDError.self) { try directory.database() }
    #expect(error.code == .configuration)
    #expect(error.message.contains("99") && error.message.contains(directory.path))
    try sqlite(directory, "PRAGMA user_version = \(DatabaseSchema.steps.count)")
    #expect(try await waiting(in: directory) == 3)
  }

  @Test func anotherProgramsDatabaseIsRefused() throws {
    let directory = try TemporaryDirectory()
    try sqlite(directory, "CREATE TABLE theirs (x)")
    let error = try #require(throws: SDError.self) { try directory.database() }
    #expect(error.code == .configuration)
    try sqlite(directory, "INSERT INTO theirs VALUES (1)")
  }

  @Test(arguments: ["overwritten header", "truncated", "cut to nothing", "removed", "noise in the middle"])
  func aDamagedDatabaseIsRefusedAndNeverTakenForAnEmptyOne(damage: String) async throws {
    let directory = try await usedDirectory()
    let path = directory.path + "/state.sqlite"
    let before = try #require(try Files.size(path))
    switch damage {
    case "overwritten header": try overwrite(path, at: 0, with: Array("not a database at all".utf8))
    case "truncated": #expect(truncate(path, off_t(before / 8192 * 4096)) == 0)
    case "cut to nothing": #expect(truncate(path, 0) == 0)
    case "removed": #expect(unlink(path) == 0)
    default: try overwrite(path, at: 4096, with: [UInt8](repeating: 0x5A, count: Int(before) - 4096))
    }
    let size = try Files.size(path)
    let error = try #require(throws: SDError.self) { try directory.database() }
    #expect(error.code == .corrupt)
    #expect(error.message.contains(path))
    #expect(try Files.size(path) == size, "nothing was changed")

    let aside = try LocalDatabase.setAside(directory: directory.path)
    #expect(aside.isEmpty == (damage == "removed"))
    #expect(try await waiting(in: directory) == 0)
  }

  @Test func aDatabaseInUseIsNotSetAside() async throws {
    let directory = try TemporaryDirectory()
    let database = try directory.database()
    let error = try #require(throws: SDError.self) { try LocalDatabase.setAside(directory: directory.path) }
    #expect(error.code == .unavailable)
    try await LocalQueue("q", in: database).send(OutgoingMessage(body: [1]))
  }

  /// Places in a frame: its page, and its salt, which is what tells old frames from new ones.
  @Test(arguments: [2000, 8] as [Int64])
  func commitsBehindADamagedFrameOfTheLogAreReportedAndTheLogIsSetAside(place: Int64) async throws {
    let directory = try TemporaryDirectory()
    let killed = try TemporaryDirectory()
    let database = try directory.database(durability: .durable)
    let queue = LocalQueue("q", in: database)
    for n in 0..<20 { try await queue.send(OutgoingMessage(body: [UInt8](repeating: UInt8(n), count: 3000))) }
    // What a kill -9 at this moment leaves behind.
    for name in ["state.sqlite", "state.sqlite-wal", "state.lock"] {
      try Files.copy(Descriptor.open(path: "\(directory.path)/\(name)", flags: O_RDONLY), to: "\(killed.path)/\(name)")
    }
    let log = killed.path + "/state.sqlite-wal"
    let frames = (try #require(try Files.size(log)) - 32) / 4120
    try flip(log, at: 32 + frames / 2 * 4120 + place)

    let recorder = LogRecorder()
    let reopened = try killed.database(log: recorder)
    #expect(recorder.errors.count == 1)
    #expect(recorder.errors.first?.contains("state.sqlite-wal") ?? false)
    let names = try Descriptor.open(path: killed.path, flags: O_RDONLY | O_DIRECTORY).names().map(\.name)
    #expect(names.contains { $0.hasPrefix("state.sqlite-wal.corrupt-") })
    let kept = try await LocalQueue("q", in: reopened).stats().waiting
    #expect(kept > 0 && kept < 20, "what came before the damage is there: \(kept)")
  }

  @Test func aKillLeavesNothingToReportAndLosesNothing() async throws {
    let directory = try TemporaryDirectory()
    let killed = try TemporaryDirectory()
    let database = try directory.database(durability: .durable)
    for n in 0..<20 { try await LocalQueue("q", in: database).send(OutgoingMessage(body: [UInt8(n)])) }
    for name in ["state.sqlite", "state.sqlite-wal", "state.lock"] {
      try Files.copy(Descriptor.open(path: "\(directory.path)/\(name)", flags: O_RDONLY), to: "\(killed.path)/\(name)")
    }
    // The last commit was being written.
    let torn = [UInt8](repeating: 0xEE, count: 100)
    try overwrite(
      killed.path + "/state.sqlite-wal", at: try #require(try Files.size(killed.path + "/state.sqlite-wal")), with: torn
    )
    let recorder = LogRecorder()
    let reopened = try killed.database(log: recorder)
    #expect(recorder.errors == [])
    #expect(try await LocalQueue("q", in: reopened).stats().waiting == 20)
  }

  @Test func leasesAndDelaysAreOverWhenTheMachineHasStartedAgain() async throws {
    let directory = try TemporaryDirectory()
    let clock = ManualClock()
    let database = try directory.database(clock.clocks)
    let queue = LocalQueue("q", in: database)
    try await queue.send(OutgoingMessage(body: [1]))
    try await queue.send(OutgoingMessage(body: [2], delay: .seconds(600)))
    let leases = try await queue.receive(max: 1, wait: .zero, visibility: .seconds(600))
    #expect(leases.count == 1)
    database.close()
    try sqlite(directory, "UPDATE meta SET value = 'an earlier start' WHERE name = 'epoch'")
    let reopened = try directory.database(clock.clocks)
    #expect(
      try await LocalQueue("q", in: reopened).stats()
        == QueueStats(waiting: 2, inFlight: 0, delayed: 0, dead: 0, oldestAge: 0))
  }

  @Test func leasesHoldWhenAProcessStartsAgain() async throws {
    let directory = try TemporaryDirectory()
    let clock = ManualClock()
    let database = try directory.database(clock.clocks)
    try await LocalQueue("q", in: database).send(OutgoingMessage(body: [1]))
    let leases = try await LocalQueue("q", in: database).receive(max: 1, wait: .zero, visibility: .seconds(600))
    database.close()
    let reopened = LocalQueue("q", in: try directory.database(clock.clocks))
    #expect(try await reopened.stats().inFlight == 1)
    #expect(try await reopened.complete(leases) == [.done])
  }

  /// A directory with three waiting messages, closed.
  private func usedDirectory() async throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    let database = try directory.database()
    for n in 0..<3 {
      try await LocalQueue("q", in: database).send(OutgoingMessage(body: [UInt8](repeating: UInt8(n), count: 9000)))
    }
    database.close()
    return directory
  }

  private func waiting(in directory: TemporaryDirectory) async throws -> Int {
    let database = try directory.database()
    defer { database.close() }
    return try await LocalQueue("q", in: database).stats().waiting
  }
}

/// Changes a directory's database behind our back.
func sqlite(_ directory: TemporaryDirectory, _ sql: String, _ arguments: StatementArguments = []) throws {
  try DatabaseQueue(path: directory.path + "/state.sqlite").write { try $0.execute(sql: sql, arguments: arguments) }
}

/// Changes rows as a flipped bit does: what the schema forbids as well, and past the indexes.
func flipped(_ directory: TemporaryDirectory, _ sql: String) throws {
  func changeSchema(_ change: (Database) throws -> Void) throws {
    let queue = try DatabaseQueue(path: directory.path + "/state.sqlite")
    try queue.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA writable_schema = ON")
      try db.inTransaction {
        try change(db)
        return .commit
      }
    }
    try queue.close()
  }
  var schema: [Row] = []
  try changeSchema { db in
    schema = try Row.fetchAll(db, sql: "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema")
    try db.execute(
      sql: """
        UPDATE sqlite_schema SET sql = replace(sql, ' NOT NULL', '') WHERE type = 'table';
        DELETE FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL;
        """)
  }
  try sqlite(directory, sql)
  try changeSchema { db in
    try db.execute(sql: "DELETE FROM sqlite_schema")
    for row in schema {
      try db.execute(
        sql: "INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", arguments: StatementArguments(row.databaseValues))
    }
  }
}

/// Writes over a file's bytes.
func overwrite(_ path: String, at offset: Int64, with bytes: [UInt8]) throws {
  let file = try Descriptor.open(path: path, flags: O_WRONLY)
  guard lseek(file.raw, off_t(offset), SEEK_SET) == off_t(offset) else {
    throw SDError(errno: errno, "seeking in", path)
  }
  try file.write(bytes)
}

/// Flips one bit of a file.
func flip(_ path: String, at offset: Int64) throws {
  let byte = try Descriptor.open(path: path, flags: O_RDONLY).read(at: offset, count: 1)
  try overwrite(path, at: offset, with: byte.map { $0 ^ 0x10 })
}
