import MemoryPlugins
import SDCore
import SDTestKit
import Testing

@Suite("A worker whose task another has taken over", .timeLimit(.minutes(5)))
struct WorkerTakeOverTests {
  private let harness: WorkerHarness
  private let slow = FakeBackend()
  private let answer = Gate()

  init() throws {
    harness = try WorkerHarness()
    slow.usually(.hold(answer, then: .succeed(images: 3)))
    harness.backend.usually(.succeed(images: 2))
  }

  /// Has the first worker's engine answer once its start is in the record.
  private func letAnswer() async throws {
    try await eventually("the first start in the record") { try await harness.record("t1")?.attempts == 1 }
    answer.open()
  }

  /// Has the message of t1 handed out once more, as some queues do.
  private func duplicate() async throws {
    harness.queue.injectDuplicate(of: try #require(try await harness.record("t1")?.claim?.messageID))
  }

  /// Everything is there that the second worker made, and nothing else.
  private func expectTheSecondsWork() async throws {
    let record = try #require(try await harness.record("t1"))
    #expect((record.state, record.claim?.worker) == (.succeeded, "two"))
    #expect(try await harness.keys() == ["t1/t1-1.png", "t1/t1-2.png", "t1/t1.json", "t1/t1.out"])
    for output in record.outputs {
      #expect(try await harness.store.head(output.key).metadata["sd-sha256"] == output.sha256)
    }
    let manifest = try JSONValue(parsing: try await harness.store.get("t1/t1.json").bytes)
    #expect(manifest["outputs"]?.array?.map { $0["sha256"]?.string } == record.outputs.map(\.sha256))
    #expect(manifest["attempt"]?.int == 2)
    #expect(try await Set(harness.heard().map(\.id)) == ["t1/1/succeeded"])
  }

  @Test("overwrites nothing when it wakes between its objects and its manifest")
  func wakesBeforeItsManifest() async throws {
    let (paused, store) = (Gate(), TappedStore(harness.store))
    store.tap.on("t1/t1.json") { _ in try await paused.pass() }
    try await harness.submit("t1")
    let first = harness.worker("one", backend: slow, store: store) { $0.maximumTasks = 1 }
    async let firstDone: Void = first.run()
    try await letAnswer()
    try await eventually("the first worker's pause") { paused.waiting == 1 }
    try await duplicate()
    let second = harness.worker("two") { $0.maximumTasks = 1 }
    try await within(.seconds(60), "the second worker") { try await second.run() }
    paused.open()
    try await firstDone
    try await expectTheSecondsWork()
  }

  @Test("removes nothing that the other is about to commit")
  func wakesBetweenTheOthersObjectsAndCommit() async throws {
    let (pauses, ledgers) = ([Gate(), Gate()], [TappedLedger(harness.ledger), TappedLedger(harness.ledger)])
    for (pause, ledger) in zip(pauses, ledgers) {
      ledger.tap.on(.write(.succeeded)) { number in if number == 1 { try await pause.pass() } }
    }
    try await harness.submit("t1")
    let first = harness.worker("one", backend: slow, ledger: ledgers[0]) { $0.maximumTasks = 1 }
    async let firstDone: Void = first.run()
    try await letAnswer()
    try await eventually("the first worker's pause") { pauses[0].waiting == 1 }
    try await duplicate()
    let second = harness.worker("two", ledger: ledgers[1]) { $0.maximumTasks = 1 }
    async let secondDone: Void = second.run()
    try await eventually("the second worker's pause") { pauses[1].waiting == 1 }
    pauses[0].open()
    try await firstDone
    pauses[1].open()
    try await secondDone
    try await expectTheSecondsWork()
  }

  @Test("leaves nothing behind of a run that fails after an attempt had stored something", arguments: [true, false])
  func failsAfterStoring(refused: Bool) async throws {
    let (paused, ledger) = (Gate(), TappedLedger(harness.ledger))
    ledger.tap.on(.write(.succeeded)) { _ in try await paused.pass() }
    try await harness.submit("t1")
    try await withThrowingTaskGroup(of: Void.self) { group in
      let first = harness.worker("one", backend: slow, ledger: ledger) { $0.maximumTasks = 1 }
      group.addTask { try await first.run() }
      try await letAnswer()
      try await eventually("the first worker's pause") { paused.waiting == 1 }
      group.cancelAll()
      do { try await group.waitForAll() } catch is CancellationError {}
    }
    #expect(try await harness.keys().count == 4)
    if refused {
      harness.backend.script(.fail(TaskError(.engineRejected, .infer, "no")))
    } else {
      let entry = try #require(try await harness.ledger.read(RunKey(TaskKey(id: "t1"), run: 1)))
      _ = try await RecordWriter(harness.ledger).apply(to: entry) { record in
        record.cancelRequested = true
        return true
      }
    }
    try await harness.work()
    #expect(try await harness.record("t1")?.state == (refused ? .failed : .cancelled))
    #expect(try await harness.keys() == ["t1/t1.out"])
  }

  @Test("goes on with a run whose own message is gone, once its holder cannot live any more")
  func forsakenRun() async throws {
    for (age, state) in [(Duration.seconds(60), TaskState.running), (.seconds(3600 * 12), .succeeded)] {
      let harness = try WorkerHarness()
      let entry = try await harness.submit("t1")
      _ = try await RecordWriter(harness.ledger).apply(to: entry) { record in
        record.state = .running
        record.attempts = 1
        let then = Timestamp(milliseconds: harness.system.clocks.timestamp.milliseconds - age.milliseconds)
        record.claim = Claim(token: "theirs", epoch: 1, worker: "gone", messageID: "gone", at: then)
        return true
      }
      try await harness.work()
      #expect(try await harness.record("t1")?.state == state)
      #expect(try await harness.isDrained())
    }
  }

  @Test("replaces what a run left that no record knows of any more")
  func earlierLife() async throws {
    try await harness.store.put(
      "t1/t1-1.png", [1, 2, 3], options: PutOptions(metadata: ["sd-run": "another", "sd-epoch": "7"]))
    try await harness.submit("t1")
    try await harness.work()
    let record = try #require(try await harness.record("t1"))
    #expect((record.state, record.attempts) == (.succeeded, 1))
    #expect(try await harness.store.head("t1/t1-1.png").metadata["sd-sha256"] == record.outputs.first?.sha256)
  }
}
