import SDCore

/// What a web UI engine told of itself: which model it has, which there are, what its samplers are called.
struct WebUIKnowledge: Sendable, Hashable {
  /// One entry of `sd-models`.
  struct Model: Sendable, Hashable {
    var title: String
    var name: String?
    var file: String?
    var hash: String?

    /// The names that a task may use for it, the whole of each.
    func isCalled(_ asked: String) -> Bool {
      var names = [title, String(ModelName.withoutHash(title))]
      if let name { names.append(name) }
      if let file {
        names.append(file)
        if let last = file.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last { names.append(String(last)) }
      }
      return names.contains(asked)
    }

    func resembles(_ other: ModelName) -> Bool {
      [title, name, file].compactMap { $0 }.contains { ModelName($0).resembles(other) }
    }
  }

  /// One entry of `samplers`.
  struct Sampler: Sendable, Hashable {
    var name: String
    var aliases: [String]
  }

  /// `sd_model_checkpoint` of the options.
  var loaded: String?
  var models: [Model] = []
  var samplers: [Sampler] = []
  /// Names and labels of `schedulers`.
  var schedulers: [String] = []
  /// Names of `upscalers`, and of `latent-upscale-modes`, which hires fix can use too.
  var upscalers: [String] = []
  var latentModes: [String] = []
  var tellsProgress = false
  var canInterrupt = false
  var doesExtras = false

  /// stable-diffusion.cpp's server: it gives all models one made-up hash, has one model a process, and names it at will.
  var isStableDiffusionCpp: Bool { models.contains { $0.hash == "8888888888" } }

  /// What kind it is.
  var name: String { isStableDiffusionCpp ? "sd-server" : "web UI" }

  // MARK: Models

  /// The model that a task asks for by title, file name or model name; `nil` if there is none of that name.
  func model(called asked: String) -> Model? { models.first { $0.isCalled(asked) } }

  /// Whether a model that the engine names is certainly another than the one asked for.
  ///
  /// Certain is it only where the engine's word can be trusted: it lists the model that it names, so that the name is
  /// no placeholder.
  func isCertainlyOther(_ told: String, than asked: String) -> Bool {
    let (toldName, askedName) = (ModelName(told), ModelName(asked))
    guard !isStableDiffusionCpp, !toldName.stem.isEmpty, !toldName.resembles(askedName) else { return false }
    guard let listed = models.first(where: { $0.isCalled(told) || $0.resembles(toldName) }) else { return false }
    return !listed.isCalled(asked) && !listed.resembles(askedName) && listed.hash != asked
  }

  /// Titles for an error message, not too many.
  var modelList: String {
    guard !models.isEmpty else { return "it lists no models" }
    let shown = models.prefix(20).map { $0.title.isEmpty ? "one without a name" : $0.title }.joined(separator: ", ")
    return "it has \(shown)" + (models.count > 20 ? " and \(models.count - 20) more" : "")
  }

  // MARK: Samplers

  /// Whether the sampler that the engine says it used is certainly not the one asked for.
  func isCertainlyOther(sampler told: String, than asked: String) -> Bool {
    let (told, asked) = (SamplerName(told), SamplerName(asked))
    guard !told.text.isEmpty, !asked.text.isEmpty, !Self.anySampler.contains(asked.text), told != asked else {
      return false
    }
    // `DPM++ 2M Karras` is the sampler `DPM++ 2M` with the scheduler `Karras`, in whichever form.
    for scheduler in Set(schedulers + Self.commonSchedulers).map(SamplerName.init) {
      if told.text + scheduler.text == asked.text || asked.text + scheduler.text == told.text { return false }
    }
    let meant = samplers.first { SamplerName($0.name) == told }
    if let meant, !isStableDiffusionCpp { return !meant.aliases.contains { SamplerName($0) == asked } }
    // Names of the engine's own, or aliases that it does not tell: then only quite another word counts.
    return !told.text.hasPrefix(asked.text) && !asked.text.hasPrefix(told.text)
  }

  private static let commonSchedulers = [
    "Karras", "Exponential", "Polyexponential", "Uniform", "SGM Uniform", "Simple", "Normal", "DDIM", "Beta",
  ]

  private static let anySampler: Set<String> = ["automatic", "default"]

  /// A sampler's name as all engines would write it.
  struct SamplerName: Hashable {
    var text: String
    init(_ name: String) {
      let plain = name.lowercased().replacing("++", with: "pp").filter { $0.isLetter || $0.isNumber }
      text = name.lowercased().hasPrefix("k_") ? String(plain.dropFirst()) : plain
    }
  }
}

// MARK: - Names that an engine does not have

extension WebUIKnowledge {
  /// Refuses a sampler that the engine certainly lacks: it would use another and say nothing.
  func check(sampler name: String?) throws(TaskError) {
    guard let name, !samplers.isEmpty else { return }
    let asked = SamplerName(name)
    guard !asked.text.isEmpty, !Self.anySampler.contains(asked.text) else { return }
    let endings = [""] + Set(schedulers + Self.commonSchedulers).map { SamplerName($0).text }
    for sampler in samplers {
      for known in ([sampler.name] + sampler.aliases).map(SamplerName.init) {
        if endings.contains(where: { known.text + $0 == asked.text }) { return }
        // It knows more names for its samplers than it tells.
        if isStableDiffusionCpp, known.text.hasPrefix(asked.text) || asked.text.hasPrefix(known.text) { return }
      }
    }
    throw Self.lacking("sampler", name, samplers.map(\.name))
  }

  /// Refuses a scheduler that the engine lacks.
  func check(scheduler name: String?) throws(TaskError) {
    guard let name, !schedulers.isEmpty else { return }
    let asked = SamplerName(name)
    guard !asked.text.isEmpty, !Self.anySampler.contains(asked.text) else { return }
    if schedulers.contains(where: { SamplerName($0) == asked }) { return }
    throw Self.lacking("scheduler", name, schedulers)
  }

  /// Refuses an upscaler that the engine lacks.
  func check(upscaler name: String?, orLatentMode: Bool, _ place: String) throws(TaskError) {
    guard let name, !name.isEmpty, !upscalers.isEmpty else { return }
    let known = upscalers + (orLatentMode ? latentModes : [])
    if known.contains(where: { $0.lowercased() == name.lowercased() }) { return }
    // Without their list it may well be one of these.
    if orLatentMode, latentModes.isEmpty, name.hasPrefix("Latent") { return }
    throw Self.lacking("upscaler for \(place)", name, known)
  }

  private static func lacking(_ what: String, _ name: String, _ known: [String]) -> TaskError {
    let more = known.count > 30 ? " and \(known.count - 30) more" : ""
    return TaskError(
      .engineRejected, .prepare,
      "the engine has no \(what) \(EngineFault.cut(name, to: 64)); it has \(known.prefix(30).joined(separator: ", "))\(more)"
    )
  }
}

// MARK: - What it told

extension WebUIKnowledge {
  static func names(in json: JSONValue) -> [String] {
    (json.array ?? []).prefix(1000).compactMap { $0["name"]?.string }
  }

  static func models(in json: JSONValue) -> [Model] {
    (json.array ?? []).prefix(10_000).compactMap { entry in
      // An engine may list a model that it has no name for.
      guard let title = entry["title"]?.string else { return nil }
      return Model(
        title: title, name: entry["model_name"]?.string, file: entry["filename"]?.string, hash: entry["hash"]?.string)
    }
  }

  static func samplers(in json: JSONValue) -> [Sampler] {
    (json.array ?? []).prefix(1000).compactMap { entry in
      guard let name = entry["name"]?.string, !name.isEmpty else { return nil }
      return Sampler(name: name, aliases: entry["aliases"]?.array?.compactMap(\.string) ?? [])
    }
  }

  static func schedulers(in json: JSONValue) -> [String] {
    (json.array ?? []).prefix(1000).flatMap { [$0["name"]?.string, $0["label"]?.string].compactMap { $0 } }
  }
}
