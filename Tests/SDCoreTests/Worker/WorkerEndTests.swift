import MemoryPlugins
import SDCore
import SDTestKit
import Testing

@Suite("A worker whose task its client or its time ends", .timeLimit(.minutes(5)))
struct WorkerEndTests {
  private func requestCancel(_ harness: WorkerHarness) async throws {
    let entry = try #require(try await harness.ledger.read(RunKey(TaskKey(id: "t1"), run: 1)))
    _ = try await RecordWriter(harness.ledger).apply(to: entry) { record in
      guard !record.state.isTerminal else { return false }
      record.cancelRequested = true
      return true
    }
  }

  @Test("leaves nothing of a task that is cancelled between its last object and its commit")
  func cancelledBeforeCommit() async throws {
    let harness = try WorkerHarness()
    harness.backend.usually(.succeed(images: 2))
    let ledger = TappedLedger(harness.ledger)
    ledger.tap.on(.write(.succeeded)) { if $0 == 1 { try await self.requestCancel(harness) } }
    try await harness.submit("t1")
    try await harness.work(ledger: ledger)
    let record = try #require(try await harness.record("t1"))
    #expect((record.state, record.outputs) == (.cancelled, []))
    #expect(try await harness.keys() == ["t1/t1.out"])
    #expect(harness.backend.interrupted.isEmpty, "the engine had done with it")
    #expect(try await harness.heard().map(\.id) == ["t1/1/cancelled"])
    #expect(try await harness.isDrained())
  }

  @Test("lets a commit stand that came before the cancellation")
  func cancelledAfterCommit() async throws {
    let harness = try WorkerHarness()
    let ledger = TappedLedger(harness.ledger)
    ledger.tap.on(.written(.succeeded)) { _ in try await self.requestCancel(harness) }
    try await harness.submit("t1")
    try await harness.work(ledger: ledger)
    let record = try #require(try await harness.record("t1"))
    #expect((record.state, record.outputs.count, record.cancelRequested) == (.succeeded, 1, false))
    #expect(try await harness.heard().map(\.id) == ["t1/1/succeeded"])
  }

  @Test("never starts the engine for a task that is cancelled while it waits for it")
  func cancelledBeforeTheEngine() async throws {
    let clock = ManualClock()
    let harness = try WorkerHarness(clocks: clock.clocks)
    let backend = TappedBackend(harness.backend)
    backend.tap.on(.prepare) { _ in
      try await self.requestCancel(harness)
      // A claim younger than two seconds is not read again.
      clock.advance(by: .seconds(3))
    }
    try await harness.submit("t1")
    try await harness.work(backend: backend)
    let record = try #require(try await harness.record("t1"))
    #expect((record.state, record.attempts) == (.cancelled, 0))
    #expect(harness.backend.started.isEmpty && harness.backend.interrupted.isEmpty)
  }

  @Test("writes and tells that a task was not begun before its time ran out", arguments: [true, false])
  func expired(byDoor: Bool) async throws {
    let clock = ManualClock()
    let harness = try WorkerHarness(clocks: clock.clocks)
    if byDoor {
      try await harness.submit([
        "id": "t1", "runtime": "sdruntime", "type": "text-to-image", "content": [:], "expires_in": 60,
      ])
    } else {
      let metadata: JSONValue = [
        "id": "t1", "runtime": "sdruntime", "tasktype": "text-to-image", "api": "v1",
        "expires_at": .string((clock.timestamp + .seconds(60)).description),
      ]
      try await harness.send(["metadata": metadata, "content": [:]], messageID: "m1")
    }
    clock.advance(by: .seconds(61))
    try await harness.work()
    let record = try #require(try await harness.record("t1"))
    #expect((record.state, record.attempts, record.error?.code) == (.expired, 0, .expired))
    #expect(harness.backend.requests.isEmpty)
    #expect(try await harness.heard().map(\.id) == ["t1/1/expired"])
    #expect(try await harness.keys() == ["t1/t1.out"])
    #expect(try await harness.isDrained())
  }

  @Test(
    "stores the same answer when it tells of a run that another had ended before it died",
    arguments: [APIVersion.v1alpha1, .v1alpha2, .v1], [100, 300 << 10])
  func answerOfAnother(api: APIVersion, promptLength: Int) async throws {
    let harness = try WorkerHarness()
    let prompt = JSONValue.string(String(repeating: "x", count: promptLength))
    harness.backend.usually(
      .answer(
        InferenceResult(
          outputs: [
            InferenceOutput(
              bytes: FakeImage.png(1)[...], role: .image, contentType: "image/png", fileExtension: ".png", seed: 7)
          ], parameters: ["prompt": prompt, "cfg_scale": .double(7), "steps": 16], htmlInfo: "<p>done</p>")))
    switch api {
    case .v1alpha1:
      try await harness.send(
        [
          "alwayson_scripts": ["task": "text-to-image", "id_task": "t1", "sd_model_checkpoint": "model.safetensors"],
          "prompt": "x", "s3_output_path": "out/t1",
        ], messageID: "m1")
    case .v1alpha2, .legacy:
      let metadata: JSONValue = ["id": "t1", "runtime": "sdruntime", "tasktype": "text-to-image"]
      try await harness.send(["metadata": metadata, "content": ["prompt": "x"]], messageID: "m1")
    case .v1: try await harness.submit("t1")
    }
    try await harness.work()
    let record = try #require(try await harness.record("t1"))
    #expect((record.api, record.state) == (api, .succeeded))
    let told = try await harness.store.get(record.names.answer).bytes
    #expect(try JSONValue(parsing: told)["parameters"]?["prompt"] == prompt)
    // As if its worker had died after the commit.
    try await harness.store.delete([record.names.answer])
    try await Announcer(store: harness.store, events: harness.events).announce(record)
    #expect(try await harness.store.get(record.names.answer).bytes == told)
    guard api == .v1alpha1, promptLength < 1000 else { return }
    #expect(told == Array(try #require(record.notice).body.utf8))
    try await harness.store.delete([record.names.answer, record.names.manifest])
    try await Announcer(store: harness.store, events: harness.events).announce(record)
    #expect(try await harness.store.get(record.names.answer).bytes == told, "without the manifest as well")
  }
}
