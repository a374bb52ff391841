import GRDB
import SDCore
import SDTestKit
import Testing

@testable import LocalPlugins

/// What the contract's suite does not ask of the ledger: damage, and topics elsewhere.
@Suite struct LocalTaskLedgerTests {
  @Test(arguments: ["json", "context", "reason", "digest"])
  func aChangedRecordIsCorruptAndTheOthersAreAsTheyWere(column: String) async throws {
    let directory = try TemporaryDirectory()
    let recorder = LogRecorder()
    let database = try directory.database(log: recorder)
    let ledger = LocalTaskLedger(in: database)
    for n in 0..<3 { _ = try await ledger.create(record("t\(n)"), request: [UInt8(n)]) }
    try sqlite(
      directory,
      """
      UPDATE record SET \(column) = CAST(
        substr(\(column), 1, length(\(column)) - 2)
          || CASE substr(\(column), -2, 1) WHEN x'20' THEN x'21' ELSE x'20' END || substr(\(column), -1) AS BLOB)
      WHERE task = 't1'
      """)
    let error = await #expect(throws: SDError.self) { try await ledger.read(RunKey(TaskKey(id: "t1"), run: 1)) }
    #expect(error?.code == .corrupt)
    #expect(error?.message.contains("t1") ?? false)
    #expect(try await ledger.read(RunKey(TaskKey(id: "t0"), run: 1))?.request == [0])
    #expect(try await ledger.latest(TaskKey(id: "t2"))?.request == [2])
    let page = try await ledger.page(LedgerQuery())
    #expect(page.records.map(\.key.task.id) == ["t2", "t0"])
    #expect(recorder.errors.count == 1)
  }

  @Test(arguments: [
    "state = 'quened'", "state = NULL", "runtime = 's'", "submission = 'x'", "created = 7", "revision = NULL",
    "expires = 7",
  ])
  func aRecordWhoseColumnsSayOtherwiseIsCorruptAndTheOthersAreAsTheyWere(damage: String) async throws {
    let directory = try TemporaryDirectory()
    let recorder = LogRecorder()
    let ledger = LocalTaskLedger(in: try directory.database(log: recorder))
    for n in 0..<3 { _ = try await ledger.create(record("t\(n)"), request: [UInt8(n)]) }
    try flipped(directory, "UPDATE record SET \(damage) WHERE task = 't1'")
    let error = await #expect(throws: SDError.self) { try await ledger.read(RunKey(TaskKey(id: "t1"), run: 1)) }
    #expect(error?.code == .corrupt)
    #expect(try await ledger.latest(TaskKey(id: "t2"))?.request == [2])
    guard !damage.hasPrefix("revision") else { return }
    let page = try await ledger.page(LedgerQuery(states: [.queued]))
    #expect(page.records.map(\.key.task.id) == ["t2", "t0"])
    #expect(recorder.errors.count == 1, "what is left out is told of")
  }

  @Test(arguments: [
    "runtime = 's'", "runtime = NULL", "runtime = CAST(x'f2' AS TEXT)", "json = x'00'",
    "json = CAST(replace(CAST(json AS TEXT), '\"runtime\":\"r\"', '\"runtime\":\"s\"') AS BLOB)",
  ])
  func aRecordThatIsDamagedIsMissedFromNoListOfARuntimeInSilence(damage: String) async throws {
    let directory = try TemporaryDirectory()
    let recorder = LogRecorder()
    let ledger = LocalTaskLedger(in: try directory.database(log: recorder))
    for n in 0..<3 { _ = try await ledger.create(record("t\(n)"), request: []) }
    _ = try await ledger.create(record("t3", runtime: "other"), request: [])
    try flipped(directory, "UPDATE record SET \(damage) WHERE task = 't1'")
    #expect(try await ledger.page(LedgerQuery(runtime: "r")).records.map(\.key.task.id) == ["t2", "t0"])
    #expect(recorder.errors.count == 1 && recorder.errors[0].contains("t1"), "what is left out is told of")
    #expect(try await ledger.page(LedgerQuery(runtime: "other")).records.map(\.key.task.id) == ["t3"])
  }

  @Test func aChangedRequestIsCorruptForThatTaskAlone() async throws {
    let directory = try TemporaryDirectory()
    let database = try directory.database()
    let ledger = LocalTaskLedger(in: database)
    for n in 0..<2 { _ = try await ledger.create(record("t\(n)"), request: [1, 2, 3]) }
    try sqlite(directory, "UPDATE request SET bytes = x'010203FF' WHERE record = 1")
    let error = await #expect(throws: SDError.self) { try await ledger.latest(TaskKey(id: "t0")) }
    #expect(error?.code == .corrupt)
    #expect(try await ledger.latest(TaskKey(id: "t1"))?.request == [1, 2, 3])
  }

  @Test func clientsValuesKeepDigitsAndTheOrderOfMembers() async throws {
    let directory = try TemporaryDirectory()
    let ledger = LocalTaskLedger(in: try directory.database())
    var record = record("t")
    let text = #"{"z":1.0,"a":18446744073709551617,"m":[1e2,{"y":null,"b":0.10}]}"#
    record.context = try JSONValue(parsing: text)
    record.error = TaskError(.engineFailed, .infer, "no", reason: try JSONValue(parsing: text))
    _ = try await ledger.create(record, request: [])
    let read = try #require(try await ledger.latest(TaskKey(id: "t"))).record
    #expect(read.context?.text == text)
    #expect(read.error?.reason?.text == text)
  }

  @Test func aTopicOfAnotherDirectoryIsPublishedToAfterTheRecord() async throws {
    let (here, there) = (try TemporaryDirectory(), try TemporaryDirectory())
    let ledger = LocalTaskLedger(in: try here.database())
    let elsewhere = try there.database()
    let topic = LocalTopic("tasks", in: elsewhere)
    try await topic.subscribe(.init(queue: "q"))
    _ = try await ledger.create(record("t"), request: [], publishing: { _ in Publication(body: [0x31]) }, on: topic)
    #expect(try await LocalQueue("q", in: elsewhere).stats().waiting == 1)
  }

  @Test func aFilteredPageGoesOnPastMoreRecordsThanOnePageLooksThrough() async throws {
    let directory = try TemporaryDirectory()
    let database = try directory.database()
    let ledger = LocalTaskLedger(in: database)
    _ = try await ledger.create(record("old", runtime: "rare", at: 1), request: [])
    // Rows of another runtime, straight into the table: creating them one by one would take its time.
    try sqlite(
      directory,
      """
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
      INSERT INTO record (tenant, task, run, submission, created, state, runtime, revision, digest, json)
      SELECT '', 'x' || i, 1, 's' || i, 1000 + i, 'queued', 'common', 1, x'00',
        CAST('{"runtime":"common"}' AS BLOB) FROM n
      """)
    let first = try await ledger.page(LedgerQuery(runtime: "rare"))
    #expect(first.records.isEmpty)
    let second = try await ledger.page(LedgerQuery(runtime: "rare", cursor: first.next))
    #expect(second.records.map(\.key.task.id) == ["old"])
    #expect(second.next == nil)
  }

  @Test func whatIsOverdueIsFoundWhosesoeverItIsAndDamageHidesItselfAlone() async throws {
    let directory = try TemporaryDirectory()
    let recorder = LogRecorder()
    let ledger = LocalTaskLedger(in: try directory.database(log: recorder))
    for tenant in ["", "a", "b"] {
      var due = record("t1")
      due.key.task.tenant = tenant
      due.options.expiresAt = Timestamp(milliseconds: 5000)
      _ = try await ledger.create(due, request: [])
    }
    try sqlite(directory, "UPDATE record SET digest = x'00' WHERE tenant = 'a'")
    let found = try await ledger.overdue(at: Timestamp(milliseconds: 5000), limit: 10)
    #expect(Set(found.map(\.record.key.task.tenant)) == ["", "b"])
    #expect(recorder.errors.count == 1)
  }

  @Test func aQueuedRunKnowsWhereItStandsAndABusyTenantStandsBehindAQuietOne() async throws {
    let directory = try TemporaryDirectory()
    let database = try directory.database()
    let (ledger, topic) = (LocalTaskLedger(in: database), LocalTopic("tasks", in: database))
    let queue = LocalQueue("q", in: database)
    try await topic.subscribe(.init(queue: "q"))
    func submit(_ id: String, of tenant: String) async throws {
      _ = try await ledger.create(
        record(id), request: [], publishing: { _ in Publication(body: [0x31], groupID: tenant) }, on: topic)
    }
    func position(_ id: String, limit: Int = 100) async throws -> Int? {
      try await ledger.position(of: RunKey(TaskKey(id: id), run: 1), limit: limit)
    }
    for n in 1...4 { try await submit("busy\(n)", of: "busy") }
    try await submit("quiet", of: "quiet")
    #expect(try await position("busy1") == 1)
    #expect(try await position("quiet") == 2)
    #expect(try await position("busy4") == 5)
    #expect(try await position("busy4", limit: 4) == nil)
    #expect(try await position("nobody") == nil)
    _ = try await queue.receive(max: 1, wait: .zero, visibility: nil)
    #expect(try await position("busy1") == nil)
    #expect(try await position("quiet") == 1)
  }

  @Test(arguments: [true, false])
  func aRunWhoseMessageIsDamagedIsFoundAndNoOther(hasLetters: Bool) async throws {
    let directory = try TemporaryDirectory()
    let database = try directory.database()
    let (ledger, topic) = (LocalTaskLedger(in: database), LocalTopic("tasks", in: database))
    let queue = LocalQueue("q", in: database, settings: .init(deadLetterQueue: hasLetters ? "q-dlq" : nil))
    try await topic.subscribe(.init(queue: "q", rawDelivery: true))
    for id in ["good", "bad"] {
      _ = try await ledger.create(
        record(id), request: [], publishing: { _ in Publication(body: Array(id.utf8)) }, on: topic)
    }
    try sqlite(directory, "UPDATE payload SET body = x'00' WHERE body = CAST('bad' AS BLOB)")
    #expect(try await ledger.stranded(limit: 10).isEmpty)
    #expect(try await queue.receive(max: 10, wait: .zero, visibility: nil).map(\.body) == [Array("good".utf8)])
    let found = try await ledger.stranded(limit: 10)
    #expect(found.map(\.record.key.task.id) == ["bad"])
    var ended = try #require(found.first)
    ended.record.state = .failed
    _ = try await ledger.update(ended)
    #expect(try await ledger.stranded(limit: 10).isEmpty)
  }

  private func record(_ id: String, runtime: String = "r", at milliseconds: Int64? = nil) -> TaskRecord {
    let number = Int64(id.filter(\.isNumber)) ?? 0
    let request = TaskRequest(
      api: .v1, key: TaskKey(id: id), runtime: runtime, type: .textToImage, folder: id, context: ["a": 1], content: [:],
      payload: [:])
    var record = TaskRecord(
      request, run: 1, submission: "s-\(id)", digest: "d", at: Timestamp(milliseconds: milliseconds ?? 1000 + number))
    record.error = TaskError(.engineFailed, .infer, "no", reason: ["detail": "x"])
    return record
  }
}
