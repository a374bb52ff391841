import HTTPTypes
import SDCore

extension FrontDoor {
  /// More than a manifest has: its request may bring images in itself.
  private static let manifestLimit = 64 << 20

  /// `GET /v1/tasks/{id}/manifest`.
  func manifest(of id: String, _ request: GatewayRequest) async throws -> GatewayResponse {
    let record = try await find(id, request).record
    guard record.state == .succeeded else {
      throw Problem(.notFound, "task \(id) is \(view(record).state.rawValue): only what has succeeded has a manifest")
    }
    let stored = try await services.store.get(record.names.manifest, range: nil, limit: Self.manifestLimit)
    return GatewayResponse(
      .ok, headers: [.contentType: "application/json", .cacheControl: "no-store"], body: .bytes(stored.bytes))
  }
}
