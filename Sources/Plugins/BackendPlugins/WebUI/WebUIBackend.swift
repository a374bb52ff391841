public import HTTPTransport
import HTTPTypes
public import SDCore
import Synchronization

/// The engines that speak A1111's API: A1111 itself, Forge, and stable-diffusion.cpp's `sd-server`.
///
/// They differ in what they can do, so that is found out by asking (``describe()``). They also say 200 to much that went
/// wrong: another model or sampler than asked for, a picture cut short by an interrupt, an input that they could not
/// read. All of that is looked for here, before the request or in the answer. One that has run out of memory is made to
/// let go of its model and tried once more.
public final class WebUIBackend: InferenceBackend {
  struct State {
    var knowledge: WebUIKnowledge?
    /// Requests that are with the engine, and whether it has begun to answer them.
    var running: [String: Bool] = [:]
    /// A request that its sender gave up while the engine worked on it, which it goes on doing.
    var abandoned: String?
    /// Requests that were interrupted, and whether by us: the engine answers these as if nothing had been.
    var interrupted: [String: Bool] = [:]
    /// Whether a request of ours has ever made the engine change its model: what is loaded may be another by the time
    /// that a prepared request is sent.
    var hasChangedModels = false
  }

  /// Limits of the small questions and of the answers.
  enum Limit {
    static let question = Duration.seconds(5)
    static let connect = Duration.seconds(5)
    /// It waits for the running job.
    static let refresh = Duration.seconds(60)
    /// A model goes to the GPU again.
    static let reload = Duration.seconds(120)
    static let answer = 512 << 20
    static let complaint = 1 << 20
  }

  /// The kind of engine.
  public let kind = "webui"
  let client: EngineClient
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
    client = EngineClient(
      base: base, apiPath: "/sdapi/v1", transport: transport,
      credentials: credentials.map { .basic(user: $0.user, password: $0.password) })
    self.clocks = clocks
  }

  @concurrent
  public func prepare(_ request: InferenceRequest) async throws -> PreparedInference {
    var request = request
    request.model = try WebUIBody.askedModel(of: request)
    let knowledge = try await knowledge(for: request)
    let override = try modelOverride(for: request, knowledge)
    let body = try WebUIBody(request, knowledge, model: override)
    if override != nil { state.withLock { $0.hasChangedModels = true } }
    request.content = body.content
    return PreparedInference(
      request: request, payload: body.json.serialized(), name: "\(request.key)#\(request.attempt)")
  }

  @concurrent
  public func run(_ prepared: PreparedInference, onAnswer: @escaping @Sendable () -> Void) async throws
    -> InferenceAnswer
  {
    let name = prepared.name
    state.withLock { ($0.running[name], $0.abandoned) = (false, nil) }
    defer {
      state.withLock { state in
        if Task.isCancelled, state.running[name] == false { state.abandoned = name }
        state.running[name] = nil
        state.interrupted[name] = nil
      }
    }
    do {
      return try await attempt(prepared, onAnswer)
    } catch let error as TaskError where error.code == .outOfMemory {
      guard await freeMemory(), state.withLock({ $0.interrupted[name] }) == nil else {
        throw await withAdvice(error, prepared.request)
      }
      do { return try await attempt(prepared, onAnswer) } catch let error as TaskError where error.code == .outOfMemory
      {
        throw await withAdvice(error, prepared.request, isSecond: true)
      }
    }
  }

  private func attempt(
    _ prepared: PreparedInference, _ onAnswer: @escaping @Sendable () -> Void
  ) async throws -> InferenceAnswer {
    let name = prepared.name
    var options = TransferOptions()
    options.connectTimeout = Limit.connect
    options.onFirstByte = { [self] status in
      // What is no success may be tried once more: then the engine is not to be given away yet.
      if status == 200, noteAnswer(of: name) { onAnswer() }
    }
    let bytes = try await answer(to: prepared, options)
    // Another transport may know of no first byte.
    if noteAnswer(of: name) { onAnswer() }
    switch state.withLock({ $0.interrupted[name] }) {
    case nil: break
    case true?:
      throw TaskError(.cancelled, .infer, "the engine was interrupted; what it made until then is not kept")
    case false?:
      throw TaskError(
        .engineFailed, .infer, "somebody else interrupted the engine; what it made until then is not kept")
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
  private func answer(to prepared: PreparedInference, _ options: TransferOptions) async throws -> [UInt8] {
    let route = try WebUIBody.route(of: prepared.request.type)
    let what = "POST \(route)"
    let response: TransportResponse
    do {
      response = try await client.transport.execute(
        try client.request(.post, route), body: .bytes(prepared.payload), options: options)
    } catch {
      throw EngineFault.lost(error, doing: what)
    }
    let isSuccess = response.head.status.code == 200
    do {
      let bytes = try await response.body.collect(upTo: isSuccess ? Limit.answer : Limit.complaint)
      if isSuccess { return bytes }
      throw EngineFault.refused(status: response.head.status.code, body: bytes, route: route)
    } catch let error as TransportError {
      if isSuccess { throw EngineFault.lost(error, doing: what, hasAnswered: true) }
      if error.code == .cancelled { throw CancellationError() }
      throw EngineFault.refused(status: response.head.status.code, body: [], route: route)
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
