import Logging
import MemoryPlugins
import MetricsTestKit
import SDTestKit
import Synchronization
import Testing

@testable import SDCore

@Suite("A worker whose leases run out", .timeLimit(.minutes(5)))
struct WorkerLeaseTests {
  @Test("claims nothing by a lease whose time was over when it was received")
  func lateAnswer() async throws {
    let harness = try WorkerHarness()
    let (queue, ledger, metrics) = (StaleQueue(harness.queue), TappedLedger(harness.ledger), TestMetrics())
    try await harness.submit("t1")
    let worker = harness.worker(queue: queue, ledger: ledger, metricsFactory: metrics) { $0.maximumTasks = 1 }
    try await within(.seconds(60), "the message to be let go") { try await worker.run() }
    let record = try #require(try await harness.record("t1"))
    #expect((record.state, record.attempts) == (.queued, 0))
    #expect(ledger.tap.count(of: .write(.running)) == 0)
    #expect(worker.summary.givenBack == 1 && harness.backend.started.isEmpty)
    #expect(try metrics.expectCounter("sd_leases_lost_total").totalValue == 1)
  }

  @Test("does not start the engine once the lease has run out while the task was prepared")
  func lateForTheEngine() async throws {
    let clock = ManualClock()
    let harness = try WorkerHarness(clocks: clock.clocks)
    let backend = TappedBackend(harness.backend)
    backend.tap.on(.prepare) { _ in clock.advance(by: .seconds(40)) }
    try await harness.submit("t1")
    let worker = harness.worker(backend: backend) { $0.maximumTasks = 1 }
    try await within(.seconds(60), "the task to be given back") { try await worker.run() }
    let record = try #require(try await harness.record("t1"))
    #expect((record.state, record.attempts) == (.queued, 0))
    #expect(harness.backend.started.isEmpty)
    #expect(try await harness.queue.receive(max: 1, wait: .zero, visibility: nil).count == 1)
  }

  @Test("does not count a lease as lost whose heartbeat came after its end")
  func heartbeatAfterTheEnd() async throws {
    let (harness, metrics) = (try WorkerHarness(), TestMetrics())
    try await harness.submit("t1")
    let lease = try #require(try await harness.queue.receive(max: 1, wait: .zero, visibility: nil).first)
    let keeper = LeaseKeeper(
      queue: harness.queue, visibility: .seconds(30), clocks: .system,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      metrics: WorkerMetrics(runtime: nil, factory: metrics))
    let held = HeldLease(lease, queue: harness.queue, keeper: keeper)
    _ = try await held.complete()
    held.extended(.lost, until: lease.deadline)
    #expect(!held.isLost)
    #expect(try metrics.expectCounter("sd_leases_lost_total").totalValue == 0)
  }

  @Test("knows how long leases run before it asks for the first one")
  func leaseTimeFirst() async throws {
    let clock = ManualClock()
    let harness = try WorkerHarness(visibility: .seconds(2), clocks: clock.clocks)
    let told = Gate()
    let early = Mutex(0)
    let queue = TappedQueue(harness.queue)
    queue.tap.on(.visibility) { _ in try await told.pass() }
    queue.tap.on(.receive) { _ in if !told.isOpen { early.withLock { $0 += 1 } } }
    try await harness.submit("t1")
    let worker = harness.worker(queue: queue) { ($0.visibility, $0.maximumTasks) = (.seconds(300), 1) }
    async let running: Void = worker.run()
    try await eventually("the queue to be asked") { queue.tap.count(of: .visibility) == 1 }
    // The heartbeat, and whoever waits for the answer or for a message.
    try await clock.untilSleepers(2)
    told.open()
    try await running
    #expect(early.withLock { $0 } == 0)
    #expect(try await harness.record("t1")?.state == .succeeded)
  }

  @Test("gives the engine to nobody while it tells it to stop, although the answer begins")
  func interruptUnderWay() async throws {
    let harness = try WorkerHarness()
    let (told, answer) = (Gate(), Gate())
    harness.backend.script(.hold(answer, then: .succeed), for: "t1")
    let (backend, ledger) = (TappedBackend(harness.backend), TappedLedger(harness.ledger))
    backend.tap.on(.interrupt) { _ in try await told.pass() }
    for id in ["t1", "t2"] { try await harness.submit(id) }
    let worker = harness.worker(backend: backend, ledger: ledger) {
      $0.maximumTasks = 2
      $0.lookAheadMargin = .seconds(60)
    }
    async let running: Void = worker.run()
    try await eventually("the first to run, and the second to wait") {
      harness.backend.starts(of: "t1") == 1 && harness.backend.requests.count == 2
    }
    let entry = try #require(try await harness.ledger.read(RunKey(TaskKey(id: "t1"), run: 1)))
    _ = try await RecordWriter(harness.ledger).apply(to: entry) { record in
      record.cancelRequested = true
      return true
    }
    try await eventually("the interrupt") { backend.tap.count(of: .interrupt) == 1 }
    answer.open()
    try await eventually("the answer") { backend.tap.count(of: .answered) == 1 }
    // Whoever waits for the engine looks at the record every few milliseconds.
    let looks = ledger.tap.count(of: .read)
    try await eventually("looks of the second") {
      ledger.tap.count(of: .read) >= looks + 10 || harness.backend.starts(of: "t2") > 0
    }
    #expect(harness.backend.starts(of: "t2") == 0)
    told.open()
    try await running
    #expect(try await harness.record("t1")?.state == .cancelled)
    #expect(try await harness.record("t2")?.state == .succeeded)
  }
}

/// A queue whose leases have run out by the time that they are told of, as for a process that was stopped meanwhile.
private final class StaleQueue: MessageQueue {
  private let inner: any MessageQueue
  init(_ inner: any MessageQueue) { self.inner = inner }

  var name: String { inner.name }
  var capabilities: QueueCapabilities { inner.capabilities }
  var visibility: Duration { get async throws { try await inner.visibility } }
  func send(_ messages: [OutgoingMessage]) async throws -> [SendOutcome] { try await inner.send(messages) }
  func receive(max: Int, wait: Duration, visibility: Duration?) async throws -> [Lease] {
    try await inner.receive(max: max, wait: wait, visibility: visibility).map { lease in
      var lease = lease
      lease.deadline = Clocks.system.instant.advanced(by: .seconds(-1))
      return lease
    }
  }
  func extend(_ leases: [Lease], visibility: Duration) async throws -> [LeaseOutcome] { leases.map { _ in .lost } }
  func complete(_ leases: [Lease]) async throws -> [LeaseOutcome] { try await inner.complete(leases) }
  func abandon(_ leases: [Lease], after delay: Duration) async throws -> [LeaseOutcome] {
    try await inner.abandon(leases, after: delay)
  }
  func deadLetter(_ leases: [Lease], reason: DeadLetterReason) async throws -> [LeaseOutcome] {
    try await inner.deadLetter(leases, reason: reason)
  }
  func stats() async throws -> QueueStats { try await inner.stats() }
}
