import ImageKit
import SDCore
import SDTestKit
import Testing

@testable import BackendPlugins

@Suite("The test-pattern engine")
struct TestPatternBackendTests {
  private let backend = TestPatternBackend()

  @Test("Batches count their seeds on, as the web UIs do, and honour size, steps and sampler")
  func batch() async throws {
    let content: JSONValue = [
      "prompt": "a cat", "negative_prompt": "dog", "seed": 7, "batch_size": 2, "n_iter": 2, "width": 64, "height": 96,
      "steps": 3, "sampler_name": "DDIM",
    ]
    let result = try await backend.make(.make(content))
    #expect(result.outputs.map(\.seed) == [7, 8, 9, 10])
    #expect(Set(result.outputs.map { Array($0.bytes) }).count == 4)
    for output in result.outputs {
      let info = try ImageInfo.verify(output.bytes.span)
      #expect(info.width == 64 && info.height == 96 && output.contentType == "image/png" && output.role == .image)
    }
    #expect(result.info["all_seeds"] == [7, 8, 9, 10])
    #expect(result.info["index_of_first_image"] == 0 && result.info["sampler_name"] == "DDIM")
    let second = result.outputs[1].bytes
    let texts = try PNGText.read(from: second.span)
    let text = try #require(texts.first)
    #expect(text.keyword == "parameters" && result.info["infotexts"]?.array?[1] == .string(text.text))
    #expect(Infotext(text.text).seed == 8 && Infotext(text.text)["Steps"] == "3")
    #expect(text.text.contains("Negative prompt: dog"))
    #expect(result.parameters["prompt"] == "a cat" && result.parameters["n_iter"] == 2)
  }

  @Test("The same request gives the same bytes, without a seed of its own too")
  func repeated() async throws {
    let content: JSONValue = ["prompt": "a cat", "seed": -1, "width": 32, "height": 32]
    let first = try await backend.make(.make(content, seed: 5))
    #expect(try await backend.make(.make(content, attempt: 2, seed: 5)).outputs[0].bytes == first.outputs[0].bytes)
    #expect(try await backend.make(.make(content, seed: 6)).outputs[0].bytes != first.outputs[0].bytes)
    #expect(first.outputs[0].seed == 5)
    let large = try await backend.make(.make(["seed": .number(JSONNumber(UInt64.max)), "width": 16, "height": 16]))
    #expect(large.outputs[0].seed == .max && large.info["seed"] == .number(JSONNumber(UInt64.max)))
  }

  @Test("Whatever model is asked for is the one that is told of")
  func model() async throws {
    let small: JSONValue = ["width": 16, "height": 16]
    #expect(try await backend.make(.make(small)).model == "test-pattern")
    let asked = try await backend.make(.make(small, model: "sub/v1-5.safetensors"))
    #expect(asked.model == "v1-5" && asked.info["sd_model_name"] == "v1-5" && asked.modelHash?.count == 10)
  }

  @Test("An init image is in the picture, and in no echo")
  func imageToImage() async throws {
    let (one, two) = (Base64.encode(try picture(1)), Base64.encode(try picture(2)))
    func make(_ image: String) async throws -> InferenceResult {
      try await backend.make(
        .make(["init_images": [.string(image)], "width": 32, "height": 32, "seed": 1], type: .imageToImage))
    }
    let results = (try await make(one), try await make(two))
    #expect(results.0.outputs[0].bytes != results.1.outputs[0].bytes)
    #expect(results.0.parameters["init_images"] == nil && results.0.info["denoising_strength"] == .double(0.75))
    #expect(await backend.failure(of: .make([:], type: .imageToImage))?.reason == ["detail": "Init image not found"])
    let broken = InferenceRequest.make(["init_images": ["aaaa"]], type: .imageToImage)
    #expect(await backend.failure(of: broken)?.code == .inputInvalid)
  }

  @Test("Extras give a picture for each one given, as large as asked for")
  func extras() async throws {
    let image = JSONValue.string("data:image/png;base64," + Base64.encode(try picture(1, 20, 10)))
    let single = try await backend.make(.make(["image": image, "upscaling_resize": 4], type: .extraSingleImage))
    #expect(single.outputs.map(\.width) == [80] && single.outputs.map(\.height) == [40])
    #expect(single.htmlInfo != nil && single.outputs[0].seed == nil)
    let list: JSONValue = [["data": image, "name": "a"], ["data": image, "name": "b"]]
    let sizes: JSONValue = [
      "imageList": list, "resize_mode": 1, "upscaling_resize_w": 30, "upscaling_resize_h": 40,
    ]
    let batch = try await backend.make(.make(sizes, type: .extraBatchImages))
    #expect(batch.outputs.map(\.width) == [30, 30] && batch.outputs.map(\.height) == [40, 40])
    #expect(await backend.failure(of: .make([:], type: .extraSingleImage))?.code == .inputInvalid)
  }

  @Test("A pipeline gives a picture for each node that saves one, made of what lies above it")
  func pipeline() async throws {
    func sampler(_ seed: Int, _ text: String) -> JSONValue {
      [
        "class_type": "KSampler",
        "inputs": [
          "seed": .int(seed), "steps": 4, "sampler_name": "euler", "positive": [.string(text), 0],
          "negative": ["n", 0], "latent_image": ["l", 0], "model": ["m", 0],
        ],
      ]
    }
    let graph: JSONValue = [
      "m": ["class_type": "CheckpointLoaderSimple", "inputs": ["ckpt_name": "turbo.safetensors"]],
      "a": ["class_type": "CLIPTextEncode", "inputs": ["text": "first", "clip": ["m", 1]]],
      "b": ["class_type": "CLIPTextEncode", "inputs": ["text": "second", "clip": ["m", 1]]],
      "n": ["class_type": "CLIPTextEncode", "inputs": ["text": "bad", "clip": ["m", 1]]],
      "l": ["class_type": "EmptyLatentImage", "inputs": ["width": 48, "height": 32, "batch_size": 2]],
      "3": sampler(11, "a"), "4": sampler(22, "b"),
      "5": ["class_type": "VAEDecode", "inputs": ["samples": ["3", 0], "vae": ["m", 2]]],
      "6": ["class_type": "VAEDecode", "inputs": ["samples": ["4", 0], "vae": ["m", 2]]],
      "8": ["class_type": "SaveImage", "inputs": ["images": ["5", 0]]],
      "9": ["class_type": "SaveImage", "inputs": ["images": ["6", 0]]],
    ]
    let result = try await backend.make(.make(graph, type: .pipeline))
    #expect(result.outputs.map(\.seed) == [11, 12, 22, 23])
    #expect(result.outputs.allSatisfy { $0.width == 48 && $0.height == 32 })
    let texts = try result.outputs.map { try PNGText.read(from: $0.bytes.span)[0].text }
    #expect(texts[0].hasPrefix("first\nNegative prompt: bad\nSteps: 4, Sampler: euler"))
    #expect(texts[2].hasPrefix("second\n") && texts[2].contains("Model: turbo"))

    let ring: JSONValue = [
      "1": ["class_type": "SaveImage", "inputs": ["images": ["2", 0]]],
      "2": ["class_type": "X", "inputs": ["images": ["1", 0]]],
    ]
    #expect(try await backend.make(.make(ring, type: .pipeline)).outputs.count == 1)
    let error = await backend.failure(of: .make(["1": ["class_type": "X"]], type: .pipeline))
    #expect(error?.code == .engineRejected && error?.reason?["error"]?["type"] == "prompt_no_outputs")
  }

  @Test(
    "Requests that cannot be drawn are refused before the engine starts",
    arguments: [
      #"{"width":0}"#, #"{"height":8193}"#, #"{"steps":"many"}"#, #"{"batch_size":0}"#,
      #"{"batch_size":200,"n_iter":200}"#, #"{"prompt":7}"#, #"{"cfg_scale":[]}"#, "[]",
      #"{"test_pattern":{"seconds":-1}}"#, #"{"test_pattern":{"fail":"nonsense"}}"#, #"{"test_pattern":7}"#,
      #"{"test_pattern":{"slow":true}}"#,
    ])
  func refused(content: String) async throws {
    let request = InferenceRequest.make(try JSONValue(parsing: content))
    let error = await #expect(throws: TaskError.self) { _ = try await backend.prepare(request) }
    #expect(error?.code == .engineRejected)
  }

  @Test("More pixels than memory should hold are refused with advice")
  func tooLarge() async throws {
    let error = await backend.failure(of: .make(["width": 8192, "height": 8192, "batch_size": 5]))
    #expect(error?.code == .outOfMemory)
  }

  @Test("A slow task takes its time, tells how far it is, and shows it")
  func slow() async throws {
    let clock = ManualClock()
    let backend = TestPatternBackend(clocks: clock.clocks)
    let content: JSONValue = ["steps": 20, "width": 64, "height": 64, "test_pattern": ["seconds": 10]]
    let prepared = try await backend.prepare(.make(content))
    #expect(try await backend.progress(of: prepared) == nil)
    async let running = backend.run(prepared, onAnswer: {})
    try await clock.untilSleepers(1)
    #expect(await backend.status() == .ready(busy: true))
    clock.advance(by: .seconds(5))
    let progress = try #require(try await backend.progress(of: prepared))
    #expect(progress.fraction == 0.5 && progress.step == 10 && progress.steps == 20 && progress.eta == 5)
    let preview = try #require(progress.preview)
    try ImageInfo.verify(preview.span)
    clock.advance(by: .seconds(5))
    let answer = try await running
    let result = try await answer.finish()
    #expect(result.outputs.count == 1)
    #expect(await backend.status() == .ready(busy: false))
  }

  @Test("A task can be told to fail, at its first attempts or always")
  func failing() async throws {
    let small: JSONValue = ["width": 16, "height": 16]
    var content = small
    content["test_pattern"] = ["fail": "engine_timeout", "times": 2]
    #expect(await backend.failure(of: .make(content, attempt: 1))?.code == .engineTimeout)
    #expect(await backend.failure(of: .make(content, attempt: 2))?.code == .engineTimeout)
    #expect(await backend.failure(of: .make(content, attempt: 3)) == nil)
    content["test_pattern"] = ["fail": "out_of_memory"]
    #expect(await backend.failure(of: .make(content, attempt: 30))?.retryable == false)
    let failing = TestPatternBackend(configuration: try .init(query: "fail=engine_failed&times=1"))
    #expect(await failing.failure(of: .make(small))?.code == .engineFailed)
    #expect(await failing.failure(of: .make(small, attempt: 2)) == nil)
    content["test_pattern"] = ["fail": nil]
    #expect(await failing.failure(of: .make(content)) == nil)
  }

  @Test("A hanging task stands still until it is interrupted, or cancelled")
  func hanging() async throws {
    let clock = ManualClock()
    let backend = TestPatternBackend(configuration: try .init(query: "hang=true&seconds=5"), clocks: clock.clocks)
    let prepared = try await backend.prepare(.make(["width": 16, "height": 16]))
    for isInterrupted in [true, false] {
      let task = Task { _ = try await backend.run(prepared, onAnswer: {}) }
      try await eventually("it runs") { try await backend.progress(of: prepared) != nil }
      clock.advance(by: .seconds(100))
      #expect(try await backend.progress(of: prepared)?.fraction == 0)
      if isInterrupted { try await backend.interrupt(prepared) } else { task.cancel() }
      let result = await task.result
      do {
        try result.get()
        Issue.record("a task that hangs ended")
      } catch let error as TaskError {
        #expect(isInterrupted && error.code == .cancelled)
      } catch {
        #expect(!isInterrupted && error is CancellationError)
      }
    }
  }

  @Test("Options come from a URI's query")
  func query() throws {
    let configuration = try TestPatternBackend.Configuration(
      query: "seconds=0.5&fail=out_of_memory&times=2&hang=false&model=my%20model.safetensors")
    #expect(configuration.duration == .milliseconds(500) && configuration.failure == .outOfMemory)
    #expect(configuration.failingAttempts == 2 && !configuration.hangs)
    #expect(configuration.model == "my model.safetensors")
    #expect(try TestPatternBackend.Configuration(query: nil) == .init())
  }

  @Test(
    "Options that are unknown or unusable are named",
    arguments: ["slow=1", "seconds=-1", "seconds=x", "fail=x", "times=-1", "hang=1", "model=", "seconds"])
  func options(query: String) {
    let error = #expect(throws: SDError.self) { try TestPatternBackend.Configuration(query: query) }
    #expect(error?.code == .configuration && error?.message.contains(query.prefix { $0 != "=" }) == true)
  }
}
