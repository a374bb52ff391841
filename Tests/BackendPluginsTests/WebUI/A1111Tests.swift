import HTTPTransport
import SDCore
import SDTestKit
import Synchronization
import Testing

@testable import BackendPlugins

/// Row by row what was observed of A1111's API, against the stand-in that does it.
@Suite("A1111's API as observed", .timeLimit(.minutes(3)))
struct A1111Tests {
  private func withEngine(
    _ change: (inout A1111Server.Configuration) -> Void = { _ in }, credentials: (String, String)? = nil,
    _ body: (A1111Server, WebUIBackend) async throws -> Void
  ) async throws {
    let engine = try A1111Server(change)
    try await withTransport { (transport) async throws in
      try await body(engine, WebUIBackend(base: engine.url, transport: transport, credentials: credentials))
    }
    #expect(engine.violations == [])
  }

  private static let small: JSONValue = ["prompt": "a cat", "width": 16, "height": 16, "steps": 4]
  private static func small(_ more: JSONValue) -> JSONValue {
    var content = small
    for member in more.object?.members ?? [] { content[member.name] = member.value }
    return content
  }
  private static let image = JSONValue.string(Base64.encode(FakeImage.png(width: 8, height: 8, gray: 40)))

  // MARK: Types of tasks

  @Test("Every type of task comes back with its pictures")
  func types() async throws {
    try await withEngine { (engine, backend) async throws in
      let drawn = try await backend.make(.make(Self.small(["seed": 5, "batch_size": 2, "n_iter": 2])))
      #expect(drawn.outputs.map(\.seed) == [5, 6, 7, 8] && drawn.outputs.allSatisfy { $0.role == .image })
      #expect(drawn.model == "first" && drawn.modelHash == "1111111111" && drawn.engine == "web UI f2.0.1v1.10.1")
      #expect(drawn.info["infotexts"]?.array?.count == 4)
      let over = try await backend.make(.make(Self.small(["init_images": [Self.image]]), type: .imageToImage))
      #expect(over.outputs.count == 1)
      let single = try await backend.make(
        .make(["image": Self.image, "upscaler_1": "Lanczos", "upscaling_resize": 4], type: .extraSingleImage))
      #expect(single.outputs.map(\.width) == [32] && single.htmlInfo?.contains("upscale by: 4") == true)
      let batch = try await backend.make(
        .make(
          ["imageList": [["data": Self.image, "name": "a"], ["data": Self.image, "name": "b"]]], type: .extraBatchImages
        ))
      #expect(batch.outputs.count == 2 && batch.outputs.allSatisfy { $0.role == .image })
    }
  }

  @Test("The extras need no checkpoint, whatever the runtime has; drawing without any fails")
  func withoutModel() async throws {
    try await withEngine({ $0.models = [] }) { (_, backend) async throws in
      let upscale = InferenceRequest.make(["image": Self.image], type: .extraSingleImage, model: "first.safetensors")
      #expect(try await backend.make(upscale).outputs.count == 1)
      let error = await backend.failure(of: .make(Self.small))
      #expect(error?.code == .engineFailed && error?.message.contains("ValueError") == true)
    }
  }

  @Test("Inpainting, hires fix, scripts and settings go out as they came")
  func passedOn() async throws {
    try await withEngine { (engine, backend) async throws in
      let inpainting = Self.small([
        "init_images": [Self.image], "mask": Self.image, "mask_blur": 4, "inpainting_fill": 1, "inpaint_full_res": true,
        "denoising_strength": .double(0.4),
      ])
      _ = try await backend.make(.make(inpainting, type: .imageToImage))
      let sent = try #require(engine.bodies(of: "img2img").first)
      for member in inpainting.object?.members ?? [] { #expect(sent[member.name] == member.value) }
      let hires = Self.small([
        "enable_hr": true, "hr_upscaler": "Latent (nearest)", "hr_scale": 2, "script_name": "X/Y/Z plot",
        "script_args": [1, "2"], "override_settings": ["CLIP_stop_at_last_layers": 2], "styles": ["a"],
      ])
      _ = try await backend.make(.make(hires))
      let drawn = try #require(engine.bodies(of: "txt2img").last)
      for member in hires.object?.members ?? [] { #expect(drawn[member.name] == member.value) }
    }
  }

  @Test("ControlNet's maps come as extras, its title in whatever letters", arguments: ["ControlNet", "controlnet"])
  func controlNet(title: String) async throws {
    try await withEngine { (engine, backend) async throws in
      let units: JSONValue = [
        ["input_image": Self.image, "module": "canny"], ["enabled": false], ["image": ["image": Self.image]],
      ]
      var content = Self.small(["seed": 1])
      content["alwayson_scripts"] = [:]
      content["alwayson_scripts"]?[title] = ["args": units]
      let result = try await backend.make(.make(content))
      #expect(result.outputs.map(\.role) == [.image, .extra, .extra])
      content["alwayson_scripts"]?[title] = ["args": [["input_image": "bm90IGFuIGltYWdl"]]]
      let error = await backend.failure(of: .make(content))
      #expect(error?.code == .inputInvalid && error?.message.contains("args[0].input_image") == true)
      #expect(engine.jobs == 1)
    }
  }

  @Test("A script that is not there is the task's fault")
  func unknownScript() async throws {
    try await withEngine({ $0.hasControlNet = false }) { (_, backend) async throws in
      let error = await backend.failure(of: .make(Self.small(["alwayson_scripts": ["ControlNet": ["args": []]]])))
      #expect(error?.code == .engineRejected && error?.message.contains("Script 'ControlNet' not found") == true)
    }
  }

  @Test("Fields of the wrong type are refused with their names, and nothing of the request")
  func validation() async throws {
    try await withEngine { (_, backend) async throws in
      let error = await backend.failure(of: .make(Self.small(["cfg_scale": 7, "n_iter": "two"])))
      #expect(error?.code == .engineRejected && error?.retryable == false)
      #expect(error?.message.contains("n_iter: Input should be a valid integer") == true)
      #expect(error?.reason?["detail"]?.array?.first?["input"] == nil)
    }
  }

  @Test("The type of a picture is that of its bytes, whatever samples_format says")
  func formats() async throws {
    try await withEngine({ $0.samplesFormat = "jpg" }) { (_, backend) async throws in
      let output = try #require(try await backend.make(.make(Self.small)).outputs.first)
      #expect(output.contentType == "image/jpeg" && output.fileExtension == ".jpg" && output.width == 8)
    }
  }

  // MARK: Silent wrongness

  @Test("What the engine would replace without a word is refused before it works")
  func names() async throws {
    try await withEngine { (engine, backend) async throws in
      for (content, word) in [
        (["sampler_name": "No such"], "No such"), (["sampler_index": "Heun"], "DPM++ 2M"),
        (["scheduler": "sgm"], "Karras"), (["enable_hr": true, "hr_upscaler": "ESRGAN"], "R-ESRGAN 4x+"),
        (["enable_hr": true, "hr_sampler_name": "Heun"], "Euler a"),
      ] as [(JSONValue, String)] {
        let error = await backend.failure(of: .make(Self.small(content)))
        #expect(error?.code == .engineRejected && error?.stage == .prepare && error?.message.contains(word) == true)
      }
      let upscale: JSONValue = ["image": Self.image, "upscaler_2": "nope"]
      #expect(await backend.failure(of: .make(upscale, type: .extraSingleImage))?.code == .engineRejected)
      #expect(engine.jobs == 0)
      for content in [
        ["sampler_name": "k_euler"], ["sampler_name": "dpm++ 2m karras"], ["scheduler": "Karras"],
        ["scheduler": "automatic"], ["sampler_name": ""], ["hr_upscaler": "unused"],
      ] as [JSONValue] { _ = try await backend.make(.make(Self.small(content))) }
    }
  }

  @Test("A partial picture is not taken, whoever interrupted; the next job is whole", arguments: [true, false])
  func interrupted(byUs: Bool) async throws {
    try await withEngine { (engine, backend) async throws in
      let gate = engine.hold(atStep: 2)
      let prepared = try await backend.prepare(.make(Self.small))
      async let running = backend.run(prepared, onAnswer: {})
      try await eventually("the job holds") { gate.waiting == 1 }
      if byUs {
        try await backend.interrupt(prepared)
      } else {
        // Nothing in the answer says so; progress does, while the job runs.
        engine.interruptFromElsewhere()
        #expect(try await backend.progress(of: prepared) != nil)
      }
      gate.open()
      do {
        _ = try await running
        Issue.record("a partial picture was taken")
      } catch let error as TaskError {
        #expect(error.code == (byUs ? .cancelled : .engineFailed) && error.retryable != byUs)
      }
      #expect(engine.partialJobs == 1)
      #expect(try await backend.make(.make(Self.small, attempt: 2)).outputs.count == 1)
    }
  }

  // MARK: Models

  @Test("Another checkpoint is loaded inside the job, by its title, and stays")
  func modelSwitch() async throws {
    try await withEngine { (engine, backend) async throws in
      let result = try await backend.make(.make(Self.small, model: "second.safetensors", mayLoadModel: true))
      #expect(result.model == "second" && engine.loaded == "second.safetensors [2222222222]")
      #expect(engine.bodies(of: "options").isEmpty)
      // The same by the request's own settings.
      let own = Self.small(["override_settings": ["sd_model_checkpoint": "first"]])
      #expect(try await backend.make(.make(own, mayLoadModel: true)).model == "first")
      let both = InferenceRequest.make(own, model: "second", mayLoadModel: true)
      #expect(await backend.failure(of: both)?.code == .engineRejected)
    }
  }

  @Test("A checkpoint that came later is found by having the engine look")
  func refresh() async throws {
    try await withEngine { (engine, backend) async throws in
      _ = try await backend.make(.make(Self.small))
      engine.add(.init("third"))
      let result = try await backend.make(.make(Self.small, model: "third", mayLoadModel: true))
      #expect(result.model == "third")
      let error = await backend.failure(of: .make(Self.small, model: "fourth", mayLoadModel: true))
      #expect(error?.code == .modelNotFound && error?.message.contains("third.safetensors") == true)
      #expect(engine.jobs == 2)
    }
  }

  @Test("A runtime of one checkpoint does not let requests change it")
  func fixedModel() async throws {
    try await withEngine { (engine, backend) async throws in
      let other = Self.small(["override_settings": ["sd_model_checkpoint": "second"]])
      #expect(await backend.failure(of: .make(other))?.code == .modelNotFound)
      #expect(await backend.failure(of: .make(other, model: "first.safetensors"))?.code == .engineRejected)
      let same = Self.small(["override_settings": ["sd_model_checkpoint": "first.safetensors", "sd_vae": "None"]])
      _ = try await backend.make(.make(same, model: "first.safetensors"))
      // What the engine may not know by this name it is not told.
      #expect(engine.bodies(of: "txt2img").map { $0["override_settings"] } == [["sd_vae": "None"]])
    }
  }

  // MARK: Memory

  @Test("Out of memory: it is freed, and the second try succeeds; the engine is given away once")
  func memoryFreed() async throws {
    try await withEngine({ $0.leaksMemory = true }) { (engine, backend) async throws in
      _ = try await backend.make(.make(Self.small))
      let prepared = try await backend.prepare(.make(Self.small, id: "308"))
      let jobsWhenFree = Mutex(0)
      let count = Mutex(0)
      let answer = try await backend.run(prepared) {
        count.withLock { $0 += 1 }
        jobsWhenFree.withLock { $0 = engine.jobs }
      }
      #expect(try await answer.finish().outputs.count == 1)
      #expect(engine.jobs == 3 && count.withLock { $0 } == 1 && jobsWhenFree.withLock { $0 } == 3)
      let paths = engine.server.requests.filter { $0.method == "POST" }.map { $0.path.dropFirst("/sdapi/v1/".count) }
      #expect(paths == ["txt2img", "txt2img", "unload-checkpoint", "reload-checkpoint", "txt2img"])
    }
  }

  @Test("Out of memory for good fails with advice, after one more try", arguments: [true, false])
  func memoryTooSmall(isForge: Bool) async throws {
    try await withEngine({ ($0.memoryPixels, $0.isForge) = (400, isForge) }) { (engine, backend) async throws in
      let content = Self.small(["batch_size": 2, "enable_hr": true])
      let error = try #require(await backend.failure(of: .make(content)))
      #expect(error.code == .outOfMemory && !error.retryable && engine.jobs == 2)
      for word in ["16x16", "batch_size of 2", "enable_hr", "1.5 of 24.0 GiB", "CUDA out of memory"] {
        #expect(error.message.contains(word), "\(word): \(error.message)")
      }
      #expect(try await backend.make(.make(Self.small, attempt: 2)).outputs.count == 1)
    }
  }

  // MARK: Watching

  @Test("Progress is told step by step, with a preview where one is wanted")
  func progress() async throws {
    try await withEngine { (engine, backend) async throws in
      let gate = engine.hold(atStep: 2)
      #expect(await backend.status() == .ready(busy: false))
      let prepared = try await backend.prepare(.make(Self.small))
      async let running = backend.run(prepared, onAnswer: {})
      try await eventually("the job holds") { gate.waiting == 1 }
      let plain = try await backend.progress(of: prepared)
      #expect(plain == TaskProgress(fraction: 0.5, step: 2, steps: 4, eta: 2.5))
      let seen = try await backend.progress(of: prepared, withPreview: true)
      #expect(seen?.preview == FakeImage.png(width: 8, height: 8, gray: 2) && seen?.previewType == "image/png")
      #expect(await backend.status() == .ready(busy: true))
      gate.open()
      _ = try await running
    }
  }

  @Test("Requests wait their turn without a byte of an answer, and who goes away is worked for all the same")
  func queueing() async throws {
    try await withEngine { (engine, backend) async throws in
      let gate = engine.hold(atStep: 0)
      let first = try await backend.prepare(.make(Self.small, id: "a"))
      let gone = Task { _ = try await backend.run(first, onAnswer: {}) }
      try await eventually("the job holds") { gate.waiting == 1 }
      gone.cancel()
      _ = await gone.result
      #expect(await backend.status() == .ready(busy: true))
      let second = try await backend.prepare(.make(Self.small, id: "b"))
      let answered = Mutex(false)
      async let running = backend.run(second) { answered.withLock { $0 = true } }
      try await eventually("the second is there") { engine.bodies(of: "txt2img").count == 2 }
      #expect(!answered.withLock { $0 } && engine.jobs == 1)
      gate.open()
      let answer = try await running
      #expect(try await answer.finish().outputs.count == 1)
      #expect(engine.jobs == 2)
    }
  }

  @Test("A request that was given up can still be interrupted, until the next one is with the engine")
  func abandoned() async throws {
    try await withEngine { (engine, backend) async throws in
      let gate = engine.hold(atStep: 1)
      let prepared = try await backend.prepare(.make(Self.small))
      let running = Task { _ = try await backend.run(prepared, onAnswer: {}) }
      try await eventually("the job holds") { gate.waiting == 1 }
      running.cancel()
      _ = await running.result
      try await backend.interrupt(prepared)
      gate.open()
      try await eventually("it has ended") { !engine.isBusy }
      #expect(engine.partialJobs == 1)
      _ = try await backend.make(.make(Self.small, attempt: 2))
      try await backend.interrupt(prepared)
      #expect(engine.server.requests.count { $0.path.hasSuffix("/interrupt") && $0.method == "POST" } == 1)
    }
  }

  @Test("Credentials open the door; wrong ones make the engine unavailable, not the task fail")
  func authorization() async throws {
    let asked = ("user", "secret")
    try await withEngine({ $0.credentials = asked }, credentials: asked) { (_, backend) async throws in
      #expect(await backend.status() == .ready(busy: false))
      #expect(try await backend.make(.make(Self.small)).outputs.count == 1)
    }
    try await withEngine({ $0.credentials = asked }, credentials: ("user", "wrong")) { (_, backend) async throws in
      guard case .unavailable(let why) = await backend.status() else {
        Issue.record("the engine is ready")
        return
      }
      #expect(why.contains("401") && !why.contains("wrong"))
      let error = await backend.failure(of: .make(Self.small))
      #expect(error?.code == .engineUnreachable && error?.retryable == true)
    }
  }

  @Test("What an engine can do is found out without doing it")
  func capabilities() async throws {
    try await withEngine { (engine, backend) async throws in
      let told = try await backend.describe()
      #expect(told.types == Set(TaskType.allCases).subtracting([.pipeline]))
      #expect(told.reportsProgress && told.interrupts && told.loadedModel == "first.safetensors [1111111111]")
      #expect(told.models == ["first.safetensors [1111111111]", "second.safetensors [2222222222]"])
      #expect(engine.server.requests.allSatisfy { $0.method == "GET" } && engine.jobs == 0)
      // server-stop exists only with --api-server-stop.
      #expect(try await backend.stop() == false)
    }
    try await withEngine({ $0.hasServerStop = true }) { (_, backend) async throws in #expect(try await backend.stop()) }
  }
}
