public import HTTPTransport
import ImageKit
public import Logging
public import SDCore
import Synchronization

/// ComfyUI: graphs of nodes in its API format, or named workflows with parameters.
///
/// A task's content is a graph, or `{"workflow": "name", "parameters": {...}}`; tasks of the other types are done by the
/// workflow of that type. Images in the graph are uploaded before the engine is free. What is saved goes into a folder
/// of the attempt's own, since of equal graphs ComfyUI does only the first. The end is what `history` says; its
/// WebSocket tells progress, and of the end sooner than polling would.
public final class ComfyBackend: InferenceBackend {
  struct State {
    var jobs: [String: ComfyJob] = [:]
    /// A job that its sender gave up while ComfyUI had it, which goes on with it.
    var abandoned: (name: String, job: ComfyJob)?
    var version: String?
  }

  /// Where inputs and outputs of ours go, below ComfyUI's own folders.
  static let folder = "sd"

  /// The kind of engine.
  public let kind = "comfyui"
  let client: ComfyClient
  let workflows: ComfyWorkflows
  let clocks: Clocks
  let logger: Logger
  let state = Mutex(State())
  /// Events of a prompt go to the client that submitted it.
  let clientID = "sd-" + String(UInt64.random(in: .min ... .max), radix: 16)

  /// A backend for the server at an address; nothing is sent yet.
  ///
  /// - Parameters:
  ///   - base: `http://host:8188`; credentials may stand in it.
  ///   - transport: what carries the requests.
  ///   - credentials: for HTTP Basic authentication, where a proxy before it asks for it.
  ///   - workflows: the workflows that tasks can name.
  ///   - clocks: what time is told by.
  ///   - logger: told when events cannot be had.
  public init(
    base: String, transport: any Transport, credentials: (user: String, password: String)? = nil,
    workflows: ComfyWorkflows = .standard, clocks: Clocks = .system, logger: Logger = Logger(label: "comfyui")
  ) {
    client = ComfyClient(
      http: EngineClient(
        base: base, apiPath: "", transport: transport,
        credentials: credentials.map { .basic(user: $0.user, password: $0.password) }))
    (self.workflows, self.clocks, self.logger) = (workflows, clocks, logger)
  }

  // MARK: Before the engine is free

  @concurrent
  public func prepare(_ request: InferenceRequest) async throws -> PreparedInference {
    var request = request
    var graph = try await graph(of: request)
    graph.fillSeeds(request.seed)
    if request.type == .pipeline, request.content["workflow"] == nil {
      // As it came: a graph, or the body of POST /prompt.
      if ComfyGraph.isWrapped(request.content) {
        request.content["prompt"] = graph.json
      } else {
        request.content = graph.json
      }
    } else {
      // The parameters as they were, but for the seed.
      request.content = workflows.repeatable(request)
    }
    try checkModels(of: graph, request)
    try await upload(into: &graph)
    // Random as well: an attempt that another worker made of the same run must not be found again.
    let unique = "\(request.key.task.id)-\(request.key.run)-\(request.attempt)-\(UInt32.random(in: .min ... .max))"
    graph.save(into: "\(Self.folder)/\(unique)")
    return PreparedInference(request: request, payload: graph.json.serialized(), name: unique)
  }

  private func graph(of request: InferenceRequest) async throws -> ComfyGraph {
    let content = request.content
    guard request.type == .pipeline else {
      return try await workflows.graph(named: request.type.rawValue, filledFor: request) {
        try await self.checkpoints()
      }
    }
    if let name = content["workflow"]?.string {
      return try await workflows.graph(named: name, filledFor: request) { try await self.checkpoints() }
    }
    // Some send the whole body of POST /prompt.
    if let prompt = content["prompt"], ComfyGraph.isWrapped(content) { return try ComfyGraph(prompt) }
    return try ComfyGraph(content)
  }

  private func checkModels(of graph: ComfyGraph, _ request: InferenceRequest) throws(TaskError) {
    guard let asked = request.model.map(ModelName.init), !request.mayLoadModel, !graph.models.isEmpty,
      !graph.models.contains(where: { ModelName($0).resembles(asked) })
    else { return }
    throw TaskError(
      .modelNotFound, .prepare,
      "this runtime is for the model \(request.model ?? ""), and the graph loads \(graph.models.joined(separator: ", "))"
    )
  }

  /// Stores the images that stand in the graph as base64, and puts their names in their places.
  private func upload(into graph: inout ComfyGraph) async throws {
    for node in graph.nodeNames where graph.classType(of: node)?.hasPrefix("LoadImage") == true {
      guard let text = graph[node, "image"]?.string, Self.isPayload(text) else { continue }
      let image = try EmbeddedImage.decode(text, name: "the image of node \(node)")
      let name = "\(Digest.hex(image.bytes).prefix(32))\(image.info.format.fileExtension)"
      let stored = try await client.upload(image.bytes, name: name, type: image.info.format.mediaType)
      graph[node, "image"] = .string(stored)
    }
  }

  /// Whether a text is an image's base64 rather than the name of a file at the engine: names have a dot.
  private static func isPayload(_ text: String) -> Bool {
    text.hasPrefix("data:") || (text.utf8.count >= 64 && !text.utf8.contains(UInt8(ascii: ".")))
  }

  func checkpoints() async throws -> [String] {
    (try await client.ask("models/checkpoints").array ?? []).compactMap(\.string)
  }

  // MARK: The engine's work

  @concurrent
  public func run(_ prepared: PreparedInference, onAnswer: @escaping @Sendable () -> Void) async throws
    -> InferenceAnswer
  {
    let graph = try ComfyGraph(JSONValue(parsing: prepared.payload))
    let job = ComfyJob(nodeCount: graph.nodeNames.count)
    state.withLock { ($0.jobs[prepared.name], $0.abandoned) = (job, nil) }
    defer {
      state.withLock { state in
        if Task.isCancelled { state.abandoned = (prepared.name, job) }
        state.jobs[prepared.name] = nil
      }
    }
    let outputs: ComfyOutputs = try await withThrowingTaskGroup(of: ComfyOutputs?.self) { group in
      group.addTask {
        await self.listen(for: job)
        return nil
      }
      group.addTask {
        do { return try await self.attempt(prepared, graph, job) } catch let error as TaskError
          where error.code == .outOfMemory && !job.isInterrupted
        {
          return try await self.attemptAgain(prepared, graph, job, after: error)
        }
      }
      defer { group.cancelAll() }
      // The listener ends only when it is told to.
      while let result = try await group.next() { if let result { return result } }
      throw CancellationError()
    }
    onAnswer()
    return try await outputs.fetch(client, prepared.request, graph, engine: await engineName())
  }

  private func attempt(_ prepared: PreparedInference, _ graph: ComfyGraph, _ job: ComfyJob) async throws -> ComfyOutputs
  {
    try await submit(prepared, graph, job)
    let entry = try await end(of: job)
    guard entry["status"]?["status_str"]?.string == "success" else {
      if let error = ComfyFault.failed(entry) { throw error }
      guard job.isInterrupted else {
        throw TaskError(.engineFailed, .infer, "somebody else interrupted ComfyUI")
      }
      throw Self.interrupted
    }
    return ComfyOutputs(entry, folder: "\(Self.folder)/\(prepared.name)", graph)
  }

  /// Has ComfyUI let go of its models, and does it once more.
  private func attemptAgain(
    _ prepared: PreparedInference, _ graph: ComfyGraph, _ job: ComfyJob, after error: TaskError
  ) async throws -> ComfyOutputs {
    try await client.free()
    job.renew()
    do { return try await attempt(prepared, graph, job) } catch var error as TaskError where error.code == .outOfMemory
    {
      error.message += "; so it was again after ComfyUI had let go of its models; ask for a smaller size or batch"
      throw error
    }
  }

  static let interrupted = TaskError(.cancelled, .infer, "ComfyUI was interrupted; what it made until then is not kept")

  private func submit(_ prepared: PreparedInference, _ graph: ComfyGraph, _ job: ComfyJob) async throws {
    let id = job.promptID
    let answer: EngineClient.Answer
    do {
      answer = try await client.submit(prepared.payload, id: id, client: clientID)
    } catch {
      // Whether it has been taken is for the history and the queue to say.
      guard error.requestMayHaveBeenSent, error.code == .connectionLost || error.code == .timeout else {
        throw error.asEngineAbsence("POST prompt", .infer)
      }
      return
    }
    let faults = answer.json?["node_errors"]
    let isPartial = faults?.object.map { !$0.isEmpty } ?? (faults?.array.map { !$0.isEmpty } ?? false)
    guard answer.isSuccess, !isPartial else {
      // One bad output among good ones is left out in silence: then none is wanted.
      if answer.isSuccess { try await stop(id) }
      throw ComfyFault.refused(status: answer.status, body: answer.body, graph: graph)
    }
  }

  private func engineName() async -> String {
    if let version = state.withLock({ $0.version }) { return "ComfyUI \(version)" }
    return "ComfyUI"
  }
}
