import HTTPTypes
import SDCore

extension FrontDoor {
  private static let probeLimit: Duration = .seconds(2)

  /// `GET /v1/runtimes`.
  ///
  /// A queue that cannot be counted in time costs its counts, not the answer.
  func runtimes() async -> GatewayResponse {
    let runtimes = services.submissions.catalog.runtimes
    let counts = await withTaskGroup(of: (Int, QueueStats?).self) { group in
      for (position, runtime) in runtimes.enumerated() {
        guard let queue = services.queues[runtime.queue] ?? services.queues[runtime.name] else { continue }
        group.addTask { (position, await services.clocks.within(Self.probeLimit) { try await queue.stats() }) }
      }
      var counts: [Int: QueueStats] = [:]
      for await (position, stats) in group { counts[position] = stats }
      return counts
    }
    let views = runtimes.enumerated().map { RuntimeView($1, queue: counts[$0]) }
    return .json(.ok, ["runtimes": .array(views.map(\.json))])
  }

  /// `GET /readyz`: whether submissions can be taken, as far as the ledger tells.
  func readiness() async -> GatewayResponse {
    let page = await services.clocks.within(Self.probeLimit) { try await services.ledger.page(LedgerQuery(limit: 1)) }
    return page == nil
      ? .json(.serviceUnavailable, ["status": "unavailable", "detail": "the ledger does not answer"])
      : .json(.ok, ["status": "ready"])
  }

  /// `GET /metrics`.
  func figures() throws(Problem) -> GatewayResponse {
    guard let metrics = services.metrics else { throw Problem(.notFound, "this process counts nothing") }
    var response = GatewayResponse.text(.ok, metrics())
    response.headers[.contentType] = "text/plain; version=0.0.4; charset=utf-8"
    return response
  }
}
