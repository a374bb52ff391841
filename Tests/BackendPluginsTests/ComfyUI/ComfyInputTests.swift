import FoundationEssentials
import HTTPTransport
import SDCore
import SDTestKit
import Testing

@testable import BackendPlugins

@Suite("ComfyUI's inputs and workflows", .timeLimit(.minutes(3)))
struct ComfyInputTests {
  private static let image = Base64.encode(FakeImage.png(width: 40, height: 20, gray: 60))

  private func loading(_ image: String) -> JSONValue {
    var graph = emptyImage()
    graph["1"] = ["class_type": "LoadImage", "inputs": ["image": .string(image)]]
    return graph
  }

  @Test("Images in the graph are uploaded under a name of their content, and the graph calls them so")
  func upload() async throws {
    try await withComfy { (engine, backend) async throws in
      for attempt in 1...2 { _ = try await backend.make(.pipeline(loading(Self.image), attempt: attempt)) }
      let inputs = engine.files.filter { $0.hasPrefix("input/") }
      let name = try #require(inputs.first?.dropFirst("input/".count))
      #expect(inputs.count == 1 && name.hasPrefix("sd/") && name.hasSuffix(".png"))
      #expect(engine.graphs.allSatisfy { $0["1"]?["inputs"]?["image"] == .string(String(name)) })
    }
  }

  @Test("Files that the engine has are left alone; what it would load unseen is looked at")
  func names() async throws {
    try await withComfy { (engine, backend) async throws in
      engine.store(FakeImage.png(1), as: "example.png", type: "input")
      #expect(try await backend.make(.pipeline(loading("example.png"))).outputs.count == 1)
      #expect(engine.graphs.last?["1"]?["inputs"]?["image"] == "example.png")
      let cut = Base64.encode(Array(FakeImage.png(width: 40, height: 20, gray: 60).prefix(100)))
      let error = await backend.failure(of: .pipeline(loading(cut)))
      #expect(error?.code == .inputInvalid && error?.message.contains("node 1") == true)
      #expect(engine.jobs.count == 1)
    }
  }

  @Test("An input larger than the engine takes is the task's fault")
  func tooLarge() async throws {
    try await withComfy({ $0.maximumBody = 500 }) { (_, backend) async throws in
      #expect(await backend.failure(of: .pipeline(loading(Self.image)))?.code == .inputInvalid)
    }
  }

  @Test("The model that the runtime is for must be the graph's")
  func model() async throws {
    try await withComfy { (_, backend) async throws in
      let other = await backend.failure(of: .pipeline(sampled(), model: "sdxl.safetensors"))
      #expect(other?.code == .modelNotFound && other?.message.contains("sd15") == true)
      #expect(await backend.failure(of: .pipeline(sampled(), model: "sd15.safetensors")) == nil)
      #expect(await backend.failure(of: .pipeline(emptyImage(), model: "sd15.safetensors")) == nil)
    }
  }

  @Test("text-to-image and image-to-image are done by workflows, in the web UIs' words")
  func ownWorkflows() async throws {
    try await withComfy { (engine, backend) async throws in
      let content: JSONValue = [
        "prompt": "a cat", "negative_prompt": "dog", "steps": 3, "width": 32, "height": 16, "batch_size": 1,
        "n_iter": 2,
        "sampler_name": "Euler a", "cfg_scale": .double(6.5), "restore_faces": false, "styles": [], "seed": -1,
      ]
      let result = try await backend.make(.make(content, model: "xl/sdxl.safetensors", seed: 41))
      #expect(
        result.outputs.count == 2 && result.outputs.allSatisfy { $0.width == 32 && $0.height == 16 && $0.seed == 41 })
      let graph = try #require(engine.graphs.last)
      #expect(graph["6"]?["inputs"]?["text"] == "a cat" && graph["7"]?["inputs"]?["text"] == "dog")
      #expect(
        graph["3"]?["inputs"]?["sampler_name"] == "euler_ancestral" && graph["3"]?["inputs"]?["cfg"] == .double(6.5))
      #expect(graph["4"]?["inputs"]?["ckpt_name"] == "xl/sdxl.safetensors")
      let again = try await backend.make(
        .make(
          ["prompt": "x", "init_images": [.string(Self.image)], "denoising_strength": .double(0.5)], type: .imageToImage
        ))
      #expect(again.outputs.count == 1 && again.model == "sd15.safetensors")
      #expect(engine.graphs.last?["3"]?["inputs"]?["denoise"] == .double(0.5))
      #expect(engine.graphs.last?["10"]?["inputs"]?["image"]?.string?.hasPrefix("sd/") == true)
    }
  }

  @Test("What a workflow cannot do is refused by name")
  func refusals() async throws {
    try await withComfy { (engine, backend) async throws in
      for (content, type, word) in [
        (["prompt": "x", "enable_hr": true], .textToImage, "enable_hr"),
        (["prompt": "x"], .imageToImage, "init_images"),
        (["init_images": [.string(Self.image), .string(Self.image)]], .imageToImage, "one image"),
        (["image": .string(Self.image)], .extraSingleImage, "no workflow"),
      ] as [(JSONValue, TaskType, String)] {
        let error = await backend.failure(of: .make(content, type: type))
        #expect(error?.code == .engineRejected && error?.message.contains(word) == true, "\(word)")
      }
      let model = await backend.failure(of: .make(["prompt": "x"], model: "absent.safetensors"))
      #expect(model?.code == .modelNotFound && model?.message.contains("sd15.safetensors") == true)
      #expect(engine.jobs.isEmpty)
    }
  }

  @Test("Workflows of one's own come from a directory, with parameters or with the graph's inputs")
  func directory() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "workflows-\(UInt64.random(in: 0 ... .max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let drawing: JSONValue = [
      "parameters": [
        "wide": "1.width", "kind": ["input": ["1.height", "1.batch_size"], "default": 2, "words": ["tall": "64"]],
        "seed": "1.seed",
      ],
      "graph": emptyImage(["seed": 1]),
    ]
    func write(_ name: String, _ text: String) throws {
      try Data(text.utf8).write(to: folder.appending(path: name))
    }
    try write("drawing.json", drawing.text)
    try write("plain.json", emptyImage().text)
    try write("notes.txt", "not looked at")
    let workflows = try ComfyWorkflows(directory: folder.path)
    #expect(workflows.names == ["drawing", "image-to-image", "plain", "text-to-image"])
    try await withComfy(workflows: workflows) { (engine, backend) async throws in
      let content: JSONValue = ["workflow": "drawing", "parameters": ["wide": 40]]
      let prepared = try await backend.prepare(.pipeline(content))
      #expect(prepared.request.content == ["workflow": "drawing", "parameters": ["wide": 40, "seed": 99]])
      let drawn = try await backend.make(.pipeline(content))
      #expect(drawn.outputs.count == 2 && drawn.outputs[0].width == 40 && drawn.outputs[0].height == 2)
      #expect(drawn.outputs[0].seed == 99)
      let plain = try await backend.make(.pipeline(["workflow": "plain", "parameters": ["1.width": 50]]))
      #expect(plain.outputs[0].width == 50)
      let unknown = await backend.failure(of: .pipeline(["workflow": "plain", "parameters": ["3.width": 50]]))
      #expect(unknown?.code == .engineRejected && unknown?.message.contains("3.width") == true)
    }
    for (text, word) in [
      ("{", "not JSON"), (#"{"nodes":[],"links":[]}"#, "API format"), (#"{"graph":{}}"#, "no nodes"),
      (#"{"graph":\#(emptyImage().text),"parameters":{"a":"9.x"}}"#, "9.x"),
      (#"{"graph":\#(emptyImage().text),"parameters":{"a":{}}}"#, "parameter a"),
    ] {
      try write("bad.json", text)
      let error = #expect(throws: SDError.self) { _ = try ComfyWorkflows(directory: folder.path) }
      #expect(error?.code == .configuration && error?.message.contains("bad.json") == true, "\(word)")
      #expect(error?.message.contains(word) == true, "\(word): \(error?.message ?? "")")
    }
    #expect(throws: SDError.self) { _ = try ComfyWorkflows(directory: folder.path + "/none") }
  }
}
