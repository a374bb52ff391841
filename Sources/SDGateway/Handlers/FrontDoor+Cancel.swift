import HTTPTypes
import SDCore

extension FrontDoor {
  /// `DELETE /v1/tasks/{id}`: a queued task ends at once, a running one is asked to, an ended one is past it.
  func cancel(_ id: String, _ request: GatewayRequest) async throws -> GatewayResponse {
    let entry = try await find(id, request)
    guard let standing = try await closer.cancel(entry) else {
      let record = try await services.ledger.read(entry.record.key)?.record ?? entry.record
      throw Problem(.conflict, "task \(id) has ended: it is \(view(record).state.rawValue)")
    }
    let task = view(standing.record)
    return .json(task.state == .cancelled ? .ok : .accepted, task.json)
  }
}
