import MemoryPlugins
import SDCore
import SDTestKit
import Testing

@Suite("Dead letters", .timeLimit(.minutes(5)))
struct DeadLettersTests {
  /// A task that failed for good, its letter, and an engine that is well again.
  private static func failed(_ ids: String...) async throws -> WorkerHarness {
    let harness = try WorkerHarness()
    for id in ids {
      harness.backend.script(.fail(TaskError(.engineFailed, .infer, "broken")))
      try await harness.submit(id)
    }
    try await harness.workUntilEmpty { $0.maximumAttempts = 1 }
    return harness
  }

  @Test("have reasons that every queue takes, whatever they quote")
  func reasons() {
    let reason = DeadLetterReason(
      code: "poison", message: "type \u{FFFF}\u{0}\n" + String(repeating: "\u{1}", count: 1024))
    #expect(reason.message.hasPrefix("type \u{FFFD}\u{FFFD}\n\u{FFFD}"))
    #expect(reason.message.utf8.count <= 1024 && !reason.message.unicodeScalars.contains("\u{1}"))
  }

  @Test("are listed with reason and task")
  func listed() async throws {
    let harness = try await Self.failed("t1")
    try await harness.queue.send(OutgoingMessage(body: Array("not json".utf8)))
    try await harness.workUntilEmpty()
    let letters = try await DeadLetters(of: harness.queue).list(max: 10)
    #expect(letters.map(\.code) == ["engine_failed", "poison"])
    #expect(letters.map { $0.task?.key.id } == ["t1", nil])
    #expect(letters[0].explanation == "broken")
    #expect(letters[0].run == 1)
    #expect(letters[1].problem?.isEmpty == false)
  }

  @Test("sent back open the next run, which succeeds once what was broken is mended")
  func redriven() async throws {
    let harness = try await Self.failed("t1", "t2")
    let letters = try await DeadLetters(of: harness.queue)
    let result = try await letters.redrive(.all)
    #expect(result.done.count == 2)
    #expect(try await letters.list(max: 10).isEmpty)
    try await harness.workUntilEmpty()
    for id in ["t1", "t2"] {
      #expect(try await harness.record(id, run: 1)?.state == .failed)
      #expect(try await harness.record(id, run: 2)?.state == .succeeded)
      #expect(try await harness.record(id, run: 3) == nil)
    }
  }

  @Test("sent back, and killed before they were removed, and sent back again, open one run each")
  func cutShort() async throws {
    let harness = try await Self.failed("t1")
    let dying = DyingQueue(queue: harness.queue)
    await #expect(throws: SDError.self) { try await DeadLetters(of: dying).redrive(.all) }
    #expect(try await harness.queue.stats().waiting == 1)
    let letters = try await DeadLetters(of: harness.queue)
    #expect(try await letters.list(max: 10).count == 1)
    try await eventually("the lease of the dead to run out") { try await harness.letters.stats().waiting == 1 }
    #expect(try await letters.redrive(.all).done.count == 1)
    #expect(try await harness.queue.stats().waiting == 2)
    try await harness.workUntilEmpty()
    #expect(harness.backend.started.count == 2)
    #expect(try await harness.record("t1", run: 2)?.state == .succeeded)
    #expect(try await harness.record("t1", run: 3) == nil)
    #expect(try await Set(harness.heard().map(\.id)) == ["t1/1/failed", "t1/2/succeeded"])
  }

  @Test("can fail, and be sent back, a second time")
  func again() async throws {
    let harness = try await Self.failed("t1")
    let letters = try await DeadLetters(of: harness.queue)
    harness.backend.script(.fail(TaskError(.engineFailed, .infer, "still broken")))
    _ = try await letters.redrive(.all)
    try await harness.workUntilEmpty { $0.maximumAttempts = 1 }
    #expect(try await letters.list(max: 10).map(\.explanation) == ["still broken"])
    _ = try await letters.redrive(.all)
    try await harness.workUntilEmpty()
    #expect(try await harness.record("t1", run: 2)?.state == .failed)
    #expect(try await harness.record("t1", run: 3)?.state == .succeeded)
  }

  @Test("that are poison can be mended and sent back")
  func mended() async throws {
    let harness = try WorkerHarness()
    try await harness.queue.send(OutgoingMessage(body: Array("{".utf8)))
    try await harness.workUntilEmpty()
    let letters = try await DeadLetters(of: harness.queue)
    let letter = try #require(try await letters.list(max: 1).first)
    let body = #"{"metadata":{"id":"m1","runtime":"r","tasktype":"text-to-image"},"content":{"prompt":"a cat"}}"#
    let result = try await letters.redrive(.ids([letter.id]), body: Array(body.utf8))
    #expect(result.done == [letter.id])
    try await harness.workUntilEmpty()
    #expect(try await harness.record("m1")?.state == .succeeded)
  }

  @Test("that the queue moved by itself open the next run, and the run that nobody had ended is closed and announced")
  func movedByQueue() async throws {
    let harness = try WorkerHarness()
    try await harness.submit("t1")
    // Received too often by consumers that died, the last one while the engine worked: no reason, and no end.
    let lease = try #require(try await harness.queue.receive(max: 1, wait: .zero, visibility: nil).first)
    let entry = try #require(try await harness.ledger.latest(TaskKey(id: "t1")))
    _ = try await RecordWriter(harness.ledger).apply(to: entry) { record in
      record.state = .running
      record.claim = Claim(token: "dead", epoch: 1, worker: "dead", messageID: lease.messageID, at: record.createdAt)
      return true
    }
    try await harness.letters.send(OutgoingMessage(body: lease.body, attributes: lease.attributes))
    _ = try await harness.queue.complete([lease])
    let letters = try await DeadLetters(of: harness.queue)
    #expect(try await letters.list(max: 10).map(\.code) == [Letter.movedByQueue])
    #expect(try await letters.redrive(.all).done.count == 1)
    try await harness.workUntilEmpty()
    #expect(try await harness.record("t1", run: 1)?.error?.code == .attemptsExhausted)
    #expect(try await harness.record("t1", run: 2)?.state == .succeeded)
    #expect(try await Set(harness.heard().map(\.id)) == ["t1/1/failed", "t1/2/succeeded"])
  }

  @Test("that are not there are named, and the others handled")
  func missing() async throws {
    let harness = try await Self.failed("t1", "t2")
    let letters = try await DeadLetters(of: harness.queue)
    let one = try #require(try await letters.list(max: 1).first)
    let result = try await letters.drop(.ids([one.id, "nobody"]))
    #expect(result.done == [one.id])
    #expect(result.missing == ["nobody"])
    #expect(try await letters.list(max: 10).count == 1)
    #expect(try await harness.letters.stats().waiting == 1)
  }
}

/// A queue whose process dies when a letter is to be removed: it was sent, and lies there still.
private struct DyingQueue: OperableQueue {
  let queue: MemoryQueue
  var isDying = false
  static let death = SDError(.unavailable, "the process died")

  var name: String { queue.name }
  var visibility: Duration { queue.visibility }
  var capabilities: QueueCapabilities { queue.capabilities }
  var operations: QueueOperations { queue.operations }
  func exists() async throws -> Bool { true }
  func peek(max: Int) async throws -> [QueuedMessage] { try await queue.peek(max: max) }
  func purge() async throws -> Int? { try await queue.purge() }
  func deadLetterQueue() async throws -> (any OperableQueue)? {
    queue.deadLetters.map { DyingQueue(queue: $0, isDying: true) }
  }
  func send(_ messages: [OutgoingMessage]) async throws -> [SendOutcome] { try await queue.send(messages) }
  func receive(max: Int, wait: Duration, visibility: Duration?) async throws -> [Lease] {
    // The leases of the dead run out soon.
    try await queue.receive(max: max, wait: wait, visibility: isDying ? .milliseconds(50) : visibility)
  }
  func extend(_ leases: [Lease], visibility: Duration) async throws -> [LeaseOutcome] { throw Self.death }
  func complete(_ leases: [Lease]) async throws -> [LeaseOutcome] { throw Self.death }
  func abandon(_ leases: [Lease], after delay: Duration) async throws -> [LeaseOutcome] { throw Self.death }
  func deadLetter(_ leases: [Lease], reason: DeadLetterReason) async throws -> [LeaseOutcome] { throw Self.death }
  func stats() async throws -> QueueStats { try await queue.stats() }
}
