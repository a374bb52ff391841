import MemoryPlugins
import SDTestKit
import Testing

@testable import SDCore

@Suite("What a worker stores", .timeLimit(.minutes(5)))
struct WorkerOutputTests {
  /// Puts a byte behind each picture, calls it WebP, and adds a small one.
  private struct Marker: OutputFinisher {
    func finish(_ result: InferenceResult, _ options: OutputOptions) async throws -> InferenceResult {
      var result = result
      for position in result.outputs.indices {
        result.outputs[position].bytes.append(UInt8(options.quality ?? 0))
        (result.outputs[position].contentType, result.outputs[position].fileExtension) = ("image/webp", ".webp")
        result.outputs[position].thumbnail = .init(
          bytes: [1, 2, 3], contentType: "image/webp", fileExtension: ".webp", width: 4, height: 2)
      }
      return result
    }
  }

  private func manifest(_ harness: WorkerHarness, _ id: String) async throws -> JSONValue {
    try JSONValue(parsing: try await harness.store.get("\(id)/\(id).json", range: nil, limit: 1 << 20).bytes)
  }

  private func work(_ harness: WorkerHarness, _ change: @escaping (inout WorkerConfiguration) -> Void = { _ in })
    async throws
  {
    let worker = harness.worker(outputs: Marker()) {
      $0.endsWhenEmpty = true
      change(&$0)
    }
    try await within(.seconds(60), "the queue to be worked empty") { try await worker.run() }
  }

  @Test("is what its engine made, where nothing else is said")
  func plain() async throws {
    let harness = try WorkerHarness()
    try await harness.submit("t1")
    try await work(harness)
    let output = try #require(try await harness.record("t1")?.outputs.first)
    #expect(output.key == "t1/t1-1.png" && output.thumbnail == nil)
    let seed = try #require(output.seed)
    #expect(try await harness.store.get(output.key, range: nil, limit: 1 << 20).bytes == FakeImage.png(seed))
  }

  @Test("is what the task wants, small pictures beside the others and listed")
  func wanted() async throws {
    let harness = try WorkerHarness()
    harness.backend.usually(.succeed(images: 2))
    try await harness.submit([
      "id": "t1", "runtime": "sdruntime", "type": "text-to-image", "content": ["prompt": "x"],
      "outputs": ["format": "webp", "quality": 80, "thumbnail": 64],
    ])
    try await work(harness)
    let record = try #require(try await harness.record("t1"))
    #expect(record.outputs.map(\.key) == ["t1/t1-1.webp", "t1/t1-2.webp"])
    #expect(record.outputs.compactMap(\.thumbnail?.key) == ["t1/t1-1.thumb.webp", "t1/t1-2.thumb.webp"])
    #expect(
      try await harness.keys() == [
        "t1/t1-1.thumb.webp", "t1/t1-1.webp", "t1/t1-2.thumb.webp", "t1/t1-2.webp", "t1/t1.json", "t1/t1.out",
      ])
    let view = TaskView(record, store: harness.store, at: record.createdAt)
    #expect(view.outputs[1].thumbnail?.width == 4 && view.outputs[1].contentType == "image/webp")
    #expect(try TaskView(json: view.json) == view)
    // Notices name what was asked for, as ever.
    #expect(try await harness.heard().first?.body["image_url"]?.array?.count == 2)
    #expect(record.timings["convert"] != nil)
  }

  @Test("is what the worker does as a rule, where the task does not say")
  func rule() async throws {
    let harness = try WorkerHarness()
    try await harness.submit("t1")
    try await work(harness) { $0.outputs.metadata = .strip }
    #expect(try await harness.record("t1")?.outputs.first?.contentType == "image/webp")
    #expect(try await manifest(harness, "t1")["request"]?["outputs"] == ["metadata": "strip"])
  }

  @Test("fails for good where the worker has no codecs")
  func noCodecs() async throws {
    let harness = try WorkerHarness()
    try await harness.submit([
      "id": "t1", "runtime": "sdruntime", "type": "text-to-image", "content": ["prompt": "x"],
      "outputs": ["format": "webp"],
    ])
    try await harness.workUntilEmpty()
    let record = try #require(try await harness.record("t1"))
    #expect(record.state == .failed && record.error?.code == .invalidRequest && record.attempts == 1)
    #expect(try await harness.keys() == ["t1/t1.out"])
  }

  @Test("leaves nothing stray when an attempt that stored small pictures is superseded by a cancellation")
  func strays() async throws {
    let harness = try WorkerHarness()
    try await harness.submit([
      "id": "t1", "runtime": "sdruntime", "type": "text-to-image", "content": ["prompt": "x"],
      "outputs": ["thumbnail": 64],
    ])
    let store = TappedStore(harness.store)
    // Cancelled between the outputs and the commit.
    store.tap.on("t1/t1-1.webp") { _ in
      let entry = try #require(try await harness.ledger.read(RunKey(TaskKey(id: "t1"), run: 1)))
      _ = try await RecordWriter(harness.ledger).apply(to: entry) { record in
        record.cancelRequested = true
        return true
      }
    }
    let worker = harness.worker(store: store, outputs: Marker()) { $0.endsWhenEmpty = true }
    try await within(.seconds(60), "the queue to be worked empty") { try await worker.run() }
    #expect(try await harness.record("t1")?.state == .cancelled)
    #expect(try await harness.keys() == ["t1/t1.out"])
  }

  /// Takes a megabyte while it waits.
  private struct Heavy: OutputFinisher {
    let gate: Gate
    func finish(_ result: InferenceResult, _ options: OutputOptions) async throws -> InferenceResult {
      try await gate.pass()
      return result
    }
    func memory(for result: InferenceResult, _ options: OutputOptions) -> Int { 1 << 20 }
  }

  @Test("weighs as much as changing it takes, for as long as that takes")
  func weight() async throws {
    let harness = try WorkerHarness()
    let (changing, storing) = (Gate(), Gate())
    let store = TappedStore(harness.store)
    store.tap.on("t1/t1-1.png") { _ in try await storing.pass() }
    try await harness.submit([
      "id": "t1", "runtime": "sdruntime", "type": "text-to-image", "content": ["prompt": "x"],
      "outputs": ["metadata": "strip"],
    ])
    let worker = harness.worker(store: store, outputs: Heavy(gate: changing)) { $0.maximumTasks = 1 }
    async let running: Void = worker.run()
    try await eventually("the changing to begin") { changing.waiting == 1 }
    #expect(worker.heldBytes > 1 << 20)
    changing.open()
    try await eventually("the storing to begin") { storing.waiting == 1 }
    #expect((1..<(1 << 20)).contains(worker.heldBytes))
    storing.open()
    try await running
    #expect(worker.heldBytes == 0)
  }

  @Test("is not begun to be changed where that takes more memory than the worker may have")
  func tooHeavy() async throws {
    let harness = try WorkerHarness()
    try await harness.submit([
      "id": "t1", "runtime": "sdruntime", "type": "text-to-image", "content": ["prompt": "x"],
      "outputs": ["metadata": "strip"],
    ])
    let worker = harness.worker(outputs: Heavy(gate: Gate())) {
      $0.maximumTasks = 1
      $0.memoryBudget = 1 << 18
    }
    try await within(.seconds(60), "the task's end") { try await worker.run() }
    let error = try #require(try await harness.record("t1")?.error)
    #expect(error.code == .outputInvalid && !error.retryable && error.message.contains("memory-budget"))
  }

  @Test("is described by a manifest that makes it again")
  func manifests() async throws {
    let harness = try WorkerHarness()
    harness.inputs.set("https://a/cat.png", .success(FakeImage.png(5)))
    try await harness.submit([
      "id": "t1", "runtime": "sdruntime", "type": "image-to-image", "context": "mine",
      "content": ["prompt": "x", "seed": 7, "init_images": ["https://a/cat.png"]],
    ])
    try await work(harness) { $0.version = "1.2.3" }
    let (record, manifest) = (try #require(try await harness.record("t1")), try await manifest(harness, "t1"))
    #expect(
      manifest["request"] == [
        "type": "image-to-image", "runtime": "sdruntime",
        "content": ["prompt": "x", "seed": 7, "init_images": ["https://a/cat.png"]],
      ])
    let input = try #require(manifest["inputs"]?.array?.first)
    #expect(input["pointer"] == "/content/init_images/0" && input["bytes"] == .int(FakeImage.png(5).count))
    #expect(input["sha256"]?.string?.count == 64)
    #expect(manifest["outputs"]?.array?.map { $0["sha256"]?.string } == record.outputs.map(\.sha256))
    #expect(manifest["outputs"]?.array?.first?["seed"] != nil && manifest["request_sha256"] == .string(record.digest))
    #expect(manifest["engine"]?["kind"] == "fake" && manifest["engine"]?["parameters"]?["prompt"] == "x")
    #expect(manifest["worker"] == ["name": "worker", "version": "1.2.3"] && manifest["attempt"] == 1)
    #expect(manifest["seconds"]?["infer"] != nil && manifest["made_at"]?.string.flatMap(Timestamp.init) != nil)
    // Sent again it is a task like the first.
    let again = try V1Door.decode(try #require(manifest["request"]), now: record.createdAt)
    #expect(again.content["init_images"] == ["https://a/cat.png"] && again.type == .imageToImage)
  }
}
