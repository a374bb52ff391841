import Logging
import MemoryPlugins
import SDCore
import SDTestKit
import ServiceLifecycle
import Synchronization
import Testing

@Suite("A worker", .timeLimit(.minutes(5)))
struct WorkerTests {
  @Test("does a task to its end: outputs, manifest, answer, record, notice, and the message is gone")
  func wholeLife() async throws {
    let harness = try WorkerHarness()
    harness.backend.usually(.succeed(images: 2))
    try await harness.submit("t1")
    try await harness.workUntilEmpty()

    let record = try #require(try await harness.record("t1"))
    #expect(record.state == .succeeded)
    #expect(record.attempts == 1)
    #expect(record.outputs.map(\.key) == ["t1/t1-1.png", "t1/t1-2.png"])
    #expect(try await harness.keys() == ["t1/t1-1.png", "t1/t1-2.png", "t1/t1.json", "t1/t1.out"])
    let heard = try await harness.heard()
    #expect(heard.map(\.id) == ["t1/1/succeeded"])
    #expect(heard.first?.body["image_url"]?.array?.first?.string == "s3://out/t1/t1-1.png")
    let stats = try await harness.queue.stats()
    #expect((stats.waiting, stats.inFlight) == (0, 0))
  }

  @Test("gives an unseeded task the same seed at each attempt")
  func derivedSeed() async throws {
    let harness = try WorkerHarness()
    harness.backend.script(.fail(TaskError(.engineFailed, .infer, "once")))
    try await harness.submit("t1")
    let worker = harness.worker { $0.maximumTasks = 2 }
    try await within(.seconds(60), "two attempts") { try await worker.run() }
    let seeds = harness.backend.requests.map(\.seed)
    #expect(seeds.count == 2)
    #expect(Set(seeds).count == 1)
    #expect(try await harness.record("t1")?.attempts == 2)
  }

  @Test("puts a message that is no task among the dead letters with the reason, and goes on")
  func poison() async throws {
    let harness = try WorkerHarness()
    for body in ["not json", "[1,2]", #"{"Message":"{","MessageId":"m"}"#, #"{"hello":1}"#] {
      try await harness.queue.send(OutgoingMessage(body: Array(body.utf8)))
    }
    try await harness.submit("t1")
    try await harness.workUntilEmpty()
    #expect(try await harness.record("t1")?.state == .succeeded)
    let letters = try await harness.letters.receive(max: 10, wait: .zero, visibility: nil)
    #expect(letters.count == 4)
    for letter in letters { #expect(DeadLetterReason(letter.attributes)?.code == "poison") }
    #expect(harness.backend.started.count == 1)
  }

  @Test("fails a task for good when its engine refuses it, and tells so")
  func permanentFailure() async throws {
    let harness = try WorkerHarness()
    let refusal = TaskError(.engineRejected, .infer, "unknown sampler", reason: ["detail": "no"])
    harness.backend.script(.fail(refusal))
    try await harness.submit("t1")
    try await harness.workUntilEmpty()
    let record = try #require(try await harness.record("t1"))
    #expect(record.state == .failed)
    #expect(record.error?.code == .engineRejected)
    #expect(try await harness.keys() == ["t1/t1.out"])
    #expect(try await harness.heard().map(\.id) == ["t1/1/failed"])
    #expect(try await harness.letters.stats().waiting == 0)
  }

  @Test("keeps the letter of a task that was begun too often, with the reason")
  func exhausted() async throws {
    let harness = try WorkerHarness()
    harness.backend.usually(.fail(TaskError(.engineFailed, .infer, "again and again")))
    try await harness.submit("t1")
    let worker = harness.worker {
      $0.maximumAttempts = 3
      $0.maximumTasks = 3
    }
    try await within(.seconds(60), "three attempts") { try await worker.run() }
    #expect(harness.backend.started.count == 3)
    #expect(try await harness.record("t1")?.state == .failed)
    let letters = try await harness.letters.receive(max: 10, wait: .zero, visibility: nil)
    #expect(letters.map { DeadLetterReason($0.attributes)?.code } == ["engine_failed"])
    #expect(try await harness.heard().map(\.id) == ["t1/1/failed"])
  }

  @Test("opens the next run for a redriven letter, and keeps the old run's record")
  func redriven() async throws {
    let harness = try WorkerHarness()
    harness.backend.script(.fail(TaskError(.engineFailed, .infer, "broken")))
    try await harness.submit("t1")
    try await harness.workUntilEmpty { $0.maximumAttempts = 1 }
    let letter = try #require(try await harness.letters.receive(max: 1, wait: .zero, visibility: nil).first)
    try await harness.queue.send(OutgoingMessage(body: letter.body, attributes: letter.attributes))
    try await harness.workUntilEmpty()
    #expect(try await harness.record("t1", run: 1)?.state == .failed)
    #expect(try await harness.record("t1", run: 2)?.state == .succeeded)
    #expect(try await harness.keys().contains("t1/t1-r2-1.png"))
  }

  @Test("makes two runs of an id used again with another prompt, before the first has ended")
  func idUsedAgain() async throws {
    let harness = try WorkerHarness()
    func payload(_ prompt: String) -> JSONValue {
      [
        "alwayson_scripts": ["task": "text-to-image", "id_task": "307", "sd_model_checkpoint": "model.safetensors"],
        "prompt": .string(prompt), "s3_output_path": "out/307",
      ]
    }
    try await harness.send(payload("a cat"), messageID: "m1")
    try await harness.send(payload("a dog"), messageID: "m2")
    try await harness.workUntilEmpty()
    #expect(try await harness.record("307", run: 1)?.state == .succeeded)
    #expect(try await harness.record("307", run: 2)?.state == .succeeded)
    #expect(try await Set(harness.heard().map(\.id)) == ["307/1/succeeded", "307/2/succeeded"])
    #expect(try await harness.keys().filter { $0.hasSuffix(".png") } == ["307/307-1.png", "307/307-r2-1.png"])
  }

  @Test("joins the same payload while it is unfinished: one run, one inference")
  func joined() async throws {
    let harness = try WorkerHarness()
    let gate = Gate()
    harness.backend.script(.hold(gate, then: .succeed))
    let payload: JSONValue = [
      "alwayson_scripts": ["task": "text-to-image", "id_task": "307", "sd_model_checkpoint": "model.safetensors"],
      "prompt": "a cat", "s3_output_path": "out/307",
    ]
    try await harness.send(payload, messageID: "m1")
    let first = harness.worker("one") { $0.maximumTasks = 1 }
    async let firstDone: Void = first.run()
    try await harness.backend.untilStarted(1)
    try await harness.send(payload, messageID: "m2")
    let second = harness.worker("two") { $0.maximumTasks = 1 }
    try await within(.seconds(60), "the surplus message to be completed") { try await second.run() }
    gate.open()
    try await firstDone
    #expect(harness.backend.started.count == 1)
    #expect(try await harness.record("307", run: 2) == nil)
    let stats = try await harness.queue.stats()
    #expect((stats.waiting, stats.inFlight) == (0, 0))
  }

  @Test("ends a run whose cancellation was asked for before its worker died, without preparing it")
  func cancelledBeforeItsClaim() async throws {
    let harness = try WorkerHarness()
    let entry = try await harness.submit("t1")
    _ = try await RecordWriter(harness.ledger).apply(to: entry) { record in
      record.state = .running
      record.cancelRequested = true
      return true
    }
    let backend = TappedBackend(harness.backend)
    try await harness.work(backend: backend)
    #expect(try await harness.record("t1")?.state == .cancelled)
    #expect(backend.tap.count(of: .prepare) == 0)
    #expect(try await harness.heard().map(\.id) == ["t1/1/cancelled"])
  }

  @Test("closes a run whose workers died at every attempt, without the engine")
  func diedEachTime() async throws {
    let harness = try WorkerHarness()
    let entry = try await harness.submit("t1")
    _ = try await RecordWriter(harness.ledger).apply(to: entry) { record in
      (record.state, record.attempts) = (.running, 5)
      return true
    }
    try await harness.work { $0.maximumAttempts = 5 }
    let record = try #require(try await harness.record("t1"))
    #expect(record.state == .failed && record.error?.code == .attemptsExhausted && record.attempts == 5)
    #expect(harness.backend.started.isEmpty)
    #expect(try await harness.letterCodes() == ["attempts_exhausted"])
  }

  @Test("does not begin a publication again that comes a second time after its run has ended")
  func comesAgain() async throws {
    let harness = try WorkerHarness()
    let payload: JSONValue = [
      "alwayson_scripts": ["task": "text-to-image", "id_task": "307", "sd_model_checkpoint": "model.safetensors"],
      "prompt": "a cat", "s3_output_path": "out/307",
    ]
    for _ in 0..<2 {
      try await harness.send(payload, messageID: "m1")
      try await harness.work()
    }
    #expect(harness.backend.started.count == 1)
    #expect(try await harness.record("307", run: 2) == nil)
    #expect(try await harness.isDrained())
  }

  @Test("tells of an end once everything that it tells of is stored")
  func storedBeforeTold() async throws {
    let harness = try WorkerHarness()
    let events = TappedTopic(harness.events)
    let stored = Mutex<[String]>([])
    events.tap.on("t1/1/succeeded") { _ in
      let keys = try await harness.keys()
      stored.withLock { $0 = keys }
    }
    try await harness.submit("t1")
    try await harness.work(events: events)
    #expect(stored.withLock { $0 } == ["t1/t1-1.png", "t1/t1.json", "t1/t1.out"])
  }

  @Test("announces a committed task again without touching the engine")
  func announcesAgain() async throws {
    let harness = try WorkerHarness()
    let broken = RecordingTopic()
    for _ in 0..<100 { broken.fail(SDError(.unavailable, "the topic is down")) }
    try await harness.submit("t1")
    let first = harness.worker(events: broken) {
      $0.maximumTasks = 1
      $0.grace = .milliseconds(300)
    }
    let group = ServiceGroup(services: [first], logger: .init(label: "test"))
    async let running: Void = group.run()
    try await eventually("the commit") { try await harness.record("t1")?.state == .succeeded }
    await group.triggerGracefulShutdown()
    try await running
    #expect(try await harness.heard().isEmpty)
    try await harness.workUntilEmpty()
    #expect(harness.backend.started.count == 1)
    #expect(try await harness.heard().map(\.id) == ["t1/1/succeeded"])
  }

  @Test("never runs a task that was cancelled while queued")
  func cancelledWhileQueued() async throws {
    let harness = try WorkerHarness()
    var entry = try await harness.submit("t1")
    entry.record.state = .cancelled
    entry.record.notice = Notices(entry.record, store: harness.store).end(nil)
    _ = try await harness.ledger.update(entry)
    try await harness.workUntilEmpty()
    #expect(harness.backend.started.isEmpty)
    #expect(try await harness.heard().map(\.id) == ["t1/1/cancelled"])
  }

  @Test("interrupts a running task that its client cancels, and no other")
  func cancelledWhileRunning() async throws {
    let harness = try WorkerHarness()
    harness.backend.script(.hang, for: "t1")
    let entry = try await harness.submit("t1")
    try await harness.submit("t2")
    let worker = harness.worker { $0.maximumTasks = 2 }
    async let running: Void = worker.run()
    try await harness.backend.untilStarted(1)
    _ = try await RecordWriter(harness.ledger).apply(to: entry) { record in
      record.cancelRequested = true
      return true
    }
    try await running
    #expect(try await harness.record("t1")?.state == .cancelled)
    #expect(try await harness.record("t2")?.state == .succeeded)
    #expect(harness.backend.interrupted.map(\.task.id) == ["t1"])
  }

  @Test("gives back at once what it has not begun, and what it cannot finish within the grace")
  func drains() async throws {
    let harness = try WorkerHarness()
    harness.backend.usually(.hang)
    try await harness.submit("t1")
    let worker = harness.worker { $0.grace = .milliseconds(50) }
    let group = ServiceGroup(services: [worker], logger: .init(label: "test"))
    async let running: Void = group.run()
    try await harness.backend.untilStarted(1)
    await group.triggerGracefulShutdown()
    try await running
    #expect(harness.backend.interrupted.map(\.task.id) == ["t1"])
    let record = try #require(try await harness.record("t1"))
    #expect(record.state == .queued)
    #expect(record.attempts == 0)
    #expect(try await harness.queue.stats().waiting == 1)
  }

  @Test("finishes what runs when it is asked to end, heartbeat going on")
  func drainFinishes() async throws {
    let clock = ManualClock()
    let harness = try WorkerHarness(clocks: clock.clocks)
    let gate = Gate()
    harness.backend.script(.hold(gate, then: .succeed))
    try await harness.submit("t1")
    let queue = TappedQueue(harness.queue)
    let worker = harness.worker(queue: queue) {
      $0.grace = .seconds(1000)
      $0.cancelInterval = .seconds(4000)
    }
    let group = ServiceGroup(services: [worker], logger: .init(label: "test"))
    async let running: Void = group.run()
    try await harness.backend.untilStarted(1)
    await group.triggerGracefulShutdown()
    // Three visibilities pass; nobody else gets the message.
    try await clock.turn(every: .seconds(5), (1...18).map { $0.isMultiple(of: 2) ? 2 : 1 })
    #expect(queue.tap.count(of: .extend) == 9)
    let stolen = try await harness.queue.receive(max: 1, wait: .zero, visibility: nil)
    #expect(stolen.isEmpty)
    gate.open()
    try await running
    #expect(try await harness.record("t1")?.state == .succeeded)
    #expect(harness.backend.started.count == 1)
  }

  @Test("leaves one set of objects, all of one engine, when two workers have one message")
  func duplicateDelivery() async throws {
    let harness = try WorkerHarness()
    let slow = FakeBackend()
    let gate = Gate()
    slow.script(.hold(gate, then: .succeed(images: 3)))
    harness.backend.usually(.succeed(images: 2))
    try await harness.submit("t1")
    let first = harness.worker("one", backend: slow) { $0.maximumTasks = 1 }
    async let firstDone: Void = first.run()
    try await slow.untilStarted(1)
    harness.queue.injectDuplicate(of: try #require(try await harness.record("t1")?.claim?.messageID))
    let second = harness.worker("two") { $0.maximumTasks = 1 }
    try await within(.seconds(60), "the second worker") { try await second.run() }
    gate.open()
    try await firstDone
    let record = try #require(try await harness.record("t1"))
    #expect(record.claim?.worker == "two")
    #expect(record.outputs.count == 2)
    #expect(try await harness.keys().filter { $0.hasSuffix(".png") } == ["t1/t1-1.png", "t1/t1-2.png"])
    for output in record.outputs {
      #expect(try await harness.store.head(output.key).metadata["sd-epoch"] == "2")
    }
    #expect(try await Set(harness.heard().map(\.id)) == ["t1/1/succeeded"])
  }

  @Test("waits for an engine that is away without receiving anything")
  func engineAway() async throws {
    let harness = try WorkerHarness()
    harness.backend.setStatus(.unavailable("starting"))
    try await harness.submit("t1")
    let worker = harness.worker { $0.maximumTasks = 1 }
    async let running: Void = worker.run()
    try await eventually("the worker to be seen waiting") { !worker.isReady }
    #expect(try await harness.queue.stats().waiting == 1)
    harness.backend.setStatus(.ready(busy: false))
    try await running
    #expect(try await harness.record("t1")?.state == .succeeded)
  }

  @Test("ends an attempt that takes too long, interrupts the engine, and tries again")
  func engineTimeout() async throws {
    let harness = try WorkerHarness()
    harness.backend.script(.hang)
    try await harness.submit("t1")
    let worker = harness.worker {
      $0.inferenceTimeout = .milliseconds(100)
      $0.maximumTasks = 2
    }
    try await within(.seconds(60), "two attempts") { try await worker.run() }
    #expect(harness.backend.interrupted.count == 1)
    #expect(try await harness.record("t1")?.state == .succeeded)
  }

  @Test("sends no second task to an engine that works on one, and takes the next while it answers")
  func oneAtATime() async throws {
    let harness = try WorkerHarness()
    for number in 1...12 { try await harness.submit("t\(number)") }
    try await harness.workUntilEmpty()
    #expect(harness.backend.started.count == 12)
    #expect(harness.backend.maximumConcurrency == 1)
  }

  @Test("fetches an input once however often it is used, and refuses what cannot be had")
  func inputs() async throws {
    let harness = try WorkerHarness()
    harness.inputs.set("https://example.com/a.png", .success(FakeImage.png(7)))
    let both: JSONValue = [
      "init_images": ["https://example.com/a.png", "https://example.com/a.png"], "prompt": "https://x",
    ]
    try await harness.submit(["id": "t1", "runtime": "sdruntime", "type": "image-to-image", "content": both])
    let gone: JSONValue = ["init_images": ["https://example.com/gone.png"]]
    try await harness.submit(["id": "t2", "runtime": "sdruntime", "type": "image-to-image", "content": gone])
    try await harness.workUntilEmpty { $0.maximumAttempts = 1 }
    let sent = try #require(harness.backend.requests.first { $0.key.task.id == "t1" })
    #expect(sent.content["prompt"] == "https://x")
    #expect(sent.content["init_images"]?.array?.allSatisfy { $0.string?.hasPrefix("iVBORw0KGgo") == true } == true)
    #expect(harness.inputs.fetched.filter { $0.hasSuffix("a.png") }.count == 1)
    #expect(try await harness.record("t2")?.error?.code == .inputUnreachable)
  }
}
