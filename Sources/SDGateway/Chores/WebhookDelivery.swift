import HTTPTransport
import HTTPTypes
import Logging
import SDCore

/// Delivers webhooks: one notice, one call, signed as Standard Webhooks 1.0 has it.
struct WebhookDelivery: Sendable {
  /// What is to be done with a notice's message.
  enum Verdict: Sendable, Hashable {
    /// It is done, or there is nothing to do.
    case done
    /// Again after so long.
    case later(Duration)
    /// Never again.
    case hopeless(DeadLetterReason)
  }

  let services: WebhookServices
  let transport: any Transport
  let ledger: any TaskLedger
  let view: @Sendable (TaskRecord) -> TaskView
  let clocks: Clocks
  let logger: Logger
  var metrics = GatewayMetrics()
  /// How long after each try the next is made; there is one try more than there are pauses.
  var pauses: [Duration] = [.seconds(5), .seconds(30), .seconds(150), .seconds(600)]

  private static let patience: Duration = .seconds(15)
  private static let longestPause: Duration = .seconds(900)
  /// An answer is read so far, lest its connection be lost for a few bytes; nobody looks at it.
  private static let answerLimit = 16 << 10

  /// Delivers what a message asks for.
  func deliver(_ lease: Lease) async -> Verdict {
    let attributes = NotificationEnvelope.open(lease.body, attributes: lease.attributes).attributes
    guard let (run, state) = Notice.subject(attributes) else {
      return .hopeless(DeadLetterReason(code: "poison", message: "this is no notice of a task"))
    }
    guard lease.receiveCount <= pauses.count + 1 else {
      return hopeless("was tried \(lease.receiveCount - 1) times", run)
    }
    do {
      guard let entry = try await ledger.read(run), let webhook = entry.record.options.webhook else { return .done }
      // What has ended meanwhile is told by its end.
      if state == .running, entry.record.state.isTerminal { return .done }
      return await call(webhook, entry.record, state, count: lease.receiveCount)
    } catch {
      logger.warning("a webhook's task cannot be read", metadata: ["task": "\(run)", "error": "\(error)"])
      return .later(pause(after: lease.receiveCount))
    }
  }

  private func call(
    _ webhook: TaskOptions.Webhook, _ record: TaskRecord, _ state: TaskState, count: Int
  ) async -> Verdict {
    var options = TransferOptions(totalTimeout: Self.patience, maximumResponseBytes: Int64(Self.answerLimit))
    options.connectTimeout = .seconds(5)
    options.policy = services.mayStayInside ? OpenPolicy(usesEnvironmentProxies: false) : PublicAddressPolicy()
    let failure: String
    var wanted: Duration?
    do throws(TransportError) {
      let (request, body) = try message(webhook, record, state)
      let answer = try await transport.execute(request, body: .bytes(body), options: options)
      let status = answer.head.status
      if status.kind == .successful {
        metrics.webhook(.delivered)
        logger.debug("webhook delivered", metadata: ["task": "\(record.key)", "try": "\(count)"])
        return .done
      }
      if status == .gone { return hopeless("its receiver answered 410: it wants no more of them", record.key) }
      failure = "its receiver answered \(status.code)"
      wanted = answer.head.headerFields[.retryAfter].flatMap { Int($0) }.map { .seconds(min(max($0, 0), 3600)) }
    } catch {
      switch error.code {
      case .addressRefused: return hopeless("its receiver is not at a public address", record.key)
      case .invalidRequest: return hopeless("its URL cannot be called", record.key)
      // The program ends: another one takes it up.
      case .cancelled, .closed: return .later(.zero)
      default: failure = "the call failed: \(error.code.rawValue)"
      }
    }
    guard count <= pauses.count else { return hopeless("\(failure), the last of \(count) times", record.key) }
    let pause = min(max(wanted ?? .zero, pause(after: count)), Self.longestPause)
    metrics.webhook(.retried)
    logger.info(
      "a webhook is to be tried again",
      metadata: [
        "task": "\(record.key)", "try": "\(count)", "failure": "\(failure)", "seconds": "\(Int(pause.seconds))",
      ])
    return .later(pause)
  }

  private func message(
    _ webhook: TaskOptions.Webhook, _ record: TaskRecord, _ state: TaskState
  ) throws(TransportError) -> (HTTPRequest, [UInt8]) {
    let body = view(record).json.serialized()
    let id = "\(record.key.task.id)/\(record.key.run)/\(state.rawValue)"
    let seconds = clocks.timestamp.milliseconds / 1000
    var request = try HTTPRequest(method: .post, url: webhook.url)
    request.headerFields[.contentType] = "application/json"
    request.headerFields[.userAgent] = "stable-diffusion-on-demand"
    request.headerFields[.webhookID] = id
    request.headerFields[.webhookTimestamp] = "\(seconds)"
    request.headerFields[.webhookSignature] = services.secret.derived(for: record.key.task.tenant)
      .signature(of: body, id: id, seconds: seconds)
    return (request, body)
  }

  private func hopeless(_ why: String, _ run: RunKey) -> Verdict {
    metrics.webhook(.givenUp)
    logger.error("a webhook is given up", metadata: ["task": "\(run)", "reason": "\(why)"])
    return .hopeless(DeadLetterReason(code: "webhook_failed", message: "the webhook of task \(run): \(why)"))
  }

  private func pause(after count: Int) -> Duration {
    let pause = pauses.isEmpty ? .zero : pauses[min(max(count, 1), pauses.count) - 1]
    return pause * Double.random(in: 0.8...1.2)
  }
}

extension HTTPField.Name {
  static let webhookID = HTTPField.Name("webhook-id")!
  static let webhookTimestamp = HTTPField.Name("webhook-timestamp")!
  static let webhookSignature = HTTPField.Name("webhook-signature")!
}
