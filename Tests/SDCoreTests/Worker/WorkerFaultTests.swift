import MemoryPlugins
import Metrics
import MetricsTestKit
import SDCore
import SDTestKit
import Synchronization
import Testing

@Suite("A worker whose queue or ledger fails", .timeLimit(.minutes(5)))
struct WorkerFaultTests {
  private let down = SDError(.unavailable, "it is down")

  @Test("completes a message again when completing it failed, or when nobody knows whether it did")
  func completesAgain() async throws {
    let harness = try WorkerHarness()
    let queue = TappedQueue(harness.queue)
    queue.tap.on(.complete) { number in if number <= 2 { throw self.down } }
    try await harness.submit("t1")
    try await harness.work(queue: queue)
    #expect(queue.tap.count(of: .complete) == 3)
    #expect(try await harness.isDrained())
    #expect(harness.backend.started.count == 1)
    #expect(try await harness.heard().map(\.id) == ["t1/1/succeeded"])
  }

  @Test("keeps a lease although one heartbeat hangs and one fails")
  func heartbeatsHang() async throws {
    let clock = ManualClock()
    let harness = try WorkerHarness(clocks: clock.clocks)
    let gate = Gate()
    harness.backend.script(.hold(gate, then: .succeed))
    let queue = TappedQueue(harness.queue)
    queue.tap.on(.extend) { number in
      if number == 1 { try await Gate().pass() }
      if number == 2 { throw self.down }
    }
    try await harness.submit("t1")
    let worker = harness.worker(queue: queue) {
      $0.maximumTasks = 1
      $0.cancelInterval = .seconds(4000)
    }
    async let running: Void = worker.run()
    try await harness.backend.untilStarted(1)
    // Nothing at 5 s; the call of 10 s hangs until its limit at 15 s; that of 20 s fails; 25, 35, ... 85 s.
    try await clock.turn(every: .seconds(5), [1, 1, 1, 2] + (5...18).map { $0.isMultiple(of: 2) ? 1 : 2 })
    let stolen = try await harness.queue.receive(max: 1, wait: .zero, visibility: nil)
    #expect(stolen.isEmpty)
    #expect(queue.tap.count(of: .extend) == 9)
    gate.open()
    try await running
    #expect(try await harness.record("t1")?.attempts == 1)
  }

  @Test("asks for no more of a lease than the queue allows in all, and finishes without it")
  func longestLease() async throws {
    let clock = ManualClock()
    let harness = try WorkerHarness(maximumLease: .seconds(95), clocks: clock.clocks)
    let gate = Gate()
    harness.backend.script(.hold(gate, then: .succeed))
    let queue = TappedQueue(harness.queue)
    try await harness.submit("t1")
    let metrics = TestMetrics()
    let worker = harness.worker(queue: queue, metricsFactory: metrics) {
      $0.maximumTasks = 1
      $0.cancelInterval = .seconds(4000)
    }
    async let running: Void = worker.run()
    try await harness.backend.untilStarted(1)
    // At 10, 20, ... 60 s by 30 s each; at 70 s by what is left; nothing past its end.
    try await clock.turn(every: .seconds(5), (1...26).map { $0.isMultiple(of: 2) && $0 <= 14 ? 2 : 1 })
    #expect(queue.extensions == Array(repeating: .seconds(30), count: 6) + [.seconds(25)])
    #expect(try metrics.expectCounter("sd_leases_lost_total").totalValue == 1)
    gate.open()
    try await running
    #expect(try await harness.heard().map(\.id) == ["t1/1/succeeded"])
  }

  @Test("knows its own commit again whose answer was lost, and announces it at once")
  func lostAnswer() async throws {
    let harness = try WorkerHarness()
    let ledger = TappedLedger(harness.ledger)
    ledger.tap.on(.written(.succeeded)) { number in if number == 1 { throw self.down } }
    try await harness.submit("t1")
    try await harness.work(ledger: ledger)
    #expect(try await harness.isDrained())
    #expect(harness.backend.started.count == 1)
    #expect(try await harness.heard().map(\.id) == ["t1/1/succeeded"])
    #expect(try await harness.keys() == ["t1/t1-1.png", "t1/t1.json", "t1/t1.out"])
  }

  @Test("keeps the letter of a failed task although it could not be moved at first")
  func letterAfterAll() async throws {
    let harness = try WorkerHarness()
    harness.backend.usually(.fail(TaskError(.engineFailed, .infer, "broken")))
    let queue = TappedQueue(harness.queue)
    queue.tap.on(.deadLetter) { number in if number == 1 { throw SDError(.denied, "not now") } }
    try await harness.submit("t1")
    try await harness.work(2, queue: queue) { $0.maximumAttempts = 1 }
    #expect(try await harness.letterCodes() == ["engine_failed"])
    #expect(try await harness.isDrained())
    #expect(harness.backend.started.count == 1)
    #expect(try await Set(harness.heard().map(\.id)) == ["t1/1/failed"])
  }

  @Test("completes what has failed where there is no dead-letter queue, and keeps what is no task")
  func noLetters() async throws {
    let harness = try WorkerHarness()
    harness.backend.usually(.fail(TaskError(.engineFailed, .infer, "broken")))
    let queue = TappedQueue(harness.queue, without: .deadLetter)
    try await harness.submit("t1")
    try await harness.work(queue: queue) { $0.maximumAttempts = 1 }
    #expect(try await harness.record("t1")?.state == .failed)
    #expect(try await harness.isDrained())
    try await harness.queue.send(OutgoingMessage(body: Array("no task".utf8)))
    try await harness.work(queue: queue) { $0.retryDelay = .seconds(60) }
    #expect(try await harness.queue.stats().delayed == 1)
  }

  @Test("sets a task aside whose record is damaged, and goes on with the others")
  func damagedRecord() async throws {
    let harness = try WorkerHarness()
    let ledger = TappedLedger(harness.ledger)
    ledger.tap.on(.write(.running)) { number in if number == 1 { throw SDError(.corrupt, "the record is damaged") } }
    try await harness.submit("t1")
    try await harness.submit("t2")
    try await harness.work(2, ledger: ledger)
    #expect(try await harness.letterCodes() == ["corrupt"])
    #expect(try await harness.record("t2")?.state == .succeeded)
    #expect(try await harness.isDrained())
  }

  @Test("makes the record again that the ledger has lost")
  func lostRecord() async throws {
    let (other, harness) = (try WorkerHarness(), try WorkerHarness())
    try await other.submit("t1")
    let lease = try #require(try await other.queue.receive(max: 1, wait: .zero, visibility: nil).first)
    try await harness.queue.send(OutgoingMessage(body: lease.body, attributes: lease.attributes))
    try await harness.work()
    let record = try #require(try await harness.record("t1"))
    #expect((record.state, record.attempts) == (.succeeded, 1))
    let before = try #require(try await other.record("t1"))
    #expect((record.submission, record.createdAt) == (before.submission, before.createdAt))
  }

  @Test("does not take a time out of this world for a submission's")
  func strangeTimes() throws {
    func ticket(_ time: String) -> SubmissionTicket? {
      SubmissionTicket([SubmissionTicket.attribute: .string(#"{"s":"a","n":1,"v":"1","c":\#(time)}"#)])
    }
    #expect(ticket("1767225600000") != nil)
    for time in ["-1", "253402300800000", "9223372036854775807", "1e300", "null"] { #expect(ticket(time) == nil) }
  }
}
