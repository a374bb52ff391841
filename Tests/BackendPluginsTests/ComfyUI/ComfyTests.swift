import HTTPTransport
import SDCore
import SDTestKit
import Synchronization
import Testing

@testable import BackendPlugins

/// Runs a body with a stand-in and a backend for it.
func withComfy(
  _ change: (inout ComfyServer.Configuration) -> Void = { _ in }, workflows: ComfyWorkflows = .standard,
  _ body: (ComfyServer, ComfyBackend) async throws -> Void
) async throws {
  let engine = try ComfyServer(change)
  defer { engine.stop() }
  try await withTransport { (transport) async throws in
    try await body(engine, ComfyBackend(base: engine.url, transport: transport, workflows: workflows))
  }
}

/// A graph that draws without a model.
func emptyImage(_ more: JSONValue = [:], saving: JSONValue = ["filename_prefix": "ComfyUI"]) -> JSONValue {
  var saving = saving
  saving["images"] = ["1", 0]
  var inputs: JSONValue = ["width": 24, "height": 16, "batch_size": 1]
  for member in more.object?.members ?? [] { inputs[member.name] = member.value }
  return [
    "1": ["class_type": "EmptyImage", "inputs": inputs], "2": ["class_type": "SaveImage", "inputs": saving],
  ]
}

/// A graph with a sampler.
func sampled(steps: Int = 4, seed: JSONValue = 7, model: String = "sd15.safetensors") -> JSONValue {
  [
    "4": ["class_type": "CheckpointLoaderSimple", "inputs": ["ckpt_name": .string(model)]],
    "5": ["class_type": "EmptyLatentImage", "inputs": ["width": 16, "height": 16, "batch_size": 1]],
    "3": [
      "class_type": "KSampler",
      "inputs": [
        "model": ["4", 0], "positive": "p", "negative": "n", "latent_image": ["5", 0], "seed": seed,
        "steps": .int(steps), "cfg": 7, "sampler_name": "euler",
      ],
    ],
    "8": ["class_type": "VAEDecode", "inputs": ["samples": ["3", 0], "vae": ["4", 2]]],
    "9": ["class_type": "SaveImage", "inputs": ["images": ["8", 0], "filename_prefix": "a/b"]],
  ]
}

extension InferenceRequest {
  static func pipeline(
    _ content: JSONValue, id: String = "307", attempt: Int = 1, model: String? = nil, seed: UInt64 = 99
  ) -> Self {
    .make(content, type: .pipeline, model: model, attempt: attempt, seed: seed, id: id)
  }
}

/// Row by row what was observed of ComfyUI's API, against the stand-in that does it.
@Suite("ComfyUI's API as observed", .timeLimit(.minutes(3)))
struct ComfyTests {
  @Test("A graph is done, its files fetched, and what it was made with is told")
  func graph() async throws {
    try await withComfy { (engine, backend) async throws in
      let result = try await backend.make(.pipeline(sampled()))
      let output = try #require(result.outputs.first)
      #expect(result.outputs.count == 1 && output.role == .image && output.contentType == "image/png")
      #expect(output.width == 16 && output.seed == 7 && result.model == "sd15.safetensors" && result.sampler == "euler")
      #expect(result.info["seeds"] == ["3": 7])
      // As ComfyUI's own page does, it writes the graph into the picture.
      #expect(try PNGTexts.read(output.bytes)["prompt"]?.contains("KSampler") == true)
      // Another form: the whole body of POST /prompt.
      #expect(try await backend.make(.pipeline(["prompt": emptyImage()])).outputs.count == 1)
    }
  }

  @Test("Of equal graphs each gets a file of its own; what does not differ is not done again")
  func cache() async throws {
    try await withComfy { (engine, backend) async throws in
      for attempt in 1...2 { _ = try await backend.make(.pipeline(sampled(), attempt: attempt)) }
      _ = try await backend.make(.pipeline(sampled(), id: "308"))
      let made = engine.files.filter { $0.hasPrefix("output/") }
      #expect(made.count == 3 && made.allSatisfy { $0.hasPrefix("output/sd/30") && $0.hasSuffix("/a/b_00001_.png") })
      #expect(engine.executed.count { $0 == "KSampler" } == 1 && engine.executed.count { $0 == "SaveImage" } == 3)
      #expect(Set(engine.jobs).count == 3)
    }
  }

  @Test("Every kind of output is fetched, with the type that its bytes have")
  func kinds() async throws {
    try await withComfy { (engine, backend) async throws in
      let graph: JSONValue = [
        "1": ["class_type": "EmptyImage", "inputs": ["width": 8, "height": 8, "batch_size": 2]],
        "10": ["class_type": "PreviewAny", "inputs": ["source": "a caption"]],
        "2": ["class_type": "PreviewImage", "inputs": ["images": ["1", 0]]],
        "3": ["class_type": "SaveAnimatedWEBP", "inputs": ["images": ["1", 0], "filename_prefix": "w"]],
        "4": ["class_type": "VHS_VideoCombine", "inputs": ["images": ["1", 0], "filename_prefix": "v"]],
        "5": ["class_type": "SaveVideo", "inputs": ["images": ["1", 0], "filename_prefix": "v"]],
        "6": ["class_type": "SaveAudio", "inputs": ["audio": ["1", 0], "filename_prefix": "s"]],
        "7": ["class_type": "SaveImage", "inputs": ["images": ["1", 0], "filename_prefix": "i"]],
      ]
      let outputs = try await backend.make(.pipeline(graph)).outputs
      // Nodes in order, those that save before those that only show.
      #expect(
        outputs.map(\.contentType) == [
          "image/webp", "image/webp", "video/mp4", "video/mp4", "video/webm", "video/webm", "audio/flac", "audio/flac",
          "image/png", "image/png", "text/plain; charset=utf-8", "image/png", "image/png",
        ])
      #expect(outputs.map(\.role) == Array(repeating: .image, count: 11) + [.extra, .extra])
      #expect(outputs[10].bytes.elementsEqual("a caption".utf8) && outputs[2].fileExtension == ".mp4")
    }
  }

  @Test("A graph that makes nothing to fetch is told so, and a file that is gone is no picture")
  func nothing() async throws {
    try await withComfy { (engine, backend) async throws in
      let error = await backend.failure(of: .pipeline(["1": ["class_type": "PreviewAny", "inputs": [:]]]))
      #expect(error?.code == .outputInvalid && error?.retryable == false)
      let shown: JSONValue = [
        "1": ["class_type": "EmptyImage", "inputs": ["width": 8, "height": 8, "batch_size": 1]],
        "2": ["class_type": "PreviewImage", "inputs": ["images": ["1", 0]]],
      ]
      #expect(try await backend.make(.pipeline(shown)).outputs.map(\.role) == [.image])
      // The cache still has the name of what is only shown.
      engine.removeFiles()
      let gone = await backend.failure(of: .pipeline(shown, attempt: 2))
      #expect(gone?.code == .outputInvalid && gone?.retryable == true)
    }
  }

  @Test("Seeds of -1 are filled, the same for every attempt, and told for making it again")
  func seeds() async throws {
    try await withComfy { (engine, backend) async throws in
      let prepared = try await backend.prepare(.pipeline(sampled(seed: -1)))
      #expect(prepared.request.content["3"]?["inputs"]?["seed"] == 99)
      #expect(prepared.request.content["9"]?["inputs"]?["filename_prefix"] == "a/b")
      _ = try await backend.make(.pipeline(sampled(seed: nil), attempt: 2))
      #expect(engine.graphs.last?["3"]?["inputs"]?["seed"] == 99)
    }
  }

  // MARK: Refusals and failures

  @Test(
    "A graph that is none is refused before it is sent",
    arguments: [
      [:], ["nodes": [], "links": []], ["1": "x"], ["1": ["class_type": "A"]], ["workflow": "none"], ["prompt": [:]],
    ] as [JSONValue])
  func noGraph(content: JSONValue) async throws {
    try await withComfy { (engine, backend) async throws in
      let error = await backend.failure(of: .pipeline(content))
      #expect(error?.code == .engineRejected && error?.stage == .prepare && engine.graphs.isEmpty)
    }
  }

  @Test("Faults are told node by node")
  func nodeErrors() async throws {
    try await withComfy { (_, backend) async throws in
      let missing = await backend.failure(of: .pipeline(sampled(model: "nope.safetensors")))
      #expect(missing?.code == .modelNotFound && missing?.retryable == false)
      for word in ["CheckpointLoaderSimple (node 4)", "nope.safetensors", "sd15.safetensors"] {
        #expect(missing?.message.contains(word) == true)
      }
      #expect(missing?.reason?["node_errors"]?["4"] != nil)
      let large = await backend.failure(of: .pipeline(sampled(steps: 20_000)))
      #expect(large?.code == .engineRejected && large?.message.contains("KSampler (node 3)") == true)
      var noImage = emptyImage()
      noImage["1"] = ["class_type": "LoadImage", "inputs": ["image": "gone.png"]]
      #expect(await backend.failure(of: .pipeline(noImage))?.code == .inputInvalid)
      var noOutput = emptyImage()
      noOutput["2"] = nil
      let silent = await backend.failure(of: .pipeline(noOutput))
      #expect(silent?.code == .engineRejected && silent?.message.contains("no outputs") == true)
    }
  }

  @Test("A graph of which ComfyUI would leave out a part is not done at all")
  func partial() async throws {
    try await withComfy { (engine, backend) async throws in
      let gate = engine.hold("EmptyImage")
      var graph = emptyImage()
      graph["3"] = ["class_type": "SaveImage", "inputs": ["images": ["1", 0]]]
      let error = await backend.failure(of: .pipeline(graph))
      #expect(error?.code == .engineRejected && error?.message.contains("SaveImage (node 3)") == true)
      gate.open()
      try await eventually("nothing is left of it") { engine.running == nil && engine.waiting.isEmpty }
      #expect(engine.files.isEmpty)
    }
  }

  @Test("A node that fails is named; the failure may pass")
  func failedNode() async throws {
    try await withComfy { (_, backend) async throws in
      var graph = emptyImage()
      graph["1"] = ["class_type": "Fail", "inputs": ["type": "ValueError", "message": "sizes do not match"]]
      let error = await backend.failure(of: .pipeline(graph))
      #expect(error?.code == .engineFailed && error?.retryable == true && error?.stage == .infer)
      #expect(error?.message.contains("Fail (node 1) failed: ValueError: sizes do not match") == true)
      #expect(error?.reason?["node_id"] == "1")
    }
  }

  @Test("Out of memory: models are let go of and it is done once more; for good it fails with advice")
  func memory() async throws {
    try await withComfy({ $0.leaksMemory = true }) { (engine, backend) async throws in
      _ = try await backend.make(.pipeline(emptyImage(["width": 9])))
      #expect(try await backend.make(.pipeline(emptyImage(["width": 10]))).outputs.count == 1)
      #expect(engine.frees == 1 && Set(engine.jobs).count == 3)
    }
    try await withComfy({ $0.memoryPixels = 100 }) { (engine, backend) async throws in
      let error = await backend.failure(of: .pipeline(emptyImage()))
      #expect(error?.code == .outOfMemory && error?.retryable == false && engine.jobs.count == 2)
      #expect(error?.message.contains("smaller size") == true && error?.message.contains("EmptyImage (node 1)") == true)
    }
  }

  // MARK: The queue and its losses

  @Test("An interrupt hits the task's own prompt, running or waiting, and no other")
  func interrupt() async throws {
    try await withComfy { (engine, backend) async throws in
      let gate = engine.hold("KSampler")
      let first = try await backend.prepare(.pipeline(sampled(), id: "a"))
      let second = try await backend.prepare(.pipeline(sampled(seed: 8), id: "b"))
      async let one = backend.run(first, onAnswer: {}).finish()
      try await eventually("the first runs") { gate.waiting == 1 }
      let two = Task { try await backend.run(second, onAnswer: {}) }
      try await eventually("the second waits") { engine.waiting.count == 1 }
      try await backend.interrupt(second)
      let ended = await two.result
      #expect(throws: TaskError(.cancelled, .infer, ComfyBackend.interrupted.message)) { try ended.get() }
      #expect(engine.waiting.isEmpty && engine.running != nil)
      gate.open()
      #expect(try await one.outputs.count == 1)
    }
    try await withComfy { (engine, backend) async throws in
      let gate = engine.hold("KSampler")
      let prepared = try await backend.prepare(.pipeline(sampled()))
      let running = Task { try await backend.run(prepared, onAnswer: {}) }
      try await eventually("it runs") { gate.waiting == 1 }
      let interrupting = Task { try await backend.interrupt(prepared) }
      try await eventually("it was told") { engine.server.requests.contains { $0.path == "/interrupt" } }
      gate.open()
      try await interrupting.value
      let ended = await running.result
      #expect(throws: TaskError(.cancelled, .infer, ComfyBackend.interrupted.message)) { try ended.get() }
      #expect(engine.server.requests.filter { $0.path == "/interrupt" }.allSatisfy { $0.text.contains("prompt_id") })
      #expect(try await backend.make(.pipeline(sampled(), attempt: 2)).outputs.count == 1)
    }
  }

  @Test("A prompt that was given up can still be interrupted")
  func abandoned() async throws {
    try await withComfy { (engine, backend) async throws in
      let gate = engine.hold("KSampler")
      let prepared = try await backend.prepare(.pipeline(sampled()))
      let running = Task { _ = try await backend.run(prepared, onAnswer: {}) }
      try await eventually("it runs") { gate.waiting == 1 }
      running.cancel()
      _ = await running.result
      let interrupting = Task { try await backend.interrupt(prepared) }
      try await eventually("it was told") { engine.server.requests.contains { $0.path == "/interrupt" } }
      gate.open()
      try await interrupting.value
      #expect(engine.running == nil && engine.files.isEmpty)
    }
  }

  @Test("Somebody else's interrupt may be tried again")
  func foreignInterrupt() async throws {
    try await withComfy { (engine, backend) async throws in
      let gate = engine.hold("KSampler")
      let prepared = try await backend.prepare(.pipeline(sampled()))
      let running = Task { try await backend.run(prepared, onAnswer: {}) }
      try await eventually("it runs") { gate.waiting == 1 }
      engine.interruptFromElsewhere()
      gate.open()
      guard case .failure(let error as TaskError) = await running.result else {
        Issue.record("an interrupted graph was taken for done")
        return
      }
      #expect(error.code == .engineFailed && error.retryable)
    }
  }

  @Test("A restart, which forgets queue and history, gives the task back", arguments: [true, false])
  func restart(isRunning: Bool) async throws {
    try await withComfy { (engine, backend) async throws in
      let gate = engine.hold("KSampler")
      let other = Task { try await backend.run(try await backend.prepare(.pipeline(sampled(), id: "x")), onAnswer: {}) }
      try await eventually("one runs") { gate.waiting == 1 }
      let prepared = try await backend.prepare(.pipeline(sampled(seed: 8)))
      let mine = isRunning ? other : Task { try await backend.run(prepared, onAnswer: {}) }
      if !isRunning { try await eventually("the other waits") { engine.waiting.count == 1 } }
      engine.restart()
      guard case .failure(let error as TaskError) = await mine.result else {
        Issue.record("a job was done that was lost")
        return
      }
      #expect(error.code == .engineUnreachable && error.retryable && error.message.contains("restarted"))
      other.cancel()
      _ = await other.result
      gate.open()
      #expect(try await backend.make(.pipeline(sampled(), attempt: 2)).outputs.count == 1)
    }
  }

  @Test("A server that is gone is the engine's absence")
  func gone() async throws {
    try await withComfy { (engine, backend) async throws in
      let gate = engine.hold("KSampler")
      let prepared = try await backend.prepare(.pipeline(sampled()))
      let running = Task { try await backend.run(prepared, onAnswer: {}) }
      try await eventually("it runs") { gate.waiting == 1 }
      engine.stop()
      guard case .failure(let error as TaskError) = await running.result else { return }
      #expect(error.code == .engineUnreachable && error.retryable)
      guard case .unavailable = await backend.status() else {
        Issue.record("a server that is gone is ready")
        return
      }
    }
  }

  @Test("A prompt whose answer was lost is found, and not sent twice")
  func lostAnswer() async throws {
    try await withComfy { (engine, backend) async throws in
      engine.dropNextAnswer()
      #expect(try await backend.make(.pipeline(sampled())).outputs.count == 1)
      #expect(engine.jobs.count == 1)
    }
  }

  @Test("Polling alone does where there is no WebSocket, or it breaks")
  func polling() async throws {
    try await withComfy({ $0.hasEvents = false }) { (_, backend) async throws in
      #expect(try await backend.make(.pipeline(sampled())).outputs.count == 1)
    }
    try await withComfy { (engine, backend) async throws in
      let gate = engine.hold("KSampler")
      let prepared = try await backend.prepare(.pipeline(sampled()))
      async let running = backend.run(prepared, onAnswer: {})
      try await eventually("it runs") { gate.waiting == 1 && engine.listeners == 1 }
      engine.dropEvents()
      gate.open()
      #expect(try await running.finish().outputs.count == 1)
    }
  }

  // MARK: Watching

  @Test("Progress goes node by node and step by step, with previews where they are wanted")
  func progress() async throws {
    try await withComfy { (engine, backend) async throws in
      // Somebody else's job comes first, so that the listener is there before the first node is told of.
      let (other, blocking) = (
        ComfyBackend(base: engine.url, transport: backend.client.http.transport), engine.hold("EmptyImage")
      )
      let foreign = try await other.prepare(.pipeline(emptyImage()))
      async let first = other.run(foreign, onAnswer: {})
      try await eventually("the other job runs") { blocking.waiting == 1 && engine.listeners == 1 }
      let prepared = try await backend.prepare(.pipeline(sampled()))
      #expect(try await backend.progress(of: prepared) == nil)
      let answered = Mutex(0)
      async let running = backend.run(prepared) { answered.withLock { $0 += 1 } }
      try await eventually("it is listened to") { engine.listeners == 2 }
      #expect(await backend.status() == .ready(busy: true))
      let sampling = engine.hold("KSampler")
      blocking.open()
      _ = try await first
      try await eventually("the first step is told") { try await backend.progress(of: prepared)?.step == 1 }
      let told = try #require(try await backend.progress(of: prepared, withPreview: true))
      // Two nodes of five are done, and a quarter of the third.
      #expect(told.fraction > 0.4 && told.fraction < 0.5 && told.steps == 4)
      #expect(told.preview == FakeImage.png(width: 4, height: 4, gray: 1) && told.previewType == "image/png")
      #expect(try await backend.progress(of: prepared)?.preview == nil && answered.withLock { $0 } == 0)
      sampling.open()
      _ = try await running
      #expect(answered.withLock { $0 } == 1)
      #expect(await backend.status() == .ready(busy: false))
    }
  }

  @Test("What it is and has is told")
  func description() async throws {
    try await withComfy { (_, backend) async throws in
      let told = try await backend.describe()
      #expect(told.name == "ComfyUI 0.3.64" && told.types == [.pipeline, .textToImage, .imageToImage])
      #expect(told.models == ["sd15.safetensors", "xl/sdxl.safetensors"] && told.reportsProgress && told.interrupts)
      #expect(try await backend.stop() == false)
      #expect(try await backend.make(.pipeline(emptyImage())).engine == "ComfyUI 0.3.64")
    }
    let server = try ScriptedHTTPServer { _ in .respond(status: 404) }
    try await withTransport { (transport) async throws in
      guard case .unavailable = await ComfyBackend(base: server.url, transport: transport).status() else {
        Issue.record("what is no ComfyUI is ready")
        return
      }
    }
  }
}
