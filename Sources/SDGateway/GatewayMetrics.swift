import HTTPTypes
import Metrics
import SDCore
import Synchronization

/// What a gateway measures; `docs/metrics.md` says what each figure means.
final class GatewayMetrics: Sendable {
  /// What tells answers apart.
  private struct Kind: Hashable {
    var route: String
    var method: String
    var status: Int
  }

  /// How a call of a webhook went.
  enum WebhookOutcome: String { case delivered, retried, givenUp = "given_up" }

  private let factory: any MetricsFactory
  /// Timers that were made; looked up at each answer, and there are few.
  private let answers = Mutex<[Kind: Timer]>([:])

  init(factory: any MetricsFactory = MetricsSystem.factory) { self.factory = factory }

  /// A request was answered after so long. Routes are told without their ids, methods only where the route has them.
  func answered(_ method: HTTPRequest.Method, _ route: Route?, _ status: HTTPResponse.Status, after time: Duration) {
    let isKnown = route?.methods.contains(method) == true || method == .head
    let kind = Kind(
      route: route?.pattern ?? "none", method: isKnown ? method.rawValue : "other", status: status.code)
    let timer = answers.withLock { answers in
      if let timer = answers[kind] { return timer }
      let labels = [("route", kind.route), ("method", kind.method), ("status", "\(kind.status)")]
      let timer = Timer(label: "sd_http_request_seconds", dimensions: labels, factory: factory)
      answers[kind] = timer
      return timer
    }
    timer.recordNanoseconds(Int64(time.seconds * 1e9))
  }

  /// A task was taken in.
  func submitted(_ record: TaskRecord) {
    let labels = [("runtime", record.runtime ?? ""), ("api", record.api.rawValue)]
    Counter(label: "sd_tasks_submitted_total", dimensions: labels, factory: factory).increment()
  }

  /// A webhook was called.
  func webhook(_ outcome: WebhookOutcome) {
    Counter(label: "sd_webhooks_total", dimensions: [("outcome", outcome.rawValue)], factory: factory).increment()
  }
}
