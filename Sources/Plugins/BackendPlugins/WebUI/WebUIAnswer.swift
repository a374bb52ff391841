import ImageKit
import SDCore

/// A web UI's answer, taken apart and checked against what was asked.
struct WebUIAnswer {
  private let request: InferenceRequest
  private let knowledge: WebUIKnowledge

  init(to request: InferenceRequest, _ knowledge: WebUIKnowledge) {
    (self.request, self.knowledge) = (request, knowledge)
  }

  /// The result that an answer's bytes hold; the pictures are parts of those bytes.
  ///
  /// - Throws: `output_invalid` for what is no such answer, `engine_rejected` and `model_not_found` where the engine did
  ///   something else than it was asked for and said nothing.
  func result(of answer: consuming [UInt8]) throws(TaskError) -> InferenceResult {
    let (rest, ranges) = try Self.decodeImages(in: &answer)
    let bytes = answer
    guard !ranges.isEmpty else {
      throw TaskError(.outputInvalid, .deliver, "the engine answered without a picture", reason: Self.complaint(rest))
    }
    let told = WebUITold(rest["info"], firstImage: bytes[ranges[0]])
    try checkCount(told, ranges.count)
    let first = told.seeds == nil ? 0 : told.firstImage
    let count = told.seeds?.count ?? ranges.count
    // What was asked for comes first; a grid before it and maps after it are extras.
    let asked = Array(first..<(first + count))
    let extras = ranges.indices.filter { !asked.contains($0) }
    var outputs: [InferenceOutput] = []
    for index in asked + extras {
      let isAsked = outputs.count < count
      let slice = bytes[ranges[index]]
      let seed = isAsked ? told.seeds?[index - first] ?? WebUIInfotext(png: slice)?.seed : nil
      outputs.append(try .verified(slice, role: isAsked ? .image : .extra, seed: seed, number: index + 1))
    }
    try checkWork(told)
    return InferenceResult(
      outputs: outputs, parameters: rest["parameters"]?.withoutImages ?? [:], info: told.info.withoutImages,
      htmlInfo: rest["html_info"]?.string, model: told.model, modelHash: told.modelHash, sampler: told.sampler)
  }

  private static func decodeImages(
    in bytes: inout [UInt8]
  ) throws(TaskError) -> (rest: JSONObject, ranges: [Range<Int>]) {
    let decoded: Result<(JSONObject, [Range<Int>]), TaskError> = bytes.withUnsafeMutableBufferPointer { buffer in
      Result { () throws(TaskError) in
        let scanner: ImageAnswerScanner
        do {
          scanner = try ImageAnswerScanner(UnsafeBufferPointer(buffer), imageMembers: ["images", "image"])
        } catch {
          throw TaskError(.outputInvalid, .deliver, "the engine's answer is not the JSON that it should be: \(error)")
        }
        var ranges: [Range<Int>] = []
        for (index, text) in scanner.images.enumerated() {
          guard let range = ImageAnswerDecoder.decode(text, in: buffer) else {
            throw TaskError(.outputInvalid, .deliver, "picture \(index + 1) of the engine's answer is not base64")
          }
          ranges.append(range)
        }
        return (scanner.rest, ranges)
      }
    }
    return try decoded.get()
  }

  private static func complaint(_ rest: JSONObject) -> JSONValue? {
    let words = rest.members.filter { ["error", "detail", "message"].contains($0.name) }
    return words.isEmpty ? nil : JSONValue.object(JSONObject(words)).shortened(to: 512)
  }

  /// An engine that says how many it made must have sent them; one that was stopped has not.
  private func checkCount(_ told: WebUITold, _ images: Int) throws(TaskError) {
    guard let seeds = told.seeds else { return }
    guard !seeds.isEmpty, told.firstImage >= 0, told.firstImage <= images - seeds.count else {
      throw TaskError(
        .outputInvalid, .deliver,
        "the engine tells of \(seeds.count) pictures and sent \(images): it may have been stopped")
    }
  }

  /// Silent wrongness: another model, another sampler.
  private func checkWork(_ told: WebUITold) throws(TaskError) {
    if let asked = request.model, let used = told.model, knowledge.isCertainlyOther(used, than: asked) {
      throw TaskError(
        .modelNotFound, .deliver, "the engine used the model \(used) rather than \(asked); \(knowledge.modelList)")
    }
    let asked = request.content["sampler_name"]?.string ?? request.content["sampler_index"]?.string
    if let asked, let used = told.sampler, knowledge.isCertainlyOther(sampler: used, than: asked) {
      throw TaskError(
        .engineRejected, .deliver, "the engine does not have the sampler \(asked): it used \(used) without saying so")
    }
  }
}

/// What an engine tells of a making: in `info`, or, where that is empty, in the pictures themselves.
struct WebUITold {
  /// `info`, parsed; `null` where there is none.
  var info: JSONValue = .null
  /// The seeds of the pictures that were asked for.
  var seeds: [UInt64]?
  /// Where these begin among all pictures.
  var firstImage = 0
  var model: String?
  var modelHash: String?
  var sampler: String?

  init(_ told: JSONValue?, firstImage bytes: ArraySlice<UInt8>) {
    switch told {
    case .string(let text): info = text.isEmpty ? .null : (try? JSONValue(parsing: text)) ?? .null
    case .object: info = told ?? .null
    default: break
    }
    if info.object != nil {
      // A seed that cannot be read keeps its place.
      seeds = info["all_seeds"]?.array.map { $0.map { $0.seed ?? 0 } }
      firstImage = info["index_of_first_image"]?.int ?? 0
      model = info["sd_model_name"]?.nonEmpty
      modelHash = info["sd_model_hash"]?.nonEmpty
      sampler = info["sampler_name"]?.nonEmpty
    } else if let infotext = WebUIInfotext(png: bytes) {
      model = infotext["Model"]
      modelHash = infotext["Model hash"]
      sampler = infotext["Sampler"]
    }
  }
}

extension JSONValue {
  fileprivate var nonEmpty: String? { string.flatMap { $0.isEmpty ? nil : $0 } }
}

/// The note that web UIs write into their PNGs under `parameters`: prompts, then values on the last line.
struct WebUIInfotext {
  private let line: Substring

  init(_ text: String) { line = text.split(whereSeparator: \.isNewline).last ?? "" }

  init?(png bytes: ArraySlice<UInt8>) {
    guard MediaFormat.detect(bytes.span) == .png else { return nil }
    let texts = try? PNGText.read(from: bytes.span, limits: .outputs)
    guard let text = texts?.first(where: { $0.keyword == "parameters" })?.text else { return nil }
    self.init(text)
  }

  var seed: UInt64? { self["Seed"].flatMap { UInt64($0) ?? Int64($0).map { UInt64(bitPattern: $0) } } }

  /// A value of the last line, by the name before its colon; quoted ones as they stand.
  subscript(name: String) -> String? {
    var isQuoted = false
    let parts = line.split { character in
      if character == "\"" { isQuoted.toggle() }
      return character == "," && !isQuoted
    }
    for part in parts {
      let pair = part.split(separator: ":", maxSplits: 1)
      guard pair.count == 2, pair[0].trimmed == name else { continue }
      let value = pair[1].trimmed
      return value.isEmpty ? nil : String(value)
    }
    return nil
  }
}

extension Substring {
  fileprivate var trimmed: Substring {
    var text = drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
