import ImageKit
import SDCore

/// The body of a request to a web UI: what the task says, and what must be said for the answer to be usable.
struct WebUIBody {
  /// What is sent.
  private(set) var json: JSONValue

  /// Makes a request's body, and checks the inputs that stand in it: not every engine does.
  ///
  /// - Throws: `engine_rejected`, `input_invalid`, as an engine that checks would.
  init(_ request: InferenceRequest, _ knowledge: WebUIKnowledge, model: String?) throws(TaskError) {
    guard request.content.object != nil else {
      throw TaskError(.engineRejected, .prepare, "the task's content is no object")
    }
    _ = try Self.route(of: request.type)
    json = request.content
    switch request.type {
    case .textToImage, .imageToImage: try draw(request, knowledge, model)
    case .extraSingleImage, .extraBatchImages:
      guard knowledge.doesExtras else {
        throw TaskError(.engineRejected, .prepare, "the engine does not do \(request.type.rawValue)")
      }
      try checkExtras(request.type)
    case .pipeline: break
    }
  }

  /// What every engine takes for a seed.
  ///
  /// sd-server keeps 32 bits with a sign: what lies above it cuts off, or replaces by a random seed, and says 200.
  private static let largestSeed = UInt64(Int32.max)

  /// The route of a type of task.
  static func route(of type: TaskType) throws(TaskError) -> String {
    switch type {
    case .textToImage: "txt2img"
    case .imageToImage: "img2img"
    case .extraSingleImage: "extra-single-image"
    case .extraBatchImages: "extra-batch-images"
    case .pipeline: throw TaskError(.engineRejected, .prepare, "a web UI engine runs no pipelines; ComfyUI does")
    }
  }

  private mutating func draw(
    _ request: InferenceRequest, _ knowledge: WebUIKnowledge, _ model: String?
  ) throws(TaskError) {
    if request.type == .imageToImage { try checkInputs() }
    if let seed = json["seed"]?.seed {
      guard !knowledge.isStableDiffusionCpp || seed <= Self.largestSeed else {
        throw TaskError(
          .engineRejected, .prepare,
          "sd-server takes seeds up to \(Self.largestSeed); it would use another in place of this")
      }
    } else {
      json["seed"] = .number(JSONNumber(request.seed & Self.largestSeed))
    }
    json["send_images"] = true
    json["save_images"] = false
    if let model {
      var settings = json["override_settings"]?.object ?? [:]
      settings["sd_model_checkpoint"] = .string(model)
      json["override_settings"] = .object(settings)
      json["override_settings_restore_afterwards"] = false
    }
    if knowledge.isStableDiffusionCpp, let batches = json["n_iter"]?.int, batches > 1 {
      // It ignores n_iter and works through a batch one by one, with the same seeds.
      let (count, overflows) = (json["batch_size"]?.int ?? 1).multipliedReportingOverflow(by: batches)
      guard !overflows, (1...1024).contains(count) else {
        throw TaskError(.engineRejected, .prepare, "batch_size times n_iter is not within 1 to 1024")
      }
      json["batch_size"] = .int(count)
      json["n_iter"] = 1
    }
  }

  private func checkInputs() throws(TaskError) {
    guard let images = json["init_images"]?.array, !images.isEmpty else {
      throw TaskError(
        .engineRejected, .prepare, "image-to-image needs init_images", reason: ["detail": "Init image not found"])
    }
    for (index, image) in images.enumerated() { try Self.check(image, "init_images[\(index)]") }
    if let mask = json["mask"], !mask.isNull { try Self.check(mask, "mask") }
  }

  private func checkExtras(_ type: TaskType) throws(TaskError) {
    if type == .extraSingleImage { return try Self.check(json["image"] ?? .null, "image") }
    guard let images = json["imageList"]?.array, !images.isEmpty else {
      throw TaskError(.engineRejected, .prepare, "extra-batch-images needs an imageList")
    }
    for (index, image) in images.enumerated() { try Self.check(image["data"] ?? .null, "imageList[\(index)].data") }
  }

  private static func check(_ image: JSONValue, _ name: String) throws(TaskError) {
    guard let text = image.string, !text.isEmpty else {
      throw TaskError(.inputInvalid, .prepare, "\(name) is no base64 text")
    }
    _ = try EmbeddedImage.decode(text, name: name)
  }
}
