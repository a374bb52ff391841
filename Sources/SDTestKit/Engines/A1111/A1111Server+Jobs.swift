internal import Foundation
internal import SDCore
internal import Synchronization

extension A1111Server {
  // MARK: The queue

  /// One FIFO lock: further requests block with no byte of an answer until it is their turn. A client that goes away
  /// does not cancel its job.
  func inTurn(_ body: () throws -> ScriptedAnswer) rethrows -> ScriptedAnswer {
    let ticket = state.withLock { state in
      defer { state.nextTicket += 1 }
      return state.nextTicket
    }
    while state.withLock({ $0.servedTicket }) != ticket { usleep(1000) }
    defer { state.withLock { $0.servedTicket += 1 } }
    return try body()
  }

  // MARK: txt2img, img2img

  func draw(_ request: RecordedRequest, isImg2Img: Bool) throws -> ScriptedAnswer {
    let body = try Self.decode(request)
    try Self.validate(body)
    try checkScripts(body)
    if isImg2Img {
      // 404 without init_images; a bad picture is the client's fault and a 500 all the same.
      guard let images = body["init_images"]?.array, !images.isEmpty else {
        throw A1111Refusal(status: 404, body: ["detail": "Init image not found"])
      }
      for image in images { try Self.decodeImage(image.string ?? "") }
      if let mask = body["mask"]?.string { try Self.decodeImage(mask) }
    }
    return try inTurn { try work(body) }
  }

  private func work(_ body: JSONValue) throws -> ScriptedAnswer {
    // begin() of a job clears the flag of an earlier interrupt [src]. steps is 50 unless said.
    let steps = body["steps"]?.int ?? 50
    let (batches, batchSize) = (max(1, body["n_iter"]?.int ?? 1), max(1, body["batch_size"]?.int ?? 1))
    let before: String? = state.withLock { state in
      (state.isInterrupted, state.isSkipped) = (false, false)
      state.job = Job(steps: steps, batches: batches)
      state.jobs += 1
      return state.loaded
    }
    defer { state.withLock { $0.job = nil } }
    let model = try load(body)
    try checkMemory(body, batchSize)
    var isWhole = true
    for batch in 0..<batches {
      for step in 0..<max(1, steps) {
        state.withLock { state in
          state.job?.batch = batch
          state.job?.step = step
        }
        hold(step)
        if state.withLock({ $0.isInterrupted }) {
          isWhole = false
          break
        }
      }
      if !isWhole { break }
    }
    if !isWhole { state.withLock { $0.partialJobs += 1 } }
    // restore_afterwards is true unless said otherwise: the model from before is loaded again.
    if body["override_settings_restore_afterwards"]?.bool != false { state.withLock { $0.loaded = before } }
    // An interrupted job is answered 200, with what there is by then, and nothing in the body says so.
    return .json(drawn(body, model, count: batches * batchSize, isWhole: isWhole).text)
  }

  private func hold(_ step: Int) {
    guard let gate = state.withLock({ $0.holds[step] }) else { return }
    _ = gate.pass { self.server.isStopped }
  }

  /// The model of a job: `override_settings` inside the job is under the lock; an unknown name is dropped silently.
  private func load(_ body: JSONValue) throws -> Model {
    let asked = body["override_settings"]?["sd_model_checkpoint"]?.string
    return try state.withLock { state throws(A1111Refusal) in
      // No model at all: 500 ValueError.
      guard !state.models.isEmpty else { throw refusal("ValueError", "") }
      if let asked, state.models.contains(where: { $0.title == asked || $0.name == asked }) {
        state.loaded = state.models.first { $0.title == asked || $0.name == asked }?.title
      }
      state.isLoaded = true
      return state.models.first { $0.title == state.loaded } ?? state.models[0]
    }
  }

  /// CUDA out of memory: 500 with the error "OutOfMemoryError" [mem].
  private func checkMemory(_ body: JSONValue, _ batchSize: Int) throws {
    let pixels = (body["width"]?.int ?? 512) * (body["height"]?.int ?? 512) * batchSize
    let isFragmented = state.withLock { state in
      defer { state.isFragmented = state.isFragmented || configuration.leaksMemory }
      return state.isFragmented
    }
    guard pixels > configuration.memoryPixels || isFragmented else { return }
    throw refusal(
      "OutOfMemoryError", "CUDA out of memory. Tried to allocate 2.25 GiB (GPU 0; 23.69 GiB total capacity)")
  }

  /// `images` are [grid] + samples + extra pictures; ControlNet's maps are appended. `info` is a JSON string.
  private func drawn(_ body: JSONValue, _ model: Model, count: Int, isWhole: Bool) -> JSONValue {
    let seed = body["seed"]?.int ?? -1
    let first = seed < 0 ? 4_000_000_000 : seed
    let seeds = (0..<count).map { first + $0 }
    // An unknown sampler gives another one, silently.
    let sampler = sampler(body["sampler_name"]?.string ?? body["sampler_index"]?.string)
    var images = seeds.map { picture(body, seed: $0, sampler, model, isWhole: isWhole) }
    // A grid only if save_images, return_grid and more than one picture.
    let hasGrid = count > 1 && body["save_images"]?.bool == true && option("return_grid") == true
    if hasGrid { images.insert(FakeImage.png(width: 16, height: 16, gray: 7), at: 0) }
    for _ in 0..<controlNetUnits(body) { images.append(FakeImage.png(width: 16, height: 16, gray: 9)) }
    // send_images=false: no pictures.
    if body["send_images"]?.bool == false { images = [] }
    var info: JSONValue = [
      "prompt": body["prompt"] ?? "", "seed": .int(first), "all_seeds": .array(seeds.map(JSONValue.int)),
      "sampler_name": .string(sampler), "sd_model_name": .string(model.name),
    ]
    info["sd_model_hash"] = .string(model.shortHash)
    info["index_of_first_image"] = .int(hasGrid ? 1 : 0)
    info["infotexts"] = .array(seeds.map { .string(note(body, seed: $0, sampler, model)) })
    info["job_timestamp"] = "20250101000000"
    info["version"] = "f2.0.1v1.10.1"
    // Plain base64, no data: prefix.
    return ["images": .strings(images.map(Self.base64)), "parameters": body, "info": .string(info.text)]
  }

  private func sampler(_ name: String?) -> String {
    // `DPM++ 2M Karras` is taken apart into sampler and scheduler [src].
    let endings = [""] + configuration.schedulers.map { " " + $0.label.lowercased() }
    let known = configuration.samplers.first { sampler in
      ([sampler.name] + sampler.aliases).contains { known in
        endings.contains { known.lowercased() + $0 == name?.lowercased() }
      }
    }
    return (known ?? configuration.samplers[0]).name
  }

  private func picture(_ body: JSONValue, seed: Int, _ sampler: String, _ model: Model, isWhole: Bool) -> [UInt8] {
    // The format is that of the option samples_format.
    guard option("samples_format") == "png" else { return Self.jpeg }
    return FakeImage.png(
      width: body["width"]?.int ?? 512, height: body["height"]?.int ?? 512,
      gray: isWhole ? UInt8(truncatingIfNeeded: 16 + seed % 200) : 0,
      texts: [("parameters", note(body, seed: seed, sampler, model))])
  }

  private func note(_ body: JSONValue, seed: Int, _ sampler: String, _ model: Model) -> String {
    let (width, height) = (body["width"]?.int ?? 512, body["height"]?.int ?? 512)
    return """
      \(body["prompt"]?.string ?? "")
      Steps: \(body["steps"]?.int ?? 50), Sampler: \(sampler), CFG scale: 7, Seed: \(seed), \
      Size: \(width)x\(height), Model hash: \(model.shortHash), Model: \(model.name), Version: f2.0.1v1.10.1
      """
  }

  // MARK: Scripts

  /// An unknown script is 422 `Script 'X' not found`; titles are compared in small letters.
  private func checkScripts(_ body: JSONValue) throws {
    for script in body["alwayson_scripts"]?.object?.members ?? [] {
      guard script.name.lowercased() == "controlnet", configuration.hasControlNet else {
        throw A1111Refusal(status: 422, body: ["detail": .string("Script '\(script.name)' not found")])
      }
      for unit in script.value["args"]?.array ?? [] {
        if let image = unit["input_image"]?.string ?? unit["image"]?.string { try Self.decodeImage(image) }
      }
    }
    if let name = body["script_name"]?.string, !name.isEmpty, name.lowercased() != "x/y/z plot" {
      throw A1111Refusal(status: 422, body: ["detail": .string("Script '\(name)' not found")])
    }
  }

  /// Missing arguments of a unit keep their defaults, surplus units are dropped: there are three.
  private func controlNetUnits(_ body: JSONValue) -> Int {
    let script = (body["alwayson_scripts"]?.object?.members ?? []).first { $0.name.lowercased() == "controlnet" }
    return (script?.value["args"]?.array ?? []).prefix(3).count { $0["enabled"]?.bool != false }
  }

  // MARK: Extras

  /// They need no checkpoint. An unknown upscaler is a 500 with an AssertionError.
  func extras(_ request: RecordedRequest, isBatch: Bool) throws -> ScriptedAnswer {
    let body = try Self.decode(request)
    let inputs = isBatch ? (body["imageList"]?.array ?? []).map { $0["data"] ?? .null } : [body["image"] ?? .null]
    for input in inputs { try Self.decodeImage(input.string ?? "") }
    for name in ["upscaler_1", "upscaler_2"] {
      guard let upscaler = body[name]?.string, !configuration.upscalers.contains(upscaler) else { continue }
      throw refusal("AssertionError", "could not find upscaler named \(upscaler)")
    }
    return inTurn {
      let scale = body["upscaling_resize"]?.int ?? 2
      let pictures = inputs.map { _ in
        JSONValue.string(Self.base64(FakeImage.png(width: 8 * scale, height: 8 * scale, gray: 50)))
      }
      var answer: JSONValue = ["html_info": "<p>Postprocess upscale by: \(scale)</p>".asJSON]
      answer[isBatch ? "images" : "image"] = isBatch ? .array(pictures) : pictures[0]
      return .json(answer.text)
    }
  }

  // MARK: Reading

  private static func decode(_ request: RecordedRequest) throws(A1111Refusal) -> JSONValue {
    let type = request.header("content-type") ?? "application/json"
    guard type.hasPrefix("application/json"), let body = try? JSONValue(parsing: request.body), body.object != nil
    else {
      throw badBody
    }
    return body
  }

  /// 422 `{"detail": [{type, loc, msg, input}]}`. Unknown fields are ignored.
  private static func validate(_ body: JSONValue) throws(A1111Refusal) {
    for name in ["steps", "width", "height", "batch_size", "n_iter", "seed"] {
      guard let value = body[name], value.int == nil else { continue }
      let fault: JSONValue = [
        "type": "int_parsing", "loc": ["body", .string(name)], "msg": "Input should be a valid integer", "input": value,
      ]
      throw A1111Refusal(status: 422, body: ["detail": [fault]])
    }
  }

  /// Plain base64, or behind `data:image/...;base64,`.
  private static func decodeImage(_ text: String) throws(A1111Refusal) {
    let payload = text.hasPrefix("data:") ? text.drop { $0 != "," }.dropFirst() : text[...]
    guard let bytes = Data(base64Encoded: String(payload)),
      bytes.starts(with: [0x89, 0x50]) || bytes.starts(with: [0xFF, 0xD8])
    else { throw A1111Refusal(status: 500, body: ["detail": "Invalid encoded image"]) }
  }

  /// 8x8, gray.
  static let jpeg = [UInt8](
    Data(
      base64Encoded: """
        /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8ybqm\
        x5moq6T/wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAABP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AM//Z
        """) ?? Data())
}

extension String {
  fileprivate var asJSON: JSONValue { .string(self) }
}
