import HTTPTypes
import SDCore

extension FrontDoor {
  /// `GET /v1/tasks/{id}`.
  func show(_ id: String, _ request: GatewayRequest) async throws -> GatewayResponse {
    .json(.ok, view(try await find(id, request).record).json)
  }

  /// `GET /v1/tasks`.
  func list(_ request: GatewayRequest) async throws -> GatewayResponse {
    var query = LedgerQuery(tenant: tenant(of: request))
    var wanted: Set<TaskState> = []
    for text in request.query.filter({ $0.name == "state" }).flatMap({ $0.value.split(separator: ",") }) {
      guard let state = TaskState(rawValue: String(text)) else {
        let known = TaskState.allCases.map(\.rawValue).joined(separator: ", ")
        throw Problem(.badRequest, "state in the query is none of \(known)")
      }
      wanted.insert(state)
    }
    query.states = wanted
    // A queued task past its time reads as expired, though its record says otherwise until somebody writes.
    if wanted.contains(.expired) { query.states.insert(.queued) }
    query.runtime = request.parameter("runtime")
    query.limit = try request.integer("limit", in: 1...1000) ?? 50
    query.cursor = request.parameter("cursor")
    let page = try await services.ledger.page(query)
    let views = page.records.map(view).filter { wanted.isEmpty || wanted.contains($0.state) }
    return .json(.ok, ["tasks": .array(views.map(\.json)), "next": page.next.map(JSONValue.string) ?? .null])
  }

  /// `GET /v1/tasks/{id}/events`.
  func events(of id: String, _ request: GatewayRequest) async throws -> GatewayResponse {
    let entry = try await find(id, request)
    let events = TaskEvents(
      try watch.follow(entry.record.key), clocks: services.clocks, limit: configuration.longestEventStream
    ) { record in view(record).json }
    return GatewayResponse(
      .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"], body: .events(events))
  }
}
