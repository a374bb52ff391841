internal import HTTPTypes
public import SDCore

extension SDClient {
  /// Submits a text-to-image task through `/v1alpha1`, and answers it as it then stands: for runtimes whose `routing` is
  /// `reference`, which get no others.
  ///
  /// - Parameters:
  ///   - runtime: its name.
  ///   - model: the model file that the runtime has loaded.
  ///   - content: what the engine is told.
  public func submitV1Alpha1(runtime: String, model: String, content: JSONObject) async throws -> TaskView {
    let id = RandomName.make()
    var payload = content
    payload["sdname"] = .string(runtime)
    payload["alwayson_scripts"] = [
      "task": .string(TaskType.textToImage.rawValue), "id_task": .string(id), "sd_model_checkpoint": .string(model),
    ]
    var request = try request(.post, "/v1alpha1")
    request.headerFields[.contentType] = "application/json"
    // The same request joins the run that it has opened: it is safe to repeat.
    _ = try await json(request, body: JSONValue.object(payload).serialized(), repeats: true)
    return try await task(id)
  }
}
