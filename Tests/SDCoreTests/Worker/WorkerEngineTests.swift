import MemoryPlugins
import SDCore
import SDTestKit
import Synchronization
import Testing

@Suite("A worker whose engine fails", .timeLimit(.minutes(5)))
struct WorkerEngineTests {
  @Test("bears failures before the engine was started longer than attempts, and counts them apart")
  func setbacks() async throws {
    let harness = try WorkerHarness()
    let input: JSONValue = ["init_images": ["https://example.com/gone.png"]]
    try await harness.submit(["id": "t1", "runtime": "sdruntime", "type": "image-to-image", "content": input])
    try await harness.work(4) { $0.maximumAttempts = 2 }
    let record = try #require(try await harness.record("t1"))
    #expect((record.state, record.attempts, record.setbacks) == (.failed, 0, 3))
    #expect(record.error?.code == .inputUnreachable)
    #expect(harness.inputs.fetched.count == 4)
    #expect(harness.backend.started.isEmpty)
    #expect(try await harness.letterCodes() == ["input_unreachable"])
    #expect(try await harness.heard().map(\.id) == ["t1/1/failed"])
  }

  @Test("sends nothing to an engine that still works on what was given up")
  func waitsUntilIdle() async throws {
    let harness = try WorkerHarness()
    let story = Mutex<[String]>([])
    harness.backend.script(.hang)
    let backend = TappedBackend(harness.backend) { [backend = harness.backend] in
      let busy = story.withLock { story in
        guard story.contains("interrupt"), story.count(where: { $0 == "busy" }) < 3 else { return false }
        story.append("busy")
        return true
      }
      return busy ? .ready(busy: true) : await backend.status()
    }
    backend.tap.on(.run) { _ in story.withLock { $0.append("run") } }
    backend.tap.on(.interrupt) { _ in story.withLock { $0.append("interrupt") } }
    try await harness.submit("t1")
    try await harness.work(2, backend: backend) { $0.inferenceTimeout = .milliseconds(100) }
    #expect(story.withLock { $0 } == ["run", "interrupt", "busy", "busy", "busy", "run"])
    #expect(try await harness.record("t1")?.state == .succeeded)
  }

  @Test("takes turns with another worker that drives the same engine")
  func sharedEngine() async throws {
    let harness = try WorkerHarness()
    harness.backend.usually(.delay(.milliseconds(5), then: .succeed))
    for number in 0..<12 { try await harness.submit("t\(number)") }
    let one = harness.worker { $0.maximumTasks = 6 }
    let other = harness.worker("other", beside: one) { $0.maximumTasks = 6 }
    try await within(.seconds(60), "both workers") {
      async let first: Void = one.run()
      async let second: Void = other.run()
      _ = try await (first, second)
    }
    #expect(harness.backend.started.count == 12 && harness.backend.maximumConcurrency == 1)
  }

  @Test("gives a task back that is ready for an engine that has died, without counting an attempt")
  func diedBeforeTheNext() async throws {
    let harness = try WorkerHarness()
    let gate = Gate()
    let gone = TaskError(.engineUnreachable, .infer, "connection reset")
    harness.backend.script(.succeed, .hold(gate, then: .fail(gone)))
    for number in 1...2 { try await harness.submit("t\(number)") }
    let worker = harness.worker {
      $0.lookAheadMargin = .seconds(60)
      $0.engineSettling = .milliseconds(50)
      $0.retryDelay = .seconds(60)
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await worker.run() }
      try await eventually("the second to run") { harness.backend.started.count == 2 }
      try await harness.submit("t3")
      // The third is prepared while the engine works on the second, and dies over it.
      try await eventually("the third to be ready") { harness.backend.requests.count == 3 }
      harness.backend.setStatus(.unavailable("connection refused"))
      gate.open()
      try await eventually("the third to be given back, uncounted") {
        let record = try await harness.record("t3")
        return worker.summary.givenBack == 1 && record?.state == .queued && record?.attempts == 0
      }
      #expect(harness.backend.started.count == 2)
      harness.backend.setStatus(.ready(busy: false))
      try await eventually("the third to be done") { try await harness.record("t3")?.state == .succeeded }
      group.cancelAll()
      do { try await group.waitForAll() } catch is CancellationError {}
    }
    #expect(try await harness.record("t2")?.attempts == 1)
  }

  @Test("sees a stall in an engine that does not even answer how far it is")
  func stalls() async throws {
    let harness = try WorkerHarness()
    harness.backend.script(.hang)
    let backend = TappedBackend(harness.backend)
    backend.tap.on(.progress) { _ in throw TaskError(.engineUnreachable, .infer, "no answer") }
    try await harness.submit("t1")
    try await harness.work(backend: backend) {
      $0.stallTimeout = .milliseconds(100)
      $0.maximumAttempts = 1
    }
    #expect(try await harness.record("t1")?.error?.code == .engineTimeout)
    #expect(harness.backend.interrupted.count == 1)
  }

  @Test("never interrupts an engine whose answer has begun: it is at the next task by then")
  func answerHangs() async throws {
    let harness = try WorkerHarness()
    let backend = TappedBackend(harness.backend)
    backend.tap.on(.answered) { _ in try await Gate().pass() }
    try await harness.submit("t1")
    try await harness.work(backend: backend) {
      $0.inferenceTimeout = .milliseconds(200)
      $0.maximumAttempts = 1
    }
    #expect(try await harness.record("t1")?.error?.code == .engineTimeout)
    #expect(backend.tap.count(of: .interrupt) == 0)
  }

  @Test("keeps an attempt's time although the ledger hangs")
  func deadlineWithoutLedger() async throws {
    let harness = try WorkerHarness()
    harness.backend.script(.hang)
    let ledger = TappedLedger(harness.ledger)
    ledger.tap.on(.read) { _ in try await Gate().pass() }
    try await harness.submit("t1")
    try await harness.work(ledger: ledger) {
      $0.inferenceTimeout = .milliseconds(200)
      $0.maximumAttempts = 1
    }
    #expect(try await harness.record("t1")?.error?.code == .engineTimeout)
  }

  @Test("tells a start beside the work, and never lets it hold the task up")
  func slowRunningNotice() async throws {
    let harness = try WorkerHarness()
    let events = TappedTopic(harness.events)
    events.tap.on("t1/1/running") { _ in try await Gate().pass() }
    try await harness.submit("t1")
    try await harness.submit("t2")
    let gate = Gate()
    harness.backend.script(.hold(gate, then: .succeed), for: "t2")
    let worker = harness.worker(events: events) {
      $0.announcesStart = true
      $0.maximumTasks = 2
    }
    async let running: Void = worker.run()
    try await eventually("the second start to be told") { try await harness.notices.stats().waiting == 2 }
    gate.open()
    try await running
    // The engine takes the second while the first is delivered: which is told first is not said.
    let told = try await harness.heard().map(\.id)
    #expect(told.sorted() == ["t1/1/succeeded", "t2/1/running", "t2/1/succeeded"] && told.last == "t2/1/succeeded")
  }

  @Test("takes the next task while one that needs no engine is still being put away", arguments: [true, false])
  func needsNoEngine(isPoison: Bool) async throws {
    let harness = try WorkerHarness()
    let queue = TappedQueue(harness.queue)
    let gate = Gate()
    queue.tap.on(isPoison ? .deadLetter : .complete) { if $0 == 1 { try await gate.pass() } }
    if isPoison {
      try await harness.queue.send(OutgoingMessage(body: Array("nonsense".utf8)))
    } else {
      let entry = try await harness.submit("t1")
      _ = try await RecordWriter(harness.ledger).apply(to: entry) { record in
        record.state = .cancelled
        return true
      }
    }
    try await harness.submit("t2")
    let worker = harness.worker(queue: queue) { $0.maximumTasks = 2 }
    async let running: Void = worker.run()
    try await harness.backend.untilStarted(1)
    gate.open()
    try await running
    #expect(try await harness.isDrained())
  }

  @Test("takes no further task while what it holds is more than its memory may bear")
  func memoryBudget() async throws {
    let clock = ManualClock()
    let harness = try WorkerHarness(clocks: clock.clocks)
    let (store, queue) = (TappedStore(harness.store), TappedQueue(harness.queue))
    let gates = (1...3).map { _ in Gate() }
    for (number, gate) in zip(1..., gates) {
      store.tap.on("t\(number)/t\(number)-1.png") { _ in try await gate.pass() }
      try await harness.submit("t\(number)")
    }
    let backend = TappedBackend(harness.backend)
    let worker = harness.worker(backend: backend, store: store, queue: queue) {
      $0.memoryBudget = 100
      $0.maximumTasks = 3
    }
    async let running: Void = worker.run()
    for (number, gate) in zip(1..., gates) {
      try await eventually("task \(number) to be put away") { gate.waiting == 1 }
      let receives = queue.tap.count(of: .receive)
      if number < 3 {
        // The heartbeat sleeps, and the receiver, which looks every second whether there is room.
        try await clock.run(until: clock.now.advanced(by: .seconds(3)), with: 2)
        try await clock.untilSleepers(2)
      }
      #expect(queue.tap.count(of: .receive) == receives)
      #expect(backend.tap.count(of: .prepare) == number)
      gate.open()
    }
    try await running
    #expect(try await harness.isDrained())
  }

  @Test("refuses a task whose images are more than the memory may bear")
  func inputBudget() async throws {
    let harness = try WorkerHarness()
    let places = (1...3).map { "https://example.com/\($0).png" }
    for place in places { harness.inputs.set(place, .success([UInt8](repeating: 1, count: 3000))) }
    let content: JSONValue = ["init_images": .strings(places)]
    try await harness.submit(["id": "t1", "runtime": "sdruntime", "type": "image-to-image", "content": content])
    try await harness.work { $0.memoryBudget = 10_000 }
    #expect(try await harness.record("t1")?.error?.code == .inputRefused)
    #expect(harness.backend.started.isEmpty)
  }
}
