import HTTPTypes
import SDCore

extension FrontDoor {
  /// `GET /openapi.json`.
  func openAPI() -> GatewayResponse {
    var response = GatewayResponse.json(.ok, document.json)
    response.headers[.cacheControl] = "max-age=60"
    return response
  }

  /// `GET /docs`.
  func docs() -> GatewayResponse {
    GatewayResponse(
      .ok,
      headers: [
        .contentType: "text/html; charset=utf-8", .cacheControl: "max-age=60", .xContentTypeOptions: "nosniff",
        .contentSecurityPolicy:
          "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
      ], body: .bytes(Array(DocsPage(document.json).html.utf8)))
  }

  private var document: OpenAPIDocument {
    OpenAPIDocument(
      services.submissions.catalog, asksForKeys: gate.asksForKeys, hasWebhooks: services.webhooks != nil)
  }
}
