import HTTPTypes
import SDCore

extension FrontDoor {
  private static let lookedAt = 200

  /// `GET /v1/workers`: those that the newest records name.
  func workers(_ request: GatewayRequest) async throws -> GatewayResponse {
    let tenant = request.caller.tenant
    let newest = try await services.ledger.page(LedgerQuery(tenant: tenant, limit: Self.lookedAt)).records
    let running = try await services.ledger.page(
      LedgerQuery(tenant: tenant, states: [.running], limit: Self.lookedAt)
    ).records
    let known = Set(newest.map(\.key))
    let workers = WorkerView.all(
      in: newest + running.filter { !known.contains($0.key) }, at: services.clocks.timestamp)
    return .json(.ok, ["workers": .array(workers.map(\.json))])
  }

  /// `GET /v1/events`.
  func feed(_ request: GatewayRequest) throws -> GatewayResponse {
    let asked = try request.integer("seconds", in: 1...900).map { Duration.seconds($0) }
    let longest = min(configuration.longestEventStream, asked ?? configuration.longestEventStream)
    let events = BoardEvents(
      board, seat: try board.seat(), tenant: request.caller.tenant, seen: try request.lastEventID(),
      limit: min(longest, request.patience ?? longest), isStopped: { [watch] in watch.isStopped })
    return .events(events)
  }
}
