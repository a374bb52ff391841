import HTTPTypes
package import Logging
package import SDCore
import Tracing

/// The front door without a transport: requests in, answers out.
///
/// A route a method lives in an extension of its own. Whatever they throw becomes an answer here: `application/problem+json`
/// for `/v1`, plain text for the older doors.
package struct FrontDoor: Sendable {
  let configuration: GatewayConfiguration
  let services: GatewayServices
  let logger: Logger
  let gate: Gatekeeper
  let depths: QueueDepths
  let closer: RunCloser
  let thumbnails = Thumbnails()
  let metrics: GatewayMetrics
  /// What watches tasks for waiting clients; whoever owns the door runs it.
  package let watch: TaskWatch
  /// What is told to those who look at everything.
  let board: Board
  private let hosts: HostRule

  package init(configuration: GatewayConfiguration, services: GatewayServices, logger: Logger) {
    self.init(configuration: configuration, services: services, logger: logger, metrics: GatewayMetrics())
  }

  init(configuration: GatewayConfiguration, services: GatewayServices, logger: Logger, metrics: GatewayMetrics) {
    (self.configuration, self.services, self.logger) = (configuration, services, logger)
    self.metrics = metrics
    gate = Gatekeeper(keys: services.keys, clocks: services.clocks)
    depths = QueueDepths(services.queues, clocks: services.clocks)
    closer = RunCloser(
      ledger: services.ledger, store: services.store, events: services.events, clocks: services.clocks, logger: logger)
    watch = TaskWatch(
      ledger: services.ledger, clocks: services.clocks, limit: configuration.maximumWatchers)
    board = Board(services, watchers: configuration.maximumWatchers)
    hosts = HostRule(boundTo: configuration.host, hosts: configuration.allowedHosts)
  }

  /// Answers a request.
  ///
  /// Never throws: errors are answers.
  package func respond(to request: GatewayRequest) async -> GatewayResponse {
    let began = services.clocks.instant
    let route = Route(path: request.path)
    let response = await answer(request, route)
    let time = began.duration(to: services.clocks.instant)
    metrics.answered(request.method, route, response.status, after: time)
    logger.debug(
      "request answered",
      metadata: [
        "method": "\(request.method.rawValue)", "route": "\(route?.pattern ?? "none")",
        "status": "\(response.status.code)", "seconds": "\(time.seconds)",
      ])
    return response
  }

  /// The answer to a request whose body is larger than any may be, and was not read.
  package func refuseBody(of request: GatewayRequest) -> GatewayResponse {
    let problem = Problem(.contentTooLarge, "a body may have \(configuration.maximumBodyBytes) bytes here")
    return Route(path: request.path)?.isLegacy == true
      ? .text(.contentTooLarge, problem.detail) : problem.response(instance: request.path)
  }

  private func answer(_ request: GatewayRequest, _ route: Route?) async -> GatewayResponse {
    if let refusal = hosts.refusal(of: request) { return refusal.response(instance: request.path) }
    guard let route else {
      return Problem(.notFound, "there is nothing under this path").response(instance: request.path)
    }
    guard request.body.count <= configuration.maximumBodyBytes else { return refuseBody(of: request) }
    if asksForPage(request, route) { return page("index.html", request) }
    do { return try await dispatch(letIn(request, route), route) } catch {
      let problem = Problem(error)
      if problem.status.kind == .serverError {
        logger.error(
          "a request failed",
          metadata: ["method": "\(request.method.rawValue)", "route": "\(route.pattern)", "error": "\(error)"])
      }
      return route.isLegacy ? legacyRefusal(problem) : problem.response(instance: request.path)
    }
  }

  /// The request with its caller, who may make it.
  private func letIn(_ request: GatewayRequest, _ route: Route) throws(Problem) -> GatewayRequest {
    guard !route.isOpen else { return request }
    var request = request
    request.caller = try gate.caller(of: request)
    try gate.count(1, of: request.caller)
    return request
  }

  private func dispatch(_ request: GatewayRequest, _ route: Route) async throws -> GatewayResponse {
    let method = request.method == .head ? HTTPRequest.Method.get : request.method
    guard route.methods.contains(method) else {
      if route.isLegacy { return .text(.badRequest, LegacyDoor.unsupportedMethod) }
      let allowed = route.methods.map(\.rawValue).joined(separator: ", ")
      throw Problem(.methodNotAllowed, "this path takes \(allowed)", headers: [.allow: allowed])
    }
    switch route {
    case .root: return try await submitV1Alpha1(request, isReferencePath: true)
    case .v1alpha1: return try await submitV1Alpha1(request, isReferencePath: false)
    case .v1alpha2: return try await submitV1Alpha2(request)
    case .tasks: return method == .post ? try await submit(request) : try await list(request)
    case .batch: return try await submitBatch(request)
    case .task(let id): return method == .delete ? try await cancel(id, request) : try await show(id, request)
    case .events(let id): return try await events(of: id, request)
    case .output(let id, let number): return try await output(number, of: id, request)
    case .retry(let id): return try await retry(id, request)
    case .outputLink(let id, let number): return try await outputLink(number, of: id, request)
    case .request(let id): return try await submission(of: id, request)
    case .manifest(let id): return try await manifest(of: id, request)
    case .trace(let id): return try await trace(of: id, request)
    case .runtimes: return .json(.ok, await board.runtimes())
    case .workers: return try await workers(request)
    case .feed: return try feed(request)
    case .letters(let name): return try await letters(of: name, request)
    case .redrive(let name): return try await redrive(name, request)
    case .drop(let name): return try await drop(name, request)
    case .webhookSecret: return try webhookSecret(request)
    case .health: return .json(.ok, ["status": "ok"])
    case .readiness: return await readiness()
    case .metrics: return try figures()
    case .openAPI: return openAPI()
    case .docs: return docs()
    case .dashboard(let file):
      guard configuration.dashboard else { throw Problem(.notFound, "there is nothing under this path") }
      return page(file, request)
    case .object(let bucket, let key):
      return method == .put
        ? try await putObject(key, in: bucket, request) : try await getObject(key, in: bucket, request)
    }
  }
}

extension FrontDoor {
  /// A record as clients see it.
  func view(_ record: TaskRecord) -> TaskView { TaskView(record, store: services.store, at: services.clocks.timestamp) }

  /// A run that a path and its query name; a 404 when there is none.
  func find(_ id: String, _ request: GatewayRequest) async throws -> LedgerEntry {
    let key = TaskKey(tenant: request.caller.tenant, id: id)
    let run = try request.integer("run", in: 1...1_000_000_000)
    guard TaskNaming.isTaskID(id) else { throw Problem(.notFound, "there is no such task") }
    let entry: LedgerEntry?
    if let run {
      entry = try await services.ledger.read(RunKey(key, run: run))
    } else {
      entry = try await services.ledger.latest(key)
    }
    guard let entry else {
      throw Problem(.notFound, "there is no task \(id)" + (run.map { " with a run \($0)" } ?? ""))
    }
    return try await closer.settled(entry)
  }

  /// Takes a task in, as part of its caller's trace.
  func take(
    _ task: TaskRequest, _ request: GatewayRequest, idempotencyKey: String? = nil
  ) async throws -> SubmissionService.Outcome {
    var context = ServiceContext.topLevel
    context.trace = TraceContext { name in HTTPField.Name(name).flatMap { request.headers[$0] } }
    return try await withSpan("submit", context: context, ofKind: .server) { span in
      span.attributes["task"] = task.key.id
      let outcome = try await services.submissions.submit(
        task, for: request.caller.submitter, idempotencyKey: idempotencyKey,
        trace: TraceContext.current?.messageAttributes ?? [:]
      ) { try await checkDepth(of: $0, for: request.caller) }
      if case .created(let entry) = outcome {
        metrics.submitted(entry.record)
        if let runtime = entry.record.runtime { depths.add(for: runtime) }
      }
      return outcome
    }
  }

  /// A 429 where more tasks wait for a runtime than may.
  func checkDepth(of runtime: RuntimeDescription, for caller: Caller) async throws(Problem) {
    guard let limit = caller.key?.queueLimit ?? configuration.queueLimit else { return }
    guard let waiting = await depths.waiting(for: runtime.name), waiting >= limit else { return }
    throw Problem.tooMany(
      "\(waiting) tasks wait for runtime \(runtime.name), and no more than \(limit) may", seconds: 5)
  }
}
