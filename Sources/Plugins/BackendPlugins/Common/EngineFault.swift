import HTTPTransport
import SDCore

/// What an engine's complaints and silences mean to the task in hand; shared by all kinds of engines.
enum EngineFault {
  /// Words by which an engine says that its memory does not suffice, in small letters.
  static let outOfMemory = [
    "outofmemory", "out of memory", "bad_alloc", "not enough memory", "can't allocate memory", "cannot allocate memory",
    "failed to allocate", "cuda_error_out_of_memory", "allocation on device",
  ]

  /// What an engine says in its JSON, in a line.
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

  /// A text in one line of bearable length.
  static func cut(_ text: String, to length: Int = 300) -> String {
    let line = String(text.unicodeScalars.prefix(length).map { $0.value < 0x20 ? " " : Character($0) })
    return text.unicodeScalars.count > length ? line + "..." : line
  }

  /// An engine's JSON as far as it may be passed on: no request echoed, no image, no long text.
  static func presentable(_ json: JSONValue) -> JSONValue? {
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

  /// The meaning of a status that says the same whatever the engine; `nil` where its words decide.
  static func code(ofStatus status: Int) -> (TaskError.Code, retryable: Bool?)? {
    switch status {
    case 401, 403, 407, 408, 425, 429, 502, 503, 504: (.engineUnreachable, true)
    case 300..<400: (.engineUnreachable, true)
    default: nil
    }
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
