import HTTPTransport
import SDCore

/// What an engine's refusals and silences mean to the task in hand.
///
/// A status alone does not tell: a 500 may be the caller's fault, so the text decides.
enum WebUIFault {
  /// The error of an answer that is no success.
  static func classify(status: Int, body: [UInt8], route: String) -> TaskError {
    let json = try? JSONValue(parsing: body)
    let (code, retryable) = code(status: status, text: searchable(json, body))
    let reason = json.flatMap(presentable)
    let detail = json.map(summary) ?? ""
    let said = detail.isEmpty ? "" : ": \(detail)"
    let advice = code == .outOfMemory ? "; ask for a smaller size or batch" : ""
    return TaskError(
      code, .infer, "the engine answered \(route) with \(status)\(said)\(advice)", retryable: retryable, reason: reason)
  }

  private static func code(status: Int, text: String) -> (TaskError.Code, retryable: Bool?) {
    switch status {
    case 401, 403, 407: return (.engineUnreachable, true)
    case 408, 425, 429, 502, 503, 504: return (.engineUnreachable, true)
    case 300..<400: return (.engineUnreachable, true)
    case 400..<500: return isMissingModel(text) ? (.modelNotFound, nil) : (.engineRejected, nil)
    default: break
    }
    let signs: [(TaskError.Code, [String])] = [
      (
        .inputInvalid,
        ["invalid encoded image", "cannot identify image file", "incorrect padding", "image file is truncated"]
      ),
      (
        .outOfMemory,
        [
          "outofmemory", "out of memory", "bad_alloc", "not enough memory", "can't allocate memory",
          "cannot allocate memory", "failed to allocate", "cuda_error_out_of_memory",
        ]
      ),
      (
        .engineRejected,
        ["json.exception", "parse_error", "type_error", "upscaler", "sampler not found", "jsondecodeerror"]
      ),
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

  /// What the engine says, in a line.
  static func summary(_ json: JSONValue) -> String {
    if let fields = json["detail"]?.array {
      let parts = fields.prefix(5).map { field in
        let place = (field["loc"]?.array ?? []).compactMap { $0.string ?? $0.int.map(String.init) }
          .filter { $0 != "body" }.joined(separator: ".")
        let message = field["msg"]?.string ?? "is not valid"
        return cut(place.isEmpty ? message : "\(place): \(message)")
      }
      return parts.joined(separator: "; ")
    }
    let errors = json["error"]?.string ?? json["error"]?["message"]?.string
    let details = [json["detail"]?.string, json["message"]?.string, json["errors"]?.string]
    let words = ([errors] + details).compactMap { $0 }.filter { !$0.isEmpty }
    return cut(words.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }.joined(separator: ": "))
  }

  private static func cut(_ text: String) -> String {
    let line = String(text.unicodeScalars.prefix(300).map { $0.value < 0x20 ? " " : Character($0) })
    return text.unicodeScalars.count > 300 ? line + "..." : line
  }

  /// The engine's JSON as far as it may be passed on: no request echoed, no image, no long text.
  private static func presentable(_ json: JSONValue) -> JSONValue? {
    var json = json.shortened(to: 512)
    json["body"] = nil
    if let fields = json["detail"]?.array {
      json["detail"] = .array(
        fields.map { field in
          var field = field
          field["input"] = nil
          return field
        })
    }
    return json.serialized().count <= 16 << 10 ? json : nil
  }

  /// The error of an exchange that came to no answer.
  static func lost(_ error: TransportError, doing what: String, hasAnswered: Bool = false) -> any Error {
    switch error.code {
    case .cancelled: return CancellationError()
    case .tooLarge: return TaskError(.outputInvalid, .infer, "\(what): \(error.message)", retryable: false)
    case .connectionLost, .timeout:
      // The connection stood: what came of the answer is worth nothing.
      if hasAnswered { return TaskError(.outputInvalid, .infer, "\(what): the answer was cut short: \(error.message)") }
      return TaskError(.engineUnreachable, .infer, "\(what): \(error.message)")
    case .invalidRequest:
      return TaskError(.engineUnreachable, .infer, "\(what): \(error.message)", retryable: false)
    case .nameNotResolved, .connectionFailed, .addressRefused, .tlsFailed, .bodyFailed, .closed:
      return TaskError(.engineUnreachable, .infer, "\(what): \(error.message)")
    }
  }
}
