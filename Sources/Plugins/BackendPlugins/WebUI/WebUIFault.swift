import SDCore

/// What a web UI's refusals mean to the task in hand.
///
/// A status alone does not tell: a 500 may be the caller's fault, so the text decides.
enum WebUIFault {
  /// The error of an answer that is no success.
  static func classify(status: Int, body: [UInt8], route: String) -> TaskError {
    let json = try? JSONValue(parsing: body)
    let (code, retryable) = code(status: status, text: searchable(json, body))
    let detail = json.map(EngineFault.summary) ?? ""
    let said = detail.isEmpty ? "" : ": \(detail)"
    return TaskError(
      code, .infer, "the engine answered \(route) with \(status)\(said)", retryable: retryable,
      reason: json.flatMap(EngineFault.presentable))
  }

  private static func code(status: Int, text: String) -> (TaskError.Code, retryable: Bool?) {
    if let known = EngineFault.code(ofStatus: status) { return known }
    if status < 500 { return isMissingModel(text) ? (.modelNotFound, nil) : (.engineRejected, nil) }
    let signs: [(TaskError.Code, [String])] = [
      (
        .inputInvalid,
        ["invalid encoded image", "cannot identify image file", "incorrect padding", "image file is truncated"]
      ),
      (.outOfMemory, EngineFault.outOfMemory),
      (
        .engineRejected,
        [
          "json.exception", "parse_error", "type_error", "assertionerror", "could not find upscaler",
          "sampler not found", "jsondecodeerror",
        ]
      ),
      (.modelNotFound, ["do not have any model"]),
    ]
    for (code, words) in signs where words.contains(where: { text.contains($0) }) { return (code, nil) }
    return isMissingModel(text) ? (.modelNotFound, nil) : (.engineFailed, nil)
  }

  private static func isMissingModel(_ text: String) -> Bool {
    (text.contains("model '") || text.contains("checkpoint")) && text.contains("not found")
  }

  /// The engine's words, small letters, without the request that it may have echoed.
  private static func searchable(_ json: JSONValue?, _ body: [UInt8]) -> String {
    guard let json else { return String(decoding: body.prefix(4096), as: UTF8.self).lowercased() }
    let told = ["error", "detail", "errors", "message"].compactMap { json[$0]?.shortened(to: 1024).text }
    return told.joined(separator: " ").lowercased()
  }
}
