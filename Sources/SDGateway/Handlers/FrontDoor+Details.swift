import HTTPTypes
import SDCore

extension FrontDoor {
  private static let longestTrace = 1000

  /// `GET /v1/tasks/{id}/request`: what `POST /v1/tasks` would make the same task of.
  func submission(of id: String, _ request: GatewayRequest) async throws -> GatewayResponse {
    let entry = try await find(id, request)
    let task: TaskRequest
    do throws(RequestProblem) {
      task = try TaskMessage.decode(entry.request, tenant: request.caller.tenant)
    } catch { throw Problem(.notFound, "the request of task \(id) was not kept") }
    var json: JSONValue = ["type": .string(task.type.rawValue), "content": task.content]
    json["runtime"] = (task.runtime ?? entry.record.runtime).map(JSONValue.string)
    json["model"] = task.model.map(JSONValue.string)
    json["context"] = task.context
    json["priority"] = task.options.priority.map { .string($0.rawValue) }
    return .json(.ok, json)
  }

  /// `GET /v1/tasks/{id}/trace`: the trace's id, and its spans where they are kept here.
  func trace(of id: String, _ request: GatewayRequest) async throws -> GatewayResponse {
    let record = try await find(id, request).record
    guard let trace = record.traceID.flatMap({ TraceID($0) }) else {
      throw Problem(.notFound, "task \(id) is part of no trace that is known")
    }
    var json: JSONValue = ["trace_id": .string(trace.description), "xray_id": .string(trace.xray)]
    if let archive = services.spans {
      json["spans"] = .array(try await archive.spans(of: trace, limit: Self.longestTrace).map(\.json))
    }
    return .json(.ok, json)
  }
}
