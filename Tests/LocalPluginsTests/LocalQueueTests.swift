import GRDB
import Glibc
import SDCore
import SDTestKit
import Synchronization
import Testing

@testable import LocalPlugins

/// What the contract's suite does not ask: damage, space, rivals, groups of commits.
@Suite struct LocalQueueTests {
  // MARK: Damage

  @Test(arguments: ["body", "attributes", "id", "grp"])
  func aChangedMessageIsSetAsideWithTheReasonAndTheOthersComeOut(column: String) async throws {
    let directory = try TemporaryDirectory()
    let recorder = LogRecorder()
    let database = try directory.database(log: recorder)
    let queue = LocalQueue("q", in: database)
    for n in 0..<5 {
      try await queue.send(OutgoingMessage(body: Array("m\(n)".utf8), attributes: ["a": "b"], groupID: "g"))
    }
    let type = column == "id" || column == "grp" ? "TEXT" : "BLOB"
    try sqlite(
      directory,
      "UPDATE payload SET \(column) = CAST(CAST(substr(\(column), 1, length(\(column)) - 1) AS BLOB) || x'7A' AS \(type)) WHERE seq = 3"
    )
    let leases = try await queue.receive(max: 10, wait: .zero, visibility: nil)
    #expect(leases.map { String(decoding: $0.body, as: UTF8.self) } == ["m0", "m1", "m3", "m4"])
    #expect(recorder.errors.count == 1)
    let letters = try await LocalQueue("q-dlq", in: database, settings: .init()).receive(
      max: 10, wait: .zero, visibility: nil)
    #expect(letters.map { DeadLetterReason($0.attributes)?.code } == ["corrupt"])
  }

  @Test func aChangedMessageOfAQueueWithoutLettersIsNeverHandedOut() async throws {
    let directory = try TemporaryDirectory()
    let database = try directory.database(log: LogRecorder())
    let queue = LocalQueue("q", in: database, settings: .init(isFIFO: true))
    for n in 0..<2 { try await queue.send(OutgoingMessage(body: [UInt8(n)], groupID: "g")) }
    try sqlite(directory, "UPDATE payload SET body = x'FF' WHERE seq = 1")
    for body: [UInt8] in [[1]] {
      let leases = try await queue.receive(max: 10, wait: .zero, visibility: nil)
      #expect(leases.map(\.body) == [body])
      #expect(try await queue.complete(leases) == [.done])
    }
    #expect(try await queue.receive(max: 10, wait: .zero, visibility: nil).isEmpty)
    #expect(try await queue.stats().waiting == 0)
  }

  @Test(arguments: ["received", "sent"])
  func aMessageWhoseRowHasLostAValueIsSetAsideAndTheOthersComeOut(column: String) async throws {
    let directory = try TemporaryDirectory()
    let recorder = LogRecorder()
    let database = try directory.database(log: recorder)
    let queue = LocalQueue("q", in: database)
    for n in 0..<3 { try await queue.send(OutgoingMessage(body: [UInt8(n)])) }
    try flipped(directory, "UPDATE message SET \(column) = NULL WHERE seq = 1")
    #expect(try await queue.peek(max: 10).map(\.body) == [[1], [2]])
    #expect(try await queue.stats().waiting == 3)
    #expect(try await queue.receive(max: 10, wait: .zero, visibility: nil).map(\.body) == [[1], [2]])
    #expect(recorder.errors.count == 1)
    let letters = try await LocalQueue("q-dlq", in: database, settings: .init()).receive(
      max: 10, wait: .zero, visibility: nil)
    #expect(letters.map(\.body) == [[0]])
    #expect(letters.map { DeadLetterReason($0.attributes)?.code } == ["corrupt"])
  }

  @Test(arguments: ["due = NULL", "rank = NULL", "rank = 7", "token = NULL", "leased = NULL", "held = NULL"])
  func aRowThatItsIndexesDoNotKnowStopsNoQueueAndIsNotLost(damage: String) async throws {
    let directory = try TemporaryDirectory()
    let database = try directory.database(log: LogRecorder())
    let queue = LocalQueue("q", in: database)
    for n in 0..<3 { try await queue.send(OutgoingMessage(body: [UInt8(n)])) }
    try flipped(directory, "UPDATE message SET \(damage) WHERE seq = 1")
    let leases = try await queue.receive(max: 10, wait: .zero, visibility: nil)
    #expect(Set(leases.map(\.body)) == [[0], [1], [2]])
    #expect(try await queue.complete(leases) == [.done, .done, .done])
    #expect(try await queue.stats().waiting == 0)
  }

  @Test(arguments: [nil, "q-dlq"])
  func aMessageThatHasLostItsLineIsSetAsideAndTheLineGoesOn(letters: String?) async throws {
    let directory = try TemporaryDirectory()
    let database = try directory.database(log: LogRecorder())
    let queue = LocalQueue("q", in: database, settings: .init(deadLetterQueue: letters, isFIFO: true))
    for n in 0..<3 { try await queue.send(OutgoingMessage(body: [UInt8(n)], groupID: "g")) }
    try flipped(directory, "UPDATE message SET line = NULL WHERE seq = 1")
    for body: [UInt8] in [[1], [2]] {
      let leases = try await queue.receive(max: 10, wait: .zero, visibility: nil)
      #expect(leases.map(\.body) == [body])
      #expect(try await queue.complete(leases) == [.done])
    }
    #expect(try await queue.receive(max: 10, wait: .zero, visibility: nil).isEmpty)
  }

  // MARK: Space

  @Test func aFullDatabaseRefusesSendsStaysReadableAndGoesOnWhenThereIsSpace() async throws {
    let directory = try TemporaryDirectory()
    let database = try directory.database(durability: .durable, maximumPages: 200)
    try await checkFullDisk(LocalQueue("q", in: database))
  }

  @Test(arguments: SmallDisk.Kind.possible)
  func aFullDiskRefusesSendsStaysReadableAndGoesOnWhenThereIsSpace(kind: SmallDisk.Kind) async throws {
    let directory = try TemporaryDirectory()
    let disk = try SmallDisk(kind, in: directory, bytes: 24 << 20)
    let path = disk.path
    let database = try LocalDatabase(directory: path, durability: .durable, clocks: .system, logger: silent)
    try await checkFullDisk(LocalQueue("q", in: database))
    let store = try FileObjectStore(directory: path, logger: silent)
    try await store.put("small", [1, 2, 3])
    let error = await #expect(throws: SDError.self) {
      try await store.put("large", [UInt8](repeating: 1, count: 24 << 20))
    }
    #expect(error?.code == .full)
    #expect(try await store.get("small").bytes == [1, 2, 3])
    #expect(try await store.list(prefix: "", after: nil, limit: 10).objects.map(\.key) == ["small"])
    try await store.put("another", [4])
    disk.grow(to: 64 << 20)
    for _ in 0..<800 {
      try await LocalQueue("q", in: database).send(OutgoingMessage(body: [UInt8](repeating: 2, count: 20_000)))
    }
    database.close()
  }

  private func checkFullDisk(_ queue: LocalQueue) async throws {
    var sent = 0
    var refusal: SDError?
    while refusal == nil, sent < 5000 {
      do {
        try await queue.send(OutgoingMessage(body: [UInt8](repeating: 1, count: 20_000)))
        sent += 1
      } catch let error as SDError {
        refusal = error
      }
    }
    #expect(refusal?.code == .full)
    #expect(sent > 0)
    #expect(try await queue.stats().waiting == sent)
    var completed = 0
    while completed < sent {
      let leases = try await queue.receive(max: 10, wait: .zero, visibility: nil)
      try #require(!leases.isEmpty)
      completed += try await queue.complete(leases).count { $0 == .done }
    }
    #expect(completed == sent)
    for _ in 0..<sent / 10 { try await queue.send(OutgoingMessage(body: [UInt8](repeating: 2, count: 20_000))) }
  }

  // MARK: Rivals

  @Test func aWaitingReceiveWakesWhenAnotherProcessSends() async throws {
    let directory = try TemporaryDirectory()
    // Nobody moves this clock: a wait ends by waking or not at all.
    let clock = ManualClock()
    let (mine, theirs) = (try directory.database(clock.clocks), try directory.database(clock.clocks))
    let (queue, rival) = (LocalQueue("q", in: mine), LocalQueue("q", in: theirs))
    for round in 0..<5 {
      let leases = try await within(.seconds(60), "a waiting receive to wake") {
        async let received = queue.receive(max: 1, wait: .seconds(20), visibility: nil)
        try await clock.untilSleepers(1, limit: .seconds(60))
        try await rival.send(OutgoingMessage(body: [UInt8(round)]))
        return try await received
      }
      #expect(leases.map(\.body) == [[UInt8(round)]])
      _ = try await queue.complete(leases)
    }
  }

  @Test func severalProcessesWorkOnOneQueueAndEachMessageIsDoneOnce() async throws {
    let directory = try TemporaryDirectory()
    let databases = try (0..<3).map { _ in try directory.database(durability: .durable) }
    let count = 300
    let done = Tally()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, database) in databases.enumerated() {
        let queue = LocalQueue("q", in: database)
        group.addTask {
          for n in 0..<(count / 3) { try await queue.send(OutgoingMessage(body: Array("\(index)-\(n)".utf8))) }
        }
        group.addTask {
          while done.counts.values.reduce(0, +) < count {
            let leases = try await queue.receive(max: 10, wait: .seconds(1), visibility: .seconds(600))
            for (lease, outcome) in zip(leases, try await queue.complete(leases)) where outcome == .done {
              done.add(String(decoding: lease.body, as: UTF8.self))
            }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(done.counts.count == count)
    #expect(done.counts.values.allSatisfy { $0 == 1 })
  }

  @Test func aCancelledReceiveGivesBackAtOnceAndUncounted() async throws {
    let directory = try TemporaryDirectory()
    let database = try directory.database()
    let queue = LocalQueue("q", in: database)
    // Cancelled at every moment there is: before, during and after the look.
    for round in 0..<50 {
      let id = try await queue.send(OutgoingMessage(body: [1]))
      let receiving = Task { try await queue.receive(max: 1, wait: .seconds(5), visibility: .seconds(600)) }
      for _ in 0..<round { await Task.yield() }
      receiving.cancel()
      let leases = (try? await receiving.value) ?? []
      let held = try await leases.isEmpty ? queue.receive(max: 1, wait: .zero, visibility: nil) : leases
      #expect(held.map(\.messageID) == [id])
      #expect(held.first?.receiveCount == 1)
      #expect(try await queue.complete(held) == [.done])
    }
  }

  @Test func aQueueIsNotOpenedBothWithAndWithoutGroups() async throws {
    let directory = try TemporaryDirectory()
    let database = try directory.database()
    try await LocalQueue("q", in: database).send(OutgoingMessage(body: [1]))
    let error = await #expect(throws: SDError.self) {
      try await LocalQueue("q", in: database, settings: .init(isFIFO: true)).stats()
    }
    #expect(error?.code == .configuration)
  }

  // MARK: Groups of commits

  @Test func whatOneWriteOfAGroupThrowsSpoilsNoOther() async throws {
    struct Refused: Error {}
    let directory = try TemporaryDirectory()
    let database = try directory.database(durability: .durable)
    let outcomes = await withTaskGroup(of: (Int, Bool).self) { group in
      for n in 0..<200 {
        group.addTask {
          do {
            try await database.write { transaction in
              try transaction.run("INSERT INTO meta (name, value) VALUES (?, ?)", ["n\(n)", "x"])
              if n % 3 == 0 { throw Refused() }
              // A statement that SQLite refuses undoes itself only; the rest of the write must go with it.
              if n % 3 == 1 { try transaction.run("INSERT INTO meta (name, value) VALUES (?, ?)", ["n\(n)", "twice"]) }
            }
            return (n, true)
          } catch {
            return (n, false)
          }
        }
      }
      return await group.reduce(into: [Int: Bool]()) { $0[$1.0] = $1.1 }
    }
    #expect(outcomes.count == 200)
    #expect(outcomes.allSatisfy { $0.value == ($0.key % 3 == 2) })
    let stored = try await database.read { db in
      try String.fetchAll(db, sql: "SELECT name FROM meta WHERE name LIKE 'n%'")
    }
    #expect(Set(stored) == Set((0..<200).filter { $0 % 3 == 2 }.map { "n\($0)" }))
  }

  @Test func aRivalThatHoldsTheDatabaseIsWaitedForOnceAGroupAndNotOnceAWrite() async throws {
    let directory = try TemporaryDirectory()
    let database = try directory.database(durability: .durable, patience: .milliseconds(200))
    let begun = Begun()
    try await database.connection.writeWithoutTransaction { db in
      db.trace { if "\($0)".hasPrefix("BEGIN") { begun.count.withLock { $0 += 1 } } }
    }
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let rival = try DatabaseQueue(path: directory.path + "/state.sqlite", configuration: configuration)
    try await rival.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
    @Sendable func write(_ n: Int) async -> SDError.Code? {
      do {
        try await database.write { try $0.run("INSERT INTO meta (name, value) VALUES (?, 'x')", ["n\(n)"]) }
        return nil
      } catch { return (error as? SDError)?.code }
    }
    let outcomes = await withTaskGroup(of: SDError.Code?.self) { group in
      for n in 0..<40 { group.addTask { await write(n) } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes == Array(repeating: .unavailable, count: 40))
    // Each transaction was tried once, however many writes there were in it.
    #expect(begun.count.withLock { $0 } <= 40)
    try await rival.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    #expect(await write(0) == nil)
  }

  @Test func gatheringWaitsForThoseWhoWereJustAnsweredAndLearnsWhenTheyDoNotCome() {
    var tuning = GatherTuning()
    #expect(tuning.expected(waiting: 1) == 0, "nobody was answered yet")
    tuning.committed(4, in: .milliseconds(6))
    #expect(tuning.expected(waiting: 4) == 8)
    #expect(tuning.patience > .zero && tuning.patience <= .milliseconds(3))
    let before = tuning.patience
    tuning.gathered(4, of: 8)
    #expect(tuning.patience < before)
    tuning.committed(4, in: .microseconds(150))
    #expect(tuning.patience < .microseconds(75), "a quick disk is worth no long wait")
    for _ in 0..<20 { tuning.gathered(1, of: 2) }
    let least = tuning.patience
    for _ in 0..<100 { tuning.committed(4, in: .microseconds(150)) }
    #expect(tuning.patience > least, "a longer wait is tried again some day")
  }
}

/// How many transactions were begun.
private final class Begun: Sendable {
  let count = Mutex(0)
}

/// Counts by name, from several tasks.
private final class Tally: Sendable {
  private let state = Mutex<[String: Int]>([:])
  var counts: [String: Int] { state.withLock { $0 } }
  func add(_ name: String) { state.withLock { $0[name, default: 0] += 1 } }
}
