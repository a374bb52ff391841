import SDCore
import SDTestKit
import Synchronization
import Testing

@Suite("A worker that looks after its engine", .timeLimit(.minutes(5)))
struct WorkerCareTests {
  @Test("takes nothing while the engine works with another model than the runtime's")
  func otherModel() async throws {
    let harness = try WorkerHarness()
    var description = try await harness.backend.describe()
    description.loadedModel = "other.safetensors"
    harness.backend.setDescription(description)
    try await harness.submit("t1")
    let asked = Mutex(0)
    let backend = TappedBackend(harness.backend) { [backend = harness.backend] in
      asked.withLock { $0 += 1 }
      return await backend.status()
    }
    let worker = harness.worker(backend: backend) {
      $0.model = "model.safetensors"
      $0.maximumTasks = 1
      $0.enginePollInterval = .milliseconds(2)
    }
    async let running: Void = worker.run()
    try await eventually("the engine to be asked again and again") { asked.withLock { $0 } >= 4 }
    #expect(!worker.isReady && worker.summary.taken == 0)
    description.loadedModel = "model.safetensors"
    harness.backend.setDescription(description)
    try await running
    #expect(try await harness.record("t1")?.state == .succeeded)
  }

  @Test("leaves the choice of the model to tasks that may make it")
  func dynamicModel() async throws {
    let harness = try WorkerHarness()
    try await harness.submit("t1")
    try await harness.work {
      $0.model = "other.safetensors"
      $0.dynamicModel = true
    }
    #expect(try await harness.record("t1")?.state == .succeeded)
  }

  @Test("is ready once the engine has made a small picture, and again after it was away")
  func warmUp() async throws {
    let harness = try WorkerHarness()
    let gate = Gate()
    harness.backend.script(.hold(gate, then: .succeed), for: "warm-up")
    try await harness.submit("t1")
    let absences = Mutex(0)
    let backend = TappedBackend(harness.backend) { [backend = harness.backend] in
      let status = await backend.status()
      if case .unavailable = status { absences.withLock { $0 += 1 } }
      return status
    }
    let worker = harness.worker(backend: backend) {
      $0.warmUp = PixelSize(width: 64, height: 48)
      $0.enginePollInterval = .milliseconds(5)
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await worker.run() }
      try await harness.backend.untilStarted(1)
      #expect(!worker.isReady && worker.summary.taken == 0)
      let content = try #require(harness.backend.requests.first?.content)
      #expect((content["width"]?.int, content["height"]?.int, content["steps"]?.int) == (64, 48, 1))
      gate.open()
      try await eventually("the task to be done") { try await harness.record("t1")?.state == .succeeded }
      #expect(worker.isReady)
      harness.backend.setStatus(.unavailable("gone"))
      harness.backend.script(.fail(TaskError(.engineUnreachable, .infer, "gone")), for: "t2")
      try await harness.submit("t2")
      try await eventually("the loss to be seen") { absences.withLock { $0 } >= 1 && !worker.isReady }
      harness.backend.setStatus(.ready(busy: false))
      try await eventually("the second task to be done") { try await harness.record("t2")?.state == .succeeded }
      group.cancelAll()
      do { try await group.waitForAll() } catch is CancellationError {}
    }
    #expect(harness.backend.starts(of: "warm-up") == 2)
    #expect(try await harness.record("warm-up") == nil)
    #expect(try await harness.keys().allSatisfy { !$0.contains("warm-up") })
  }

  @Test("goes on without a warm-up that its engine cannot do")
  func noWarmUp() async throws {
    let harness = try WorkerHarness()
    harness.backend.script(.fail(TaskError(.engineRejected, .infer, "no such size")), for: "warm-up")
    try await harness.submit("t1")
    try await harness.work { $0.warmUp = PixelSize(width: 64, height: 64) }
    #expect(try await harness.record("t1")?.state == .succeeded)
    #expect(harness.backend.starts(of: "warm-up") == 1)
  }

  @Test("has an engine that has grown let go of memory before the next task, and leaves it alone for a while")
  func memory() async throws {
    let harness = try WorkerHarness()
    harness.backend.setMemory(.init(before: 2000, after: 500))
    for number in 1...3 { try await harness.submit("t\(number)") }
    try await harness.work(3) { $0.engineMemoryLimit = 1000 }
    let first = harness.backend.calls.firstIndex(of: .recycle)
    let run = harness.backend.calls.firstIndex { if case .run = $0 { true } else { false } }
    #expect(harness.backend.calls.count { $0 == .recycle } == 1)
    #expect(try #require(first) < #require(run))
  }

  @Test("does the held tasks for the loaded model first where that is wanted")
  func affinity() async throws {
    let harness = try WorkerHarness()
    let gate = Gate()
    harness.backend.script(.succeed, .hold(gate, then: .succeed))
    let ledger = TappedLedger(harness.ledger)
    for (number, model) in ["a", "a", "b", "a", "b"].enumerated() {
      let scripts: JSONValue = [
        "task": "text-to-image", "id_task": .string("t\(number)"), "sd_model_checkpoint": .string(model),
      ]
      try await harness.send(
        ["alwayson_scripts": scripts, "prompt": "a cat", "s3_output_path": .string("out/t\(number)")],
        messageID: "m\(number)")
    }
    let worker = harness.worker(ledger: ledger) {
      $0.dynamicModel = true
      $0.prefersLoadedModel = true
      $0.maximumTasks = 5
    }
    async let running: Void = worker.run()
    try await eventually("all to be prepared") { harness.backend.requests.count == 5 }
    // Whoever waits for the engine looks at the record every few milliseconds.
    let looks = ledger.tap.count(of: .read)
    try await eventually("all to wait") { ledger.tap.count(of: .read) >= looks + 30 }
    gate.open()
    try await running
    // Whichever came second, those of its model come before the others.
    let models = harness.backend.started.dropFirst().map { ["t2", "t4"].contains($0.task.id) ? "b" : "a" }
    #expect(models == ["a", "a", "b", "b"] || models == ["b", "b", "a", "a"])
    #expect(Set(harness.backend.started.map(\.task.id)).count == 5)
  }

  @Test("receives before the queue has told how long its leases run, and makes these that short")
  func leaseTime() async throws {
    let harness = try WorkerHarness(visibility: .seconds(2))
    let (told, done) = (Gate(), Gate())
    harness.backend.script(.hold(done, then: .succeed))
    let queue = TappedQueue(harness.queue)
    queue.tap.on(.visibility) { _ in try await told.pass() }
    try await harness.submit("t1")
    let worker = harness.worker(queue: queue) {
      $0.visibility = .seconds(300)
      $0.maximumTasks = 1
    }
    async let running: Void = worker.run()
    try await harness.backend.untilStarted(1)
    #expect(queue.tap.count(of: .extend) == 0)
    told.open()
    try await eventually("the lease to be shortened, and kept at that pace") { queue.tap.count(of: .extend) >= 2 }
    done.open()
    try await running
    #expect(try await harness.record("t1")?.state == .succeeded)
  }

  @Test("takes messages one by one after a receive that failed, since one of several may have spoilt the answer")
  func oneByOne() async throws {
    let harness = try WorkerHarness()
    let queue = AskedQueue(harness.queue, spoils: true)
    for number in 1...8 { try await harness.submit("t\(number)") }
    try await harness.work(8, queue: queue) { $0.lookAheadMargin = .seconds(60) }
    let asked = queue.asked.withLock { $0 }
    #expect(asked.contains { $0 > 1 })
    let failure = try #require(asked.firstIndex { $0 > 1 })
    #expect(asked[(failure + 1)...].allSatisfy { $0 == 1 })
    for number in 1...8 { #expect(try await harness.record("t\(number)")?.state == .succeeded) }
  }

  @Test("takes messages one by one from a queue that keeps an order")
  func ordered() async throws {
    let harness = try WorkerHarness()
    let queue = AskedQueue(harness.queue, abilities: .groups)
    for number in 1...8 { try await harness.submit("t\(number)") }
    try await harness.work(8, queue: queue) { $0.lookAheadMargin = .seconds(60) }
    #expect(queue.asked.withLock { $0 }.allSatisfy { $0 == 1 })
  }

  @Test("ends a task that is cancelled while it waits for the engine, however long the engine has another")
  func cancelledWhileWaiting() async throws {
    let harness = try WorkerHarness()
    let gate = Gate()
    harness.backend.script(.succeed, .hold(gate, then: .succeed))
    for number in 1...2 { try await harness.submit("t\(number)") }
    let worker = harness.worker {
      $0.maximumTasks = 3
      // However long the first took here, the third is taken ahead.
      $0.lookAheadMargin = .seconds(60)
    }
    async let running: Void = worker.run()
    try await eventually("the second to run") { harness.backend.started.count == 2 }
    try await harness.submit("t3")
    try await eventually("the third to be prepared") { harness.backend.requests.count == 3 }
    let entry = try #require(try await harness.ledger.read(RunKey(TaskKey(id: "t3"), run: 1)))
    _ = try await RecordWriter(harness.ledger).apply(to: entry) { record in
      record.cancelRequested = true
      return true
    }
    // Not when its turn has come: the engine is another's yet.
    try await eventually("the third to end") { try await harness.record("t3")?.state == .cancelled }
    // Which of the first two came second to the engine, where it is held, is nobody's promise.
    let states = try await [harness.record("t1")?.state, harness.record("t2")?.state]
    #expect(states.contains(.running))
    gate.open()
    try await running
    #expect(harness.backend.starts(of: "t3") == 0)
  }

  @Test("gives a task back that waits behind one which takes far longer than others", arguments: [true, false])
  func waitsInVain(isFirst: Bool) async throws {
    let harness = try WorkerHarness()
    let gate = Gate()
    if !isFirst { harness.backend.script(.succeed) }
    harness.backend.script(.hold(gate, then: .succeed))
    for number in 1...3 { try await harness.submit("t\(number)") }
    let worker = harness.worker {
      $0.lookAheadMargin = .milliseconds(300)
      $0.maximumTasks = isFirst ? 2 : 3
    }
    async let running: Void = worker.run()
    try await eventually("the last to be given back") { worker.summary.givenBack == 1 }
    gate.open()
    try await running
    // Which of those taken together comes to the engine first is nobody's promise.
    var (done, waiting) = (0, 0)
    for number in 1...3 {
      guard let record = try await harness.record("t\(number)") else { continue }
      if record.state == .succeeded { done += 1 }
      if (record.state, record.attempts) == (.queued, 0) { waiting += 1 }
    }
    #expect((done, waiting) == (isFirst ? (1, 2) : (2, 1)))
  }

  @Test("drains on a notice that its machine is about to go")
  func drained() async throws {
    let harness = try WorkerHarness()
    let gate = Gate()
    harness.backend.script(.succeed, .hold(gate, then: .succeed))
    for number in 1...2 { try await harness.submit("t\(number)") }
    let worker = harness.worker { $0.lookAheadMargin = .seconds(60) }
    async let running: Void = worker.run()
    try await eventually("the second to run") { harness.backend.started.count == 2 }
    try await harness.submit("t3")
    try await eventually("the third to be prepared") { harness.backend.requests.count == 3 }
    worker.beginDrain()
    #expect(!worker.isReady)
    try await eventually("the third to be given back") { worker.summary.givenBack == 1 }
    gate.open()
    try await running
    #expect(try await harness.record("t2")?.state == .succeeded)
    let third = try #require(try await harness.record("t3"))
    #expect((third.state, third.attempts) == (.queued, 0))
  }
}

/// A queue that notes how many messages are asked for, and whose answers with more than one cannot be read where it
/// `spoils` them.
private final class AskedQueue: MessageQueue {
  let inner: any MessageQueue
  let abilities: QueueCapabilities.Ability
  let spoils: Bool
  let asked = Mutex([Int]())

  init(_ inner: any MessageQueue, abilities: QueueCapabilities.Ability = [], spoils: Bool = false) {
    (self.inner, self.abilities, self.spoils) = (inner, abilities, spoils)
  }

  var name: String { inner.name }
  var capabilities: QueueCapabilities {
    var capabilities = inner.capabilities
    capabilities.abilities.formUnion(abilities)
    return capabilities
  }
  var visibility: Duration { get async throws { try await inner.visibility } }
  func send(_ messages: [OutgoingMessage]) async throws -> [SendOutcome] { try await inner.send(messages) }
  func receive(max: Int, wait: Duration, visibility: Duration?) async throws -> [Lease] {
    asked.withLock { $0.append(max) }
    guard max == 1 || !spoils else { throw SDError(.unavailable, "the answer is no XML") }
    return try await inner.receive(max: max, wait: wait, visibility: visibility)
  }
  func extend(_ leases: [Lease], visibility: Duration) async throws -> [LeaseOutcome] {
    try await inner.extend(leases, visibility: visibility)
  }
  func complete(_ leases: [Lease]) async throws -> [LeaseOutcome] { try await inner.complete(leases) }
  func abandon(_ leases: [Lease], after delay: Duration) async throws -> [LeaseOutcome] {
    try await inner.abandon(leases, after: delay)
  }
  func deadLetter(_ leases: [Lease], reason: DeadLetterReason) async throws -> [LeaseOutcome] {
    try await inner.deadLetter(leases, reason: reason)
  }
  func stats() async throws -> QueueStats { try await inner.stats() }
}
