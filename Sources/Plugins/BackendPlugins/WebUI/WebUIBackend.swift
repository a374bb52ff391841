public import HTTPTransport
import HTTPTypes
public import SDCore
import Synchronization

/// The engines that speak A1111's API: A1111 itself, Forge, and stable-diffusion.cpp's `sd-server`.
///
/// They differ in what they can do, so that is found out by asking (``describe()``). They also say 200 to much that went
/// wrong: another model or sampler than asked for, a picture cut short by an interrupt, an input that they could not
/// read. All of that is looked for here, before the request or in the answer.
public final class WebUIBackend: InferenceBackend {
  struct State {
    var knowledge: WebUIKnowledge?
    /// Requests that are with the engine, and whether it has begun to answer them.
    var running: [String: Bool] = [:]
    /// Requests that we interrupted: the engine answers these as if nothing had been.
    var interrupted: Set<String> = []
    /// Whether a request of ours has ever made the engine change its model: what is loaded may be another by the time
    /// that a prepared request is sent.
    var hasChangedModels = false
  }

  /// Limits of the small questions and of the answers.
  enum Limit {
    static let question = Duration.seconds(5)
    static let connect = Duration.seconds(5)
    static let answer = 1 << 30
    static let complaint = 1 << 20
  }

  /// The kind of engine.
  public let kind = "webui"
  let client: WebUIClient
  let clocks: Clocks
  let state = Mutex(State())

  /// A backend for the server at an address; nothing is sent yet.
  ///
  /// - Parameters:
  ///   - base: `http://host:port`, with or without `/sdapi/v1` behind it; credentials may stand in it as well.
  ///   - transport: what carries the requests.
  ///   - credentials: for HTTP Basic authentication (`--api-auth`).
  ///   - clocks: what time is told by.
  public init(
    base: String, transport: any Transport, credentials: (user: String, password: String)? = nil,
    clocks: Clocks = .system
  ) {
    client = WebUIClient(base: base, transport: transport, credentials: credentials)
    self.clocks = clocks
  }

  @concurrent
  public func prepare(_ request: InferenceRequest) async throws -> PreparedInference {
    let knowledge = try await knowledge(for: request)
    let override = try modelOverride(for: request, knowledge)
    let body = try WebUIBody(request, knowledge, model: override).json
    if override != nil { state.withLock { $0.hasChangedModels = true } }
    return PreparedInference(
      request: request, payload: body.serialized(), name: "\(request.key)#\(request.attempt)")
  }

  @concurrent
  public func run(_ prepared: PreparedInference, onAnswer: @escaping @Sendable () -> Void) async throws
    -> InferenceAnswer
  {
    let route = try WebUIBody.route(of: prepared.request.type)
    let name = prepared.name
    state.withLock { $0.running[name] = false }
    defer {
      state.withLock {
        $0.running[name] = nil
        $0.interrupted.remove(name)
      }
    }
    var options = TransferOptions()
    options.connectTimeout = Limit.connect
    options.onFirstByte = { [self] in if noteAnswer(of: name) { onAnswer() } }
    let bytes = try await answer(to: prepared.payload, route, options)
    // Another transport may know of no first byte.
    if noteAnswer(of: name) { onAnswer() }
    if state.withLock({ $0.interrupted.contains(name) }) {
      throw TaskError(.cancelled, .infer, "the engine was interrupted; what it made until then is not kept")
    }
    let reader = WebUIAnswer(to: prepared.request, state.withLock { $0.knowledge } ?? WebUIKnowledge())
    let held = HeldBytes(bytes)
    return InferenceAnswer(byteCount: held.count) { try await Self.finish(reader, held) }
  }

  @concurrent
  private static func finish(_ reader: WebUIAnswer, _ held: HeldBytes) async throws -> InferenceResult {
    try reader.result(of: held.take())
  }

  /// Sends a request and receives the answer to its end.
  private func answer(to body: [UInt8], _ route: String, _ options: TransferOptions) async throws -> [UInt8] {
    let what = "POST \(route)"
    let response: TransportResponse
    do {
      response = try await client.transport.execute(
        try client.request(.post, route), body: .bytes(body), options: options)
    } catch {
      throw WebUIFault.lost(error, doing: what)
    }
    let isSuccess = response.head.status.code == 200
    do {
      let bytes = try await response.body.collect(upTo: isSuccess ? Limit.answer : Limit.complaint)
      if isSuccess { return bytes }
      throw WebUIFault.classify(status: response.head.status.code, body: bytes, route: route)
    } catch let error as TransportError {
      if isSuccess { throw WebUIFault.lost(error, doing: what, hasAnswered: true) }
      if error.code == .cancelled { throw CancellationError() }
      throw WebUIFault.classify(status: response.head.status.code, body: [], route: route)
    }
  }

  /// Notes that the engine has begun to answer; true the first time.
  func noteAnswer(of name: String) -> Bool {
    state.withLock { state in
      guard state.running[name] == false else { return false }
      state.running[name] = true
      return true
    }
  }
}

/// Bytes that are handed over once, so that whoever takes them may write in them without a copy.
private final class HeldBytes: Sendable {
  let count: Int
  private let bytes: Mutex<[UInt8]>

  init(_ bytes: consuming [UInt8]) {
    count = bytes.count
    self.bytes = Mutex(bytes)
  }

  func take() -> [UInt8] {
    bytes.withLock { bytes in
      var taken: [UInt8] = []
      swap(&taken, &bytes)
      return taken
    }
  }
}
