import HTTPTypes
import SDCore

extension FrontDoor {
  /// As far as tasks before one are counted.
  private static let positions = 1000

  /// `GET /v1/tasks/{id}`.
  func show(_ id: String, _ request: GatewayRequest) async throws -> GatewayResponse {
    let record = try await find(id, request).record
    var task = view(record)
    if task.state == .queued {
      task.position = try await services.ledger.position(of: record.key, limit: Self.positions)
    }
    return .json(.ok, task.json)
  }

  /// `GET /v1/tasks`.
  func list(_ request: GatewayRequest) async throws -> GatewayResponse {
    var query = LedgerQuery(tenant: request.caller.tenant)
    var wanted: Set<TaskState> = []
    let words = try request.parameters("state").flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
    for text in words {
      guard let state = TaskState(rawValue: String(text)) else {
        let known = TaskState.allCases.map(\.rawValue).joined(separator: ", ")
        throw Problem(.badRequest, "state in the query is none of \(known)")
      }
      wanted.insert(state)
    }
    query.states = wanted
    // A queued task past its time reads as expired, though its record says otherwise until somebody writes.
    if wanted.contains(.expired) { query.states.insert(.queued) }
    query.runtime = try request.parameter("runtime")
    query.limit = try request.integer("limit", in: 1...1000) ?? 50
    query.cursor = try request.parameter("cursor")
    let page = try await services.ledger.page(query)
    let views = page.records.map(view).filter { wanted.isEmpty || wanted.contains($0.state) }
    return .json(.ok, ["tasks": .array(views.map(\.json)), "next": page.next.map(JSONValue.string) ?? .null])
  }

  /// `GET /v1/tasks/{id}/events`.
  func events(of id: String, _ request: GatewayRequest) async throws -> GatewayResponse {
    let entry = try await find(id, request)
    let limit = min(configuration.longestEventStream, request.patience ?? configuration.longestEventStream)
    let events = TaskEvents(
      try watch.follow(entry.record.key), clocks: services.clocks, limit: limit, seen: try request.lastEventID()
    ) { record in view(record).json }
    return .events(events)
  }
}
