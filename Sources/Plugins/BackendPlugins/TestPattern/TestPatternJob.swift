import Crypto
import SDCore

/// One request, understood: what to draw, and what to tell about it.
struct TestPatternJob: Sendable {
  /// The pictures, in order.
  var patterns: [TestPattern] = []
  /// Whether the pictures come from seeds, so that these are worth telling.
  var tellsSeeds = true
  /// What the engine says of the making, as the web UIs do; `null` for the extras and graphs.
  var info: JSONValue = .null
  /// The values that were used, where the request is of the web UIs' kind.
  var parameters: JSONValue = [:]
  /// `html_info` of the extras.
  var htmlInfo: String?

  /// Pixels of all pictures of a task together.
  static let maximumPixels = 256 << 20
  /// Pictures of a task.
  static let maximumPictures = 256

  init(_ request: InferenceRequest, model: String) throws(TaskError) {
    guard request.content.object != nil else { throw Self.rejected("its content is no object") }
    switch request.type {
    case .textToImage: try readDrawing(request, model, inits: [])
    case .imageToImage:
      let inits = request.content["init_images"]?.array?.compactMap(\.string) ?? []
      guard !inits.isEmpty else {
        throw Self.rejected("Init image not found", reason: ["detail": "Init image not found"])
      }
      try readDrawing(request, model, inits: inits)
    case .extraSingleImage:
      try readExtras(request, model, images: [request.content["image"]?.string ?? ""], name: "image")
    case .extraBatchImages:
      let images = request.content["imageList"]?.array?.map { $0["data"]?.string ?? "" } ?? []
      guard !images.isEmpty else { throw Self.rejected("imageList is missing or empty") }
      try readExtras(request, model, images: images, name: "imageList")
    case .pipeline: patterns = try TestPatternGraph(request.content).patterns(anySeed: request.seed)
    }
    try checkSizes()
  }

  /// A request with its seed in it, so that it makes the same pictures again.
  static func seeded(_ request: InferenceRequest) -> InferenceRequest {
    var request = request
    switch request.type {
    case .textToImage, .imageToImage:
      if request.content["seed"]?.seed == nil { request.content["seed"] = .number(JSONNumber(request.seed)) }
    case .pipeline:
      let isWrapped = ComfyGraph.isWrapped(request.content)
      guard var graph = try? ComfyGraph((isWrapped ? request.content["prompt"] : nil) ?? request.content) else { break }
      graph.fillSeeds(request.seed)
      if isWrapped { request.content["prompt"] = graph.json } else { request.content = graph.json }
    case .extraSingleImage, .extraBatchImages: break
    }
    return request
  }

  /// Total work, before any of it is begun.
  private func checkSizes() throws(TaskError) {
    let sides = 1...8192
    for pattern in patterns where !sides.contains(pattern.width) || !sides.contains(pattern.height) {
      throw Self.rejected("a size of \(pattern.width)x\(pattern.height) is not within 1 to 8192 a side")
    }
    guard patterns.reduce(0, { $0 + $1.width * $1.height }) <= Self.maximumPixels else {
      throw TaskError(
        .outOfMemory, .prepare,
        "the pictures have more than \(Self.maximumPixels) pixels together; ask for fewer at a time")
    }
  }

  static func rejected(_ why: String, reason: JSONValue? = nil) -> TaskError {
    TaskError(.engineRejected, .prepare, "the test-pattern engine refused the request: \(why)", reason: reason)
  }

  static func digest(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: SHA256.hash(data: bytes).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// A model's name as the web UIs tell it: the file's, without its extension.
  static func stem(of model: String) -> String { ModelName(model).stem }

  /// Ten digits that stand for a model's file, the same each time.
  static func hash(of model: String) -> String { String(digest(Array(stem(of: model).utf8)).prefix(10)) }
}

// MARK: - Text and image to image

extension TestPatternJob {
  private mutating func readDrawing(
    _ request: InferenceRequest, _ model: String, inits: [String]
  ) throws(TaskError) {
    let content = request.content
    let seed = content["seed"]?.seed ?? request.seed
    let batchSize = try Self.whole("batch_size", of: content, otherwise: 1, within: 1...Self.maximumPictures)
    let batches = try Self.whole("n_iter", of: content, otherwise: 1, within: 1...Self.maximumPictures)
    guard batchSize * batches <= Self.maximumPictures else {
      throw Self.rejected("batch_size times n_iter is above \(Self.maximumPictures)")
    }
    let asked = request.model ?? content["override_settings"]?["sd_model_checkpoint"]?.string ?? model
    let sampler = [content["sampler_name"], content["sampler_index"]].compactMap { $0?.string }.first { !$0.isEmpty }
    var pattern = TestPattern(
      prompt: try Self.text("prompt", of: content), negativePrompt: try Self.text("negative_prompt", of: content),
      seed: seed, width: try Self.whole("width", of: content, otherwise: 512, within: 1...8192),
      height: try Self.whole("height", of: content, otherwise: 512, within: 1...8192),
      steps: try Self.whole("steps", of: content, otherwise: 50, within: 1...10000),
      sampler: sampler ?? "Euler", cfgScale: try Self.number("cfg_scale", of: content, otherwise: 7),
      model: Self.stem(of: asked), modelHash: Self.hash(of: asked))
    if !inits.isEmpty {
      pattern.denoisingStrength = try Self.number("denoising_strength", of: content, otherwise: 0.75)
    }
    let digests = try inits.enumerated().map { (index, text) throws(TaskError) in
      Self.digest(try EmbeddedImage.decode(text, name: "init_images[\(index)]").bytes)
    }
    if let mask = content["mask"]?.string {
      _ = try EmbeddedImage.decode(mask, name: "mask")
      pattern.labels.append("masked")
    }
    patterns = (0..<(batchSize * batches)).map { index in
      var one = pattern
      (one.index, one.seed) = (index, seed &+ UInt64(index))
      one.initDigest = digests.isEmpty ? nil : digests[index % digests.count]
      return one
    }
    tell(pattern, batchSize: batchSize, batches: batches, echo: content)
  }

  /// What the web UIs tell of such a making.
  private mutating func tell(_ pattern: TestPattern, batchSize: Int, batches: Int, echo: JSONValue) {
    let seed = JSONValue.number(JSONNumber(pattern.seed))
    let common: [(String, JSONValue)] = [
      ("prompt", .string(pattern.prompt)), ("negative_prompt", .string(pattern.negativePrompt)), ("seed", seed),
      ("width", .int(pattern.width)), ("height", .int(pattern.height)), ("sampler_name", .string(pattern.sampler)),
      ("cfg_scale", .double(pattern.cfgScale)), ("steps", .int(pattern.steps)), ("batch_size", .int(batchSize)),
    ]
    let drawsFromImage = patterns.first?.initDigest != nil
    let strength: JSONValue = drawsFromImage ? .double(pattern.denoisingStrength) : .null

    parameters = echo.withoutImages
    for (name, value) in common { parameters[name] = value }
    parameters["n_iter"] = .int(batches)
    if drawsFromImage { parameters["denoising_strength"] = strength }

    info = .object(JSONObject(common))
    info["all_prompts"] = .strings(patterns.map(\.prompt))
    info["all_negative_prompts"] = .strings(patterns.map(\.negativePrompt))
    info["all_seeds"] = .array(patterns.map { .number(JSONNumber($0.seed)) })
    info["subseed"] = seed
    info["subseed_strength"] = 0
    info["sd_model_name"] = .string(pattern.model)
    info["sd_model_hash"] = .string(pattern.modelHash)
    info["denoising_strength"] = strength
    info["extra_generation_params"] = [:]
    info["index_of_first_image"] = 0
    info["infotexts"] = .strings(patterns.map(\.infotext))
    info["styles"] = []
    info["clip_skip"] = 1
    info["version"] = "test-pattern"
  }
}

// MARK: - Values

extension TestPatternJob {
  private static func text(_ name: String, of content: JSONValue) throws(TaskError) -> String {
    switch content[name] {
    case nil, .null: return ""
    case .string(let text): return text
    case .some(let other): throw invalid(name, "Input should be a valid string", other)
    }
  }

  static func whole(
    _ name: String, of content: JSONValue, otherwise: Int, within range: ClosedRange<Int>
  ) throws(TaskError) -> Int {
    guard let value = content[name], !value.isNull else { return otherwise }
    guard let whole = value.int ?? value.string.flatMap({ Int($0) }), range.contains(whole) else {
      throw invalid(name, "Input should be an integer from \(range.lowerBound) to \(range.upperBound)", value)
    }
    return whole
  }

  static func number(
    _ name: String, of content: JSONValue, otherwise: Double
  ) throws(TaskError) -> Double {
    guard let value = content[name], !value.isNull else { return otherwise }
    guard let number = value.double ?? value.string.flatMap({ Double($0) }), number.isFinite else {
      throw invalid(name, "Input should be a valid number", value)
    }
    return number
  }

  /// The web UIs' form of a validation error.
  private static func invalid(_ name: String, _ message: String, _ value: JSONValue) -> TaskError {
    let detail: JSONValue = ["type": "value_error", "loc": ["body", .string(name)], "msg": .string(message)]
    return rejected("\(name): \(message)", reason: ["detail": [detail]])
  }
}
