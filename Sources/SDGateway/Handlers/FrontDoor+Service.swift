import HTTPTypes
import SDCore

extension FrontDoor {
  private static let probeLimit: Duration = .seconds(2)

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
