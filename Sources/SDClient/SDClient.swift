public import HTTPTransport
internal import HTTPTypes
public import SDCore

/// A client of the task API (`/v1`).
///
/// ```swift
/// let client = try SDClient("http://127.0.0.1:8811")
/// let task = try await client.submit(.init(runtime: "sdruntime", type: .textToImage, content: ["prompt": "a lighthouse"]))
/// let done = try await client.wait(task.id)
/// for output in done.outputs { try await client.download(output, to: output.fileName) }
/// print("\(done.id) \(done.state.rawValue): \(done.outputs.map(\.fileName).joined(separator: ", "))")
/// ```
///
/// The same lines are built in `examples/minimal/Sources/client`.
///
/// Errors are `SDClientError`, or `CancellationError`. What is safe to repeat is repeated a few times when the server
/// cannot be reached or has no time, after the time that it asks for; submissions are, since each carries an idempotency key.
public struct SDClient: Sendable {
  /// The server's address, without a slash at its end.
  public let server: String
  let transport: any Transport
  let apiKey: String?
  /// How it waits before a call is made again.
  var sleep: @Sendable (Duration) async throws -> Void = { try await ContinuousClock().sleep(for: $0) }

  private static let tries = 4
  private static let longestPause: Duration = .seconds(30)
  /// The bytes that an answer in JSON may have.
  private static let answerLimit = 64 << 20

  /// A client of a server.
  ///
  /// - Parameters:
  ///   - server: an http or https URL; what path it has is put before `/v1`.
  ///   - apiKey: sent as `x-api-key`, to this server alone.
  ///   - transport: what carries the bytes.
  public init(_ server: String, apiKey: String? = nil, transport: any Transport = CurlTransport.shared)
    throws(SDClientError)
  {
    self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
    self.apiKey = apiKey
    self.transport = transport
    _ = try request(.get, "/v1/tasks")
  }

  /// Submits a task and answers it as it then stands.
  ///
  /// - Parameters:
  ///   - idempotencyKey: submissions with the same key are one; `nil` for one made up.
  ///   - wait: how long the server is to hold its answer for the end, at most a minute.
  public func submit(
    _ task: TaskSubmission, idempotencyKey: String? = nil, wait: Duration? = nil
  ) async throws -> TaskView {
    var request = try request(.post, "/v1/tasks")
    request.headerFields[.contentType] = "application/json"
    request.headerFields[.idempotencyKey] = idempotencyKey ?? RandomName.make()
    let seconds = wait.map { max(0, min(60, Int($0.components.seconds))) }
    if let seconds { request.headerFields[.prefer] = "wait=\(seconds)" }
    return try await self.task(
      from: json(request, body: task.json.serialized(), timeout: .seconds(30 + (seconds ?? 0)), repeats: true))
  }

  /// A task as it stands; its newest run unless one is named.
  public func task(_ id: String, run: Int? = nil) async throws -> TaskView {
    try await task(from: json(request(.get, path(of: id) + query([("run", run.map { "\($0)" })])), repeats: true))
  }

  /// Tasks, newest first.
  ///
  /// - Parameters:
  ///   - states: in one of these; empty for any.
  ///   - limit: at most so many, 1 to 1,000.
  ///   - cursor: where the last page ended.
  public func tasks(
    states: [TaskState] = [], runtime: String? = nil, limit: Int = 50, cursor: String? = nil
  ) async throws -> TaskPage {
    let state = states.isEmpty ? nil : states.map(\.rawValue).joined(separator: ",")
    let target =
      "/v1/tasks" + query([("state", state), ("runtime", runtime), ("limit", "\(limit)"), ("cursor", cursor)])
    let answer = try await json(request(.get, target), repeats: true)
    var tasks: [TaskView] = []
    for json in answer["tasks"]?.array ?? [] { tasks.append(try task(from: json)) }
    return TaskPage(tasks: tasks, next: answer["next"]?.string)
  }

  /// Cancels a task and answers it: `cancelled` when it had not begun, still `running` when it is being stopped.
  ///
  /// Throws `.refused` with status 409 when it has ended.
  public func cancel(_ id: String) async throws -> TaskView {
    try await task(from: json(request(.delete, path(of: id)), repeats: false))
  }

  /// Opens the next run of a task that failed, expired or was cancelled, and answers it.
  ///
  /// - Parameter run: the run that is to be followed; a repeat then opens no further one.
  /// - Throws: `.refused` with status 409 for a run that has succeeded, has not ended, or is followed by another.
  public func retry(_ id: String, run: Int? = nil) async throws -> TaskView {
    let target = path(of: id) + "/retry" + query([("run", run.map { "\($0)" })])
    return try await task(from: json(request(.post, target), body: [], repeats: run != nil))
  }

  /// How a task that has succeeded was made; `request` in it is a task that makes the same, see `TaskSubmission(json:)`.
  ///
  /// Throws `.refused` with status 404 when there is none.
  public func manifest(of id: String, run: Int? = nil) async throws -> JSONValue {
    try await json(
      request(.get, path(of: id) + "/manifest" + query([("run", run.map { "\($0)" })])), repeats: true)
  }

  /// The runtimes that tasks can go to.
  public func runtimes() async throws -> [RuntimeView] {
    let answer = try await json(request(.get, "/v1/runtimes"), repeats: true)
    var runtimes: [RuntimeView] = []
    for json in answer["runtimes"]?.array ?? [] {
      runtimes.append(try understood { () throws(RequestProblem) in try RuntimeView(json: json) })
    }
    return runtimes
  }

  // MARK: Exchanges

  func path(of id: String) -> String { "/v1/tasks/" + PercentEncoding.encoded(id) }

  func query(_ parameters: [(String, String?)]) -> String {
    let pairs = parameters.compactMap { name, value in value.map { "\(name)=\(PercentEncoding.encoded($0))" } }
    return pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")
  }

  /// A request to the server, key and all.
  func request(_ method: HTTPRequest.Method, _ target: String) throws(SDClientError) -> HTTPRequest {
    do throws(TransportError) {
      var request = try HTTPRequest(method: method, url: server + target)
      request.headerFields[.accept] = "application/json"
      if let apiKey { request.headerFields[.apiKey] = apiKey }
      return request
    } catch {
      throw SDClientError(.invalid, "\(server) is not a server's address: \(error.message)", underlying: error)
    }
  }

  /// Sends, again where that is safe and may help, and reads the JSON that comes back.
  func json(
    _ request: HTTPRequest, body: [UInt8]? = nil, timeout: Duration = .seconds(30), repeats: Bool
  ) async throws -> JSONValue {
    guard repeats else { return try await once(request, body: body, timeout: timeout) }
    return try await repeating { try await once(request, body: body, timeout: timeout) }
  }

  /// Does what may be done again until it succeeds, as often as makes sense.
  func repeating<Value>(_ body: () async throws -> Value) async throws -> Value {
    var attempt = 1
    while true {
      do { return try await body() } catch let error as SDClientError {
        let pause = max(.milliseconds(100 << attempt), error.retryAfter ?? .zero)
        // Who is told to come again in an hour had better hear of it than wait.
        guard error.isRetryable, attempt < Self.tries, pause <= Self.longestPause else { throw error }
        try await sleep(pause + .milliseconds(Int.random(in: 0...100)))
        attempt += 1
      }
    }
  }

  private func once(_ request: HTTPRequest, body: [UInt8]?, timeout: Duration) async throws -> JSONValue {
    let answer: (head: HTTPResponse, body: [UInt8])
    do throws(TransportError) {
      answer = try await transport.send(
        request, body: body.map { .bytes($0) } ?? .none, upTo: Self.answerLimit,
        options: TransferOptions(totalTimeout: timeout))
    } catch { throw SDClientError.failure(error, server) }
    guard answer.head.status.kind == .successful else {
      throw SDClientError(answer.head, body: answer.body, server: server)
    }
    do { return try JSONValue(parsing: answer.body) } catch {
      throw SDClientError(.unexpected, "\(server) answered something that is not JSON: \(error)")
    }
  }

  func task(from json: JSONValue) throws(SDClientError) -> TaskView {
    try understood { () throws(RequestProblem) in try TaskView(json: json) }
  }

  private func understood<Value>(_ read: () throws(RequestProblem) -> Value) throws(SDClientError) -> Value {
    do { return try read() } catch {
      throw SDClientError(.unexpected, "\(server) answered something else than was asked for: \(error.detail)")
    }
  }
}

/// A page of tasks.
public struct TaskPage: Sendable, Hashable {
  /// Newest first.
  public var tasks: [TaskView]
  /// Where the next page begins; `nil` at the end.
  ///
  /// A page may be short, even empty, and not the last.
  public var next: String?
}

extension HTTPField.Name {
  static let prefer = HTTPField.Name("Prefer")!
  static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
  static let apiKey = HTTPField.Name("x-api-key")!
  static let lastEventID = HTTPField.Name("Last-Event-ID")!
}

/// Percent-encoding of what goes into a URL.
enum PercentEncoding {
  /// A text with every byte encoded that RFC 3986 does not leave unreserved.
  static func encoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch UnicodeScalar(byte) {
      case "a"..."z", "A"..."Z", "0"..."9", "-", ".", "_", "~": bytes.append(byte)
      default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
