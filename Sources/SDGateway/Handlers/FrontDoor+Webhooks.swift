import HTTPTransport
import HTTPTypes
import SDCore

extension FrontDoor {
  /// What delivers this deployment's webhooks; `nil` where it has none.
  func webhookDelivery(over transport: any Transport) -> WebhookDelivery? {
    services.webhooks.map { webhooks in
      WebhookDelivery(
        services: webhooks, transport: transport, ledger: services.ledger, view: { view($0) }, clocks: services.clocks,
        logger: logger, metrics: metrics)
    }
  }

  /// `GET /v1/webhooks/secret`: what the caller's webhooks are signed with, for whoever is to verify them.
  func webhookSecret(_ request: GatewayRequest) throws(Problem) -> GatewayResponse {
    guard let webhooks = services.webhooks else { throw Problem(.notFound, "this deployment delivers no webhooks") }
    return .json(.ok, ["secret": .string(webhooks.secret.derived(for: request.caller.tenant).text)])
  }
}
