public import HTTPTransport
import HTTPTypes
public import Logging
public import SDCore
public import ServiceLifecycle
import Synchronization

/// The gateway as a Lambda function: the same answers to what comes through API Gateway, webhooks for what comes from
/// their queue, and expiry and the sweep of letters for what comes by the clock.
///
/// One invocation at a time, as Lambda has it. Runs until shut down, or until the runtime API is gone.
public struct LambdaGateway: Service {
  private let door: FrontDoor
  private let chores: Chores
  private let webhooks: WebhookService?
  private let runtime: LambdaRuntime
  private let clocks: Clocks
  private let afterwards: @Sendable () async -> Void
  private let logger: Logger

  /// What is left of an invocation's time for sending the answer.
  private static let margin: Duration = .milliseconds(500)
  /// API Gateway gives up after 29 seconds.
  private static let longestWait: Duration = .seconds(25)
  /// An answer's bytes that Lambda carries, base64 included.
  private static let largestAnswer = 6_000_000
  /// The longest that what is done after an answer may keep the function.
  private static let longestAfterwards: Duration = .seconds(1)

  /// A gateway that asks a runtime API for what to do.
  ///
  /// - Parameters:
  ///   - authority: host and port of the runtime API, as `AWS_LAMBDA_RUNTIME_API` has them.
  ///   - transport: what carries the calls of webhooks and of the runtime API.
  ///   - afterwards: done after each answer, for at most a second: Lambda freezes the process once it asks for the next.
  public init(
    authority: String, configuration: GatewayConfiguration, services: GatewayServices,
    transport: any Transport = CurlTransport.shared, afterwards: @escaping @Sendable () async -> Void = {},
    logger: Logger
  ) {
    door = FrontDoor(configuration: configuration, services: services, logger: logger)
    chores = Chores(services, logger: logger)
    webhooks = door.webhookDelivery(over: transport).map { WebhookService(delivery: $0, logger: logger) }
    runtime = LambdaRuntime(authority, transport: transport)
    clocks = services.clocks
    self.afterwards = afterwards
    self.logger = logger
  }

  /// Serves.
  ///
  /// Throws `SDError` with `.unavailable` when the runtime API is gone.
  public func run() async throws {
    let door = door
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await door.watch.run() }
      defer {
        door.watch.stop()
        group.cancelAll()
      }
      while !Task.isCancelled, !Task.isShuttingDownGracefully {
        do {
          let invocation = try await cancelWhenGracefulShutdown { try await runtime.next() }
          try await handle(invocation)
          _ = await clocks.within(Self.longestAfterwards) { [afterwards] in await afterwards() }
        } catch let error as TransportError {
          if error.code == .cancelled { return }
          throw SDError(.unavailable, "the Lambda runtime API cannot be reached", underlying: error)
        }
      }
    }
  }

  private func handle(_ invocation: LambdaRuntime.Invocation) async throws {
    let left = invocation.deadline.map { $0 - clocks.timestamp - Self.margin } ?? Self.longestWait
    guard let json = try? JSONValue(parsing: invocation.event), let event = LambdaEvent(json, at: clocks.instant) else {
      logger.error("an event of no known kind", metadata: ["bytes": "\(invocation.event.count)"])
      return try await runtime.fail(invocation, "UnknownEvent", "this function has no use for such an event")
    }
    switch event {
    case .request(let request, let format):
      let answer = await self.answer(request, format, within: max(left, .milliseconds(100)), trace: invocation.trace)
      try await runtime.respond(answer, to: invocation)
    case .messages(let leases, let queue):
      guard let webhooks, webhooks.queueName == queue else {
        logger.error("messages of a queue that is not the webhooks' own", metadata: ["queue": "\(queue)"])
        return try await runtime.fail(invocation, "UnknownQueue", "the messages of \(queue) are not for this function")
      }
      let failed = await webhooks.settle(batch: leases)
      let items = failed.map { ["itemIdentifier": .string($0)] as JSONValue }
      try await runtime.respond(["batchItemFailures": .array(items)], to: invocation)
    case .schedule:
      let done = await clocks.within(max(left, .seconds(1))) {
        ["expired": .int(await chores.expire()), "swept": .int(await chores.sweepLetters())] as JSONValue
      }
      try await runtime.respond(done ?? ["unfinished": true], to: invocation)
    }
  }

  // MARK: Requests

  private func answer(
    _ request: GatewayRequest, _ format: ProxyFormat, within limit: Duration, trace: String?
  ) async -> JSONValue {
    var request = request
    request.patience = min(Self.longestWait, limit)
    if request.headers[.amazonTraceID] == nil { request.headers[.amazonTraceID] = trace }
    let response = await clocks.within(limit) { [request] in await whole(door.respond(to: request), request) }
    guard let response else {
      let problem = Problem(.gatewayTimeout, "this took too long; it may have been done all the same")
      return await flat(problem.response(instance: request.path), format)
    }
    return await flat(response, format)
  }

  /// An answer whose body is in memory.
  private func whole(_ response: GatewayResponse, _ request: GatewayRequest) async -> GatewayResponse {
    var response = response
    do {
      switch response.body {
      case .none, .bytes: break
      case .stream(let length, let next):
        guard length <= Self.largestAnswer else { throw Problem(.contentTooLarge, "\(length) bytes do not fit here") }
        var bytes: [UInt8] = []
        if request.method != .head { while let chunk = try await next() { bytes += chunk } }
        response.body = .bytes(bytes)
      case .events(let events): response.body = .bytes(await news(events, within: request.patience ?? Self.longestWait))
      }
    } catch { return Problem(error).response(instance: request.path) }
    if request.method == .head { response.body = .none }
    return response
  }

  /// Events up to the first that tells something: an answer that cannot be streamed is sent when there is news, and its
  /// client comes again.
  private func news(
    _ events: any AsyncSequence<ServerSentEvent, Never> & Sendable, within limit: Duration
  ) async -> [UInt8] {
    let told = Mutex<[UInt8]>([])
    _ = await clocks.within(limit) {
      for await event in events {
        told.withLock { $0 += event.bytes }
        if event.name != nil { break }
      }
    }
    return told.withLock { $0 }
  }

  private func flat(_ response: GatewayResponse, _ format: ProxyFormat) async -> JSONValue {
    guard case .bytes(let bytes) = response.body else { return format.answer(response.status, response.headers, []) }
    let answer = format.answer(response.status, response.headers, bytes)
    guard answer["body"]?.string.map({ $0.utf8.count <= Self.largestAnswer }) ?? true else {
      let problem = Problem(.internalServerError, "an answer of \(bytes.count) bytes does not fit through Lambda")
      return await flat(problem.response(instance: ""), format)
    }
    return answer
  }
}
