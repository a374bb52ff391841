import HTTPTransport
import HTTPTypes
import SDCore

/// ComfyUI's routes, as far as a worker needs them.
struct ComfyClient: Sendable {
  /// A file that a graph made.
  struct File: Sendable, Hashable {
    var name: String
    var subfolder: String
    var type: String
  }

  enum Limit {
    static let question = Duration.seconds(10)
    static let upload = Duration.seconds(120)
    static let download = Duration.seconds(600)
    static let answer = 64 << 20
    static let file = 512 << 20
  }

  let http: EngineClient

  // MARK: Prompts

  /// Hands a graph over.
  func submit(_ graph: [UInt8], id: String, client: String) async throws(TransportError) -> EngineClient.Answer {
    let envelope: JSONValue = ["client_id": .string(client), "prompt_id": .string(id)]
    var body = envelope.serialized()
    body.removeLast()
    body += Array(",\"prompt\":".utf8) + graph + [UInt8(ascii: "}")]
    return try await http.exchange(
      try http.request(.post, "prompt"), .bytes(body), timeout: .seconds(60), upTo: Limit.answer)
  }

  /// What is known of a prompt that has ended; `nil` while it has not, or where nothing is known of it.
  func history(of id: String) async throws -> JSONValue? {
    try await ask("history/\(id)")[id]
  }

  /// Whether a prompt waits, runs, or neither.
  func place(of id: String) async throws -> ComfyPlace {
    let queue = try await ask("queue")
    func has(_ list: String) -> Bool {
      (queue[list]?.array ?? []).contains { $0.array?.dropFirst().first?.string == id }
    }
    return has("queue_running") ? .running : has("queue_pending") ? .waiting : .nowhere
  }

  /// How many prompts wait or run.
  func queueLength() async throws -> Int? { try await ask("prompt")["exec_info"]?["queue_remaining"]?.int }

  func removeWaiting(_ id: String) async throws {
    _ = try await http.post("queue", ["delete": [.string(id)]], timeout: Limit.question)
  }

  func interrupt(_ id: String) async throws {
    _ = try await http.post("interrupt", ["prompt_id": .string(id)], timeout: Limit.question)
  }

  /// Has it let go of models and of what it keeps of former graphs; it does so when it next has nothing to do.
  func free() async throws {
    _ = try await http.post("free", ["unload_models": true, "free_memory": true], timeout: Limit.question)
  }

  // MARK: Files

  /// Stores an input and tells what a graph is to call it.
  func upload(_ bytes: [UInt8], name: String, type: String) async throws -> String {
    var form = MultipartForm()
    form.add("image", fileName: name, type: type, bytes)
    form.add("subfolder", ComfyBackend.folder)
    form.add("type", "input")
    // Names are of the content: whoever put this one there put the same.
    form.add("overwrite", "true")
    let answer: EngineClient.Answer
    do {
      var request = try http.request(.post, "upload/image")
      request.headerFields[.contentType] = form.contentType
      answer = try await http.exchange(request, .bytes(form.body()), timeout: Limit.upload, upTo: 1 << 20)
    } catch {
      throw error.asEngineAbsence("POST upload/image", .prepare)
    }
    if answer.status == 413 {
      throw TaskError(.inputInvalid, .prepare, "an input of \(bytes.count) bytes is larger than ComfyUI takes")
    }
    guard answer.isSuccess, let stored = answer.json?["name"]?.string else {
      throw TaskError(
        .engineFailed, .prepare, "ComfyUI answered the upload of an input with \(answer.status)",
        retryable: answer.status >= 500 || answer.status == 429)
    }
    let subfolder = answer.json?["subfolder"]?.string ?? ""
    return subfolder.isEmpty ? stored : "\(subfolder)/\(stored)"
  }

  /// The bytes of a file that a graph made.
  func download(_ file: File) async throws -> [UInt8] {
    let query = [("filename", file.name), ("subfolder", file.subfolder), ("type", file.type)]
      .map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
    let answer: EngineClient.Answer
    do {
      answer = try await http.exchange(
        try http.request(.get, "view?\(query)"), .none, timeout: Limit.download, upTo: Limit.file)
    } catch {
      if error.code == .tooLarge {
        throw TaskError(.outputInvalid, .deliver, "\(file.name) is larger than \(Limit.file) bytes", retryable: false)
      }
      throw error.asEngineAbsence("GET view", .deliver)
    }
    guard answer.isSuccess else {
      throw TaskError(.outputInvalid, .deliver, "ComfyUI does not give out \(file.name) that it made: \(answer.status)")
    }
    return answer.body
  }

  // MARK: Questions

  /// The JSON that a route answers.
  ///
  /// - Throws: `engine_unreachable` where it answers anything else.
  func ask(_ route: String) async throws -> JSONValue {
    let answer: EngineClient.Answer
    do { answer = try await http.get(route, timeout: Limit.question, upTo: Limit.answer) } catch {
      throw error.asEngineAbsence("GET \(route.prefix { $0 != "/" && $0 != "?" })", .infer)
    }
    guard answer.isSuccess, let json = answer.json else {
      throw TaskError(.engineUnreachable, .infer, "ComfyUI answered GET \(route) with \(answer.status)")
    }
    return json
  }

  /// Opens the stream of events of a client.
  func events(of client: String) async throws -> WebSocket {
    let request = try http.request(.get, "ws?clientId=\(client)")
    var options = WebSocket.Options()
    options.connectTimeout = .seconds(5)
    return try await WebSocket.connect(request, options: options)
  }
}

/// Where ComfyUI has a prompt.
enum ComfyPlace: Sendable { case waiting, running, nowhere }
