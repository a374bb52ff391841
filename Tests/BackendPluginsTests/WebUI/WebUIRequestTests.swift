import HTTPTransport
import SDCore
import SDTestKit
import Testing

@testable import BackendPlugins

@Suite("What a web UI engine is sent")
struct WebUIRequestTests {
  @Test("The content goes out as it is, with what makes the answer usable")
  func body() async throws {
    let engine = try WebUIStandIn.webUI(answer([try picture()], info: info(seeds: [99])))
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(base: engine.server.url, transport: transport)
      let content: JSONValue = ["prompt": "a cat", "cfg_scale": .double(7.5), "save_images": true, "odd": [1, nil]]
      _ = try await backend.make(.make(content, seed: 99))
      let body = try #require(try engine.bodies.first)
      #expect(body["prompt"] == "a cat" && body["odd"] == [1, nil] && body["cfg_scale"] == .double(7.5))
      #expect(body["seed"] == 99 && body["send_images"] == true && body["save_images"] == false)
      #expect(body["override_settings"] == nil && body["override_settings_restore_afterwards"] == nil)
      #expect(engine.server.requests.last?.header("content-type") == "application/json")
    }
  }

  @Test("A seed is given where the task names none, and kept where it does")
  func seeds() async throws {
    let engine = try WebUIStandIn.webUI(answer([try picture()], info: info(seeds: [1])))
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(base: engine.server.url, transport: transport)
      for content in [["seed": -1], ["seed": nil], [:], ["seed": 0], ["seed": 42]] as [JSONValue] {
        _ = try await backend.make(.make(content, seed: 7))
      }
      #expect(try engine.bodies.map { $0["seed"]?.int } == [7, 7, 7, 0, 42])
    }
  }

  @Test("Seeds that sd-server would quietly change are neither made up nor sent")
  func largeSeeds() async throws {
    let large = JSONValue.number(JSONNumber(UInt64(1) << 31))
    let images = answer([try picture()])
    let (cpp, webUI) = (try WebUIStandIn.stableDiffusionCpp(images), try WebUIStandIn.webUI(images))
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(base: cpp.server.url, transport: transport)
      #expect(await backend.failure(of: .make(["seed": large]))?.code == .engineRejected)
      _ = try await backend.make(.make([:], seed: .max))
      _ = try await WebUIBackend(base: webUI.server.url, transport: transport).make(.make(["seed": large]))
      #expect(try cpp.bodies.map { $0["seed"] } == [.int(Int(Int32.max))])
      #expect(try webUI.bodies.map { $0["seed"] } == [large])
    }
  }

  @Test("Another model is asked for by its title, where it may be loaded", arguments: ["second", "second.safetensors"])
  func otherModel(name: String) async throws {
    let engine = try WebUIStandIn.webUI(
      answer([try picture()], info: info(seeds: [1], model: "second")), answer([try picture()], info: info(seeds: [1])))
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(base: engine.server.url, transport: transport)
      let own: JSONValue = ["override_settings": ["CLIP_stop_at_last_layers": 2]]
      _ = try await backend.make(.make(own, model: name, mayLoadModel: true))
      // What was loaded before may be so no more.
      _ = try await backend.make(.make([:], model: "first", mayLoadModel: true))
      let bodies = try engine.bodies
      #expect(
        bodies[0]["override_settings"]
          == ["CLIP_stop_at_last_layers": 2, "sd_model_checkpoint": "second.safetensors [1111111111]"])
      #expect(bodies[0]["override_settings_restore_afterwards"] == false)
      #expect(bodies[1]["override_settings"]?["sd_model_checkpoint"] == "first.safetensors [1111111111]")
    }
  }

  @Test("The model that is loaded is not asked for, by whatever name")
  func loadedModel() async throws {
    let engine = try WebUIStandIn.webUI(answer([try picture()], info: info(seeds: [1])))
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(base: engine.server.url, transport: transport)
      for name in ["first", "first.safetensors", "first.safetensors [1111111111]"] {
        for mayLoad in [true, false] { _ = try await backend.make(.make([:], model: name, mayLoadModel: mayLoad)) }
      }
      #expect(try engine.bodies.allSatisfy { $0["override_settings"] == nil })
    }
  }

  @Test("A model that is not there is refused with the names of those that are", arguments: [true, false])
  func unknownModel(mayLoad: Bool) async throws {
    let engine = try WebUIStandIn.webUI(answer([try picture()]))
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(base: engine.server.url, transport: transport)
      let error = try #require(await backend.failure(of: .make([:], model: "firs", mayLoadModel: mayLoad)))
      #expect(error.code == .modelNotFound && error.stage == .prepare && !error.retryable)
      #expect(error.message.contains("second.safetensors"))
      #expect(try engine.bodies.isEmpty)
    }
  }

  @Test("A model that is there, but not loaded, is refused where none may be loaded")
  func fixedModel() async throws {
    let engine = try WebUIStandIn.webUI(answer([try picture()]))
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(base: engine.server.url, transport: transport)
      #expect(await backend.failure(of: .make([:], model: "second"))?.code == .modelNotFound)
    }
  }

  @Test("Engines whose word on models says nothing are not argued with")
  func placeholders() async throws {
    let engines = [
      try WebUIStandIn.stableDiffusionCpp(answer([try picture()])),
      try WebUIStandIn.webUI(answer([try picture()])) { $0.loaded = nil },
      try WebUIStandIn.webUI(answer([try picture()])) { $0.missing = ["options", "sd-models"] },
      try WebUIStandIn.webUI(answer([try picture()], info: info(seeds: [1], model: "fake"))) {
        ($0.loaded, $0.models) = ("fake", [])
      },
    ]
    try await withTransport { (transport) async throws in
      for engine in engines {
        let backend = WebUIBackend(base: engine.server.url, transport: transport)
        for mayLoad in [true, false] {
          let result = try? await backend.make(.make([:], model: "v1-5.safetensors", mayLoadModel: mayLoad))
          // Where there is a list, what it does not have cannot be loaded.
          let mayRefuse = mayLoad && engine === engines[1]
          #expect((result?.outputs.count == 1) != mayRefuse)
        }
      }
    }
  }

  @Test("Image-to-image is not begun without a readable image")
  func inputs() async throws {
    let engine = try WebUIStandIn.stableDiffusionCpp(answer([try picture()]))
    let good = JSONValue.string(Base64.encode(try picture()))
    let cut = JSONValue.string(Base64.encode(Array(try picture().dropLast(20))))
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(base: engine.server.url, transport: transport)
      let cases: [(JSONValue, TaskError.Code?)] = [
        ([:], .engineRejected), (["init_images": []], .engineRejected), (["init_images": ["%%%"]], .inputInvalid),
        (["init_images": ["bm90IGFuIGltYWdl"]], .inputInvalid), (["init_images": [good, cut]], .inputInvalid),
        (["init_images": [nil]], .inputInvalid), (["init_images": [good], "mask": cut], .inputInvalid),
        (["init_images": [good, good]], .engineRejected), (["init_images": [good], "mask": nil], nil),
      ]
      for (content, code) in cases {
        #expect(await backend.failure(of: .make(content, type: .imageToImage))?.code == code)
      }
      #expect(engine.server.requests.count { $0.path == "/sdapi/v1/img2img" } == 1)
    }
  }

  @Test("Batches that sd-server would leave out are folded into one")
  func batches() async throws {
    let engine = try WebUIStandIn.stableDiffusionCpp(answer(try (5...10).map { try picture($0) }))
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(base: engine.server.url, transport: transport)
      let result = try await backend.make(.make(["n_iter": 2, "batch_size": 3]))
      #expect(try engine.bodies.first?["batch_size"] == 6)
      #expect(try engine.bodies.first?["n_iter"] == 1)
      #expect(result.outputs.map(\.seed) == [5, 6, 7, 8, 9, 10])
      let tooMany = InferenceRequest.make(["n_iter": .int(Int.max), "batch_size": 3])
      #expect(await backend.failure(of: tooMany)?.code == .engineRejected)
    }
  }

  @Test("What sd-server would leave out or change without a word is refused")
  func ignored() async throws {
    let engine = try WebUIStandIn.stableDiffusionCpp(answer([try picture()]))
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(base: engine.server.url, transport: transport)
      for (content, word) in [
        (["override_settings": ["sd_vae": "x"]], "override_settings.sd_vae"),
        (["alwayson_scripts": ["ControlNet": ["args": []]]], "ControlNet"), (["script_name": "x"], "script_name"),
        (["styles": ["x"]], "styles"), (["restore_faces": true], "restore_faces"), (["tiling": true], "tiling"),
        (["subseed_strength": .double(0.5)], "subseed_strength"), (["width": 65, "height": 64], "width of 72"),
        (["height": 67], "height of 72"),
      ] as [(JSONValue, String)] {
        let error = await backend.failure(of: .make(content))
        #expect(error?.code == .engineRejected && error?.message.contains(word) == true, "\(word)")
      }
      let harmless: JSONValue = [
        "override_settings": [:], "alwayson_scripts": [:], "script_name": "", "styles": [], "tiling": false,
        "width": 64, "height": 72,
      ]
      _ = try await backend.make(.make(harmless))
    }
  }

  @Test("Fewer pictures than asked for are found out where no seeds are told")
  func shortBatch() async throws {
    let engine = try WebUIStandIn.stableDiffusionCpp(answer([try picture(1)]))
    try await withTransport { (transport) async throws in
      let error = await WebUIBackend(base: engine.server.url, transport: transport).failure(
        of: .make(["batch_size": 2]))
      #expect(error?.code == .outputInvalid && error?.message.contains("1 of 2") == true)
    }
  }

  @Test(
    "Types that an engine does not do are refused before it is asked",
    arguments: [TaskType.pipeline, .extraSingleImage])
  func types(type: TaskType) async throws {
    let engine = try WebUIStandIn.stableDiffusionCpp(answer([try picture()]))
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(base: engine.server.url, transport: transport)
      #expect(await backend.failure(of: .make(["image": "x"], type: type))?.code == .engineRejected)
      #expect(try engine.bodies.isEmpty)
    }
  }

  @Test(
    "Credentials go out as HTTP Basic, wherever they were given, and show nowhere",
    arguments: ["", "user:p%40ss@"])
  func credentials(inAddress: String) async throws {
    let engine = try WebUIStandIn.webUI(answer([try picture()], info: info(seeds: [1])))
    let base = "http://\(inAddress)127.0.0.1:\(engine.server.port)/sdapi/v1/"
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(
        base: base, transport: transport, credentials: inAddress.isEmpty ? ("user", "p@ss") : nil)
      _ = try await backend.make(.make([:]))
      #expect(engine.server.requests.allSatisfy { $0.header("authorization") == "Basic dXNlcjpwQHNz" })
      #expect(engine.server.requests.allSatisfy { $0.path.hasPrefix("/sdapi/v1/") })
      engine.server.stop()
      guard case .unavailable(let why) = await backend.status() else {
        Issue.record("an engine that has gone is ready")
        return
      }
      #expect(!why.contains("p@ss") && !why.contains("p%40ss"))
    }
  }
}
