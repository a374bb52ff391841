import MemoryPlugins
import SDCore
import SDTestKit
import Testing

@Suite("What a worker counts as an attempt", .timeLimit(.minutes(5)))
struct WorkerAttemptTests {
  private let harness: WorkerHarness

  init() throws { harness = try WorkerHarness() }

  /// Has the message of t1 handed out once more, as when its holder has died.
  private func handOutAgain() async throws {
    harness.queue.injectDuplicate(of: try #require(try await harness.record("t1")?.claim?.messageID))
  }

  @Test("is no claim whose worker died before the engine was started, however often")
  func diesInPrepare() async throws {
    let claims = 7
    let gates = (1...claims).map { _ in Gate() }
    try await harness.submit("t1")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (number, gate) in zip(1..., gates) {
        let backend = TappedBackend(harness.backend)
        backend.tap.on(.prepare) { _ in try await gate.pass() }
        let worker = harness.worker("\(number)", backend: backend) {
          $0.maximumTasks = 1
          $0.maximumAttempts = 2
        }
        group.addTask { try await worker.run() }
        try await eventually("claim \(number)") { gate.waiting == 1 }
        if number < claims { try await handOutAgain() }
      }
      gates.last?.open()
      try await eventually("the last to be done") { try await harness.record("t1")?.state == .succeeded }
      for gate in gates { gate.open() }
      try await group.waitForAll()
    }
    let record = try #require(try await harness.record("t1"))
    #expect((record.attempts, record.claim?.epoch) == (1, claims))
  }

  @Test("is a start, told while the engine works, and at once where somebody has had the run before")
  func toldBesideTheEngine() async throws {
    // An engine each: whoever finds that another has its run stops its engine.
    let (engines, gate) = ([FakeBackend(), FakeBackend()], Gate())
    engines[0].script(.hang)
    engines[1].script(.hold(gate, then: .succeed))
    try await harness.submit("t1")
    let first = harness.worker("one", backend: engines[0]) { $0.maximumTasks = 1 }
    async let firstDone: Void = first.run()
    try await eventually("the first start to be told") { try await harness.record("t1")?.attempts == 1 }
    try await handOutAgain()
    let second = harness.worker("two", backend: engines[1]) {
      $0.maximumTasks = 1
      $0.cancelInterval = .seconds(600)
    }
    async let secondDone: Void = second.run()
    try await eventually("the second start to be told") { try await harness.record("t1")?.attempts == 2 }
    try await firstDone
    gate.open()
    try await secondDone
    let record = try #require(try await harness.record("t1"))
    #expect((record.state, record.attempts, record.claim?.worker) == (.succeeded, 2, "two"))
  }

  @Test("costs a quick task no write of its own")
  func quick() async throws {
    let ledger = TappedLedger(harness.ledger)
    try await harness.submit("t1")
    try await harness.work(ledger: ledger) { $0.cancelInterval = .seconds(600) }
    #expect(ledger.tap.count(of: .write(.running)) == 1 && ledger.tap.count(of: .write(.succeeded)) == 1)
    #expect(try await harness.record("t1")?.attempts == 1)
  }

  @Test("closes a run whose workers died over the engine, after as many starts as are allowed")
  func diesInInference() async throws {
    let engines = (1...3).map { _ in FakeBackend() }
    for engine in engines { engine.script(.hang) }
    try await harness.submit("t1")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 1...3 {
        let worker = harness.worker("\(number)", backend: engines[number - 1]) {
          $0.maximumTasks = 1
          $0.maximumAttempts = 2
        }
        group.addTask { try await worker.run() }
        if number < 3 {
          try await eventually("start \(number)") { try await harness.record("t1")?.attempts == number }
          try await handOutAgain()
        }
      }
      try await eventually("its end") { try await harness.record("t1")?.state == .failed }
      try await group.waitForAll()
    }
    #expect(try await harness.record("t1")?.error?.code == .attemptsExhausted)
    #expect(engines.map(\.started.count) == [1, 1, 0])
  }
}
