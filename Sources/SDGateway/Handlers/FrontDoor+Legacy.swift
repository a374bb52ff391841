import HTTPTypes
import SDCore

extension FrontDoor {
  /// `POST /v1alpha1`, and `POST /` where the reference's clients post.
  func submitV1Alpha1(_ request: GatewayRequest, isReferencePath: Bool) async throws -> GatewayResponse {
    let task: TaskRequest
    do throws(LegacyRefusal) {
      task = try LegacyDoor.v1alpha1(request.body, tenant: request.caller.tenant, isReferencePath: isReferencePath)
    } catch { return .text(.badRequest, error.text) }
    let record = try await submitLegacy(task, request)
    // What was asked is told as it was written: an id may be a number, and nobody has looked at the model's type.
    let payload = task.api == .v1alpha1 ? task.payload : task.payload["content"]
    let scripts = payload?["alwayson_scripts"]
    var answer: JSONValue = ["id_task": scripts?["id_task"] ?? .null]
    if task.api == .v1alpha1 { answer["task"] = scripts?["task"] ?? .null }
    answer["sd_model_checkpoint"] = scripts?["sd_model_checkpoint"] ?? .null
    answer["output_location"] = .string(services.store.s3URI(of: record.folder))
    return .json(.ok, answer)
  }

  /// `POST /v1alpha2`.
  func submitV1Alpha2(_ request: GatewayRequest) async throws -> GatewayResponse {
    let task: TaskRequest
    do throws(LegacyRefusal) {
      task = try LegacyDoor.v1alpha2(request.body, tenant: request.caller.tenant)
    } catch { return .text(.badRequest, error.text) }
    let record = try await submitLegacy(task, request)
    return .json(
      .ok,
      [
        "id": .string(task.key.id), "runtime": .string(task.runtime ?? ""),
        "output_location": .string(services.store.s3URI(of: record.folder)),
      ])
  }

  /// An id may be used again through these doors, so that there is nothing to tell apart in what becomes of it.
  private func submitLegacy(_ task: TaskRequest, _ request: GatewayRequest) async throws -> TaskRecord {
    try await take(task, request).entry.record
  }

  /// An error in the older doors' way: plain text, and 400 for whatever is wrong with the request; callers without a key
  /// and those who call too often are told what API Gateway tells them there.
  func legacyRefusal(_ problem: Problem) -> GatewayResponse {
    var response: GatewayResponse
    switch problem.status {
    case .unauthorized, .forbidden: return .json(.forbidden, ["message": "Forbidden"])
    case .tooManyRequests: response = .json(.tooManyRequests, ["message": "Too Many Requests"])
    case .unprocessableContent, .conflict:
      response = .text(.badRequest, problem.errors.first?.detail ?? problem.detail)
    default: response = .text(problem.status, problem.detail)
    }
    for field in problem.headers { response.headers[field.name] = field.value }
    return response
  }
}
