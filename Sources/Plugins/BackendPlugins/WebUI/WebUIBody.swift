import SDCore

/// The body of a request to a web UI: what the task says, and what must be said for the answer to be usable.
struct WebUIBody {
  /// What is sent.
  private(set) var json: JSONValue
  /// The task's content as it can be sent again for the same pictures: with the seed that it is given here.
  private(set) var content: JSONValue

  /// Makes a request's body, and checks what stands in it: not every engine does.
  ///
  /// - Parameter model: the title to have loaded; `nil` to leave the model alone.
  /// - Throws: `engine_rejected`, `input_invalid`, as an engine that checks would.
  init(_ request: InferenceRequest, _ knowledge: WebUIKnowledge, model: String?) throws(TaskError) {
    guard request.content.object != nil else {
      throw TaskError(.engineRejected, .prepare, "the task's content is no object")
    }
    _ = try Self.route(of: request.type)
    (json, content) = (request.content, request.content)
    switch request.type {
    case .textToImage, .imageToImage: try draw(request, knowledge, model)
    case .extraSingleImage, .extraBatchImages:
      guard knowledge.doesExtras else {
        throw TaskError(.engineRejected, .prepare, "the engine does not do \(request.type.rawValue)")
      }
      try WebUIInputs(json).checkExtras(request.type)
      for name in ["upscaler_1", "upscaler_2"] {
        try knowledge.check(upscaler: json[name]?.string, orLatentMode: false, name)
      }
    case .pipeline: break
    }
  }

  /// The model that a request asks for: the task's, or the one that its `override_settings` name.
  ///
  /// - Throws: `engine_rejected` where the two differ.
  static func askedModel(of request: InferenceRequest) throws(TaskError) -> String? {
    // The extras need no model.
    guard request.type == .textToImage || request.type == .imageToImage else { return nil }
    guard let own = request.content["override_settings"]?["sd_model_checkpoint"]?.string, !own.isEmpty else {
      return request.model
    }
    guard let asked = request.model, !ModelName(own).resembles(ModelName(asked)) else { return request.model ?? own }
    throw TaskError(
      .engineRejected, .prepare, "the task is meant for the model \(asked), and its override_settings for \(own)")
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
    try WebUIInputs(json).check(request.type)
    // Of none the engine makes none, and calls it a success.
    for name in ["batch_size", "n_iter"] where json[name]?.int.map({ $0 < 1 }) ?? false {
      throw TaskError(.engineRejected, .prepare, "a \(name) of \(json[name]?.text ?? "") makes no picture")
    }
    try checkNames(knowledge)
    if knowledge.isStableDiffusionCpp { try WebUIBody.refuseWhatIsIgnored(json, request.type) }
    if let seed = json["seed"]?.seed {
      guard !knowledge.isStableDiffusionCpp || seed <= Self.largestSeed else {
        throw TaskError(
          .engineRejected, .prepare,
          "sd-server takes seeds up to \(Self.largestSeed); it would use another in place of this")
      }
    } else {
      json["seed"] = .number(JSONNumber(request.seed & Self.largestSeed))
    }
    content["seed"] = json["seed"]
    json["send_images"] = true
    json["save_images"] = false
    setModel(model)
    try foldBatches(knowledge)
  }

  /// Names that an engine would quietly replace by others.
  private func checkNames(_ knowledge: WebUIKnowledge) throws(TaskError) {
    try knowledge.check(sampler: json["sampler_name"]?.string ?? json["sampler_index"]?.string)
    try knowledge.check(scheduler: json["scheduler"]?.string)
    guard json["enable_hr"]?.bool == true else { return }
    try knowledge.check(upscaler: json["hr_upscaler"]?.string, orLatentMode: true, "hr_upscaler")
    try knowledge.check(sampler: json["hr_sampler_name"]?.string)
    try knowledge.check(scheduler: json["hr_scheduler"]?.string)
  }

  /// A title that the engine does not know it would drop: what is to be loaded is said in its words, or not at all.
  private mutating func setModel(_ model: String?) {
    var settings = json["override_settings"]?.object ?? [:]
    let hadModel = settings["sd_model_checkpoint"] != nil
    settings["sd_model_checkpoint"] = model.map(JSONValue.string)
    if model != nil || hadModel { json["override_settings"] = settings.isEmpty ? nil : .object(settings) }
    if model != nil { json["override_settings_restore_afterwards"] = false }
  }

  private mutating func foldBatches(_ knowledge: WebUIKnowledge) throws(TaskError) {
    guard knowledge.isStableDiffusionCpp, let batches = json["n_iter"]?.int, batches > 1 else { return }
    // It ignores n_iter and works through a batch one by one, with the same seeds.
    let (count, overflows) = (json["batch_size"]?.int ?? 1).multipliedReportingOverflow(by: batches)
    guard !overflows, (1...1024).contains(count) else {
      throw TaskError(.engineRejected, .prepare, "batch_size times n_iter is not within 1 to 1024")
    }
    json["batch_size"] = .int(count)
    json["n_iter"] = 1
  }
}

// MARK: - sd-server

extension WebUIBody {
  /// What sd-server leaves out or changes without a word must not be asked of it.
  static func refuseWhatIsIgnored(_ json: JSONValue, _ type: TaskType) throws(TaskError) {
    func refuse(_ what: String) -> TaskError {
      TaskError(.engineRejected, .prepare, "sd-server \(what), without saying so")
    }
    let settings = json["override_settings"]?.object?.names.filter { $0 != "sd_model_checkpoint" } ?? []
    if let first = settings.first { throw refuse("would leave out override_settings.\(first)") }
    if let script = json["alwayson_scripts"]?.object?.names.first {
      throw refuse("would leave out the script \(script)")
    }
    if json["script_name"]?.string?.isEmpty == false { throw refuse("would leave out script_name") }
    if json["styles"]?.array?.isEmpty == false { throw refuse("would leave out styles") }
    for name in ["restore_faces", "tiling"] where json[name]?.bool == true { throw refuse("would leave out \(name)") }
    if let strength = json["subseed_strength"]?.double, strength > 0 {
      throw refuse("would leave out subseed_strength")
    }
    if let count = json["init_images"]?.array?.count, count > 1 {
      throw refuse("would look at one of \(count) init_images")
    }
    if type == .imageToImage, json["enable_hr"]?.bool == true { throw refuse("would leave out enable_hr") }
    for name in ["width", "height"] {
      guard let side = json[name]?.int, side > 0, side % 8 != 0 else { continue }
      throw refuse("would make a \(name) of \((side + 7) / 8 * 8) of \(side); it must be a multiple of 8")
    }
  }
}
