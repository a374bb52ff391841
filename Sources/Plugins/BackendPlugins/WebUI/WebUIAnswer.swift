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
    try checkBatch(told, ranges.count)
    let first = told.seeds == nil ? 0 : told.firstImage
    let count = told.seeds?.count ?? ranges.count
    // What was asked for comes first; a grid before it and maps after it are extras.
    let asked = Array(first..<(first + count))
    let extras = ranges.indices.filter { !asked.contains($0) }
    var outputs: [InferenceOutput] = []
    for index in asked + extras {
      let isAsked = outputs.count < count
      let slice = bytes[ranges[index]]
      let seed = isAsked ? told.seeds?[index - first] ?? Infotext(png: slice)?.seed : nil
      outputs.append(try .verified(slice, role: isAsked ? .image : .extra, seed: seed, number: index + 1))
    }
    if request.type == .textToImage || request.type == .imageToImage { try checkWork(told) }
    return InferenceResult(
      outputs: outputs, parameters: rest["parameters"]?.withoutImages ?? [:], info: told.info.withoutImages,
      htmlInfo: rest["html_info"]?.string, engine: told.version ?? knowledge.name, model: told.model,
      modelHash: told.modelHash, sampler: told.sampler)
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

  /// What was asked for in number; scripts make what they like.
  private func checkBatch(_ told: WebUITold, _ images: Int) throws(TaskError) {
    let content = request.content
    guard request.type == .textToImage || request.type == .imageToImage,
      content["script_name"]?.string?.isEmpty != false
    else { return }
    let (wanted, overflows) = (content["batch_size"]?.int ?? 1)
      .multipliedReportingOverflow(by: content["n_iter"]?.int ?? 1)
    let made = told.seeds?.count ?? images
    guard !overflows, made < wanted else { return }
    throw TaskError(.outputInvalid, .deliver, "the engine made \(made) of \(wanted) pictures without saying why")
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
