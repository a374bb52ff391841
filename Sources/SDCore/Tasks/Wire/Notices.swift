/// The announcements of a task's states, in the form of the API that it came by, and the `.out` object beside the images.
public struct Notices: Sendable {
  private let record: TaskRecord
  private let store: any ObjectStore
  /// Bytes of a runtime's name that is told in an attribute, and in the shortest form.
  private static let longestRuntime = 1024

  /// Announcements about a run, with its objects in a store.
  public init(_ record: TaskRecord, store: any ObjectStore) { (self.record, self.store) = (record, store) }

  /// The announcement of a start; the reference has none.
  public func running() -> Notice? {
    switch record.api {
    case .v1alpha1: nil
    case .v1alpha2, .legacy, .v1:
      notice(
        ["runtime": runtime, "id": .string(record.key.task.id), "status": "running", "context": context],
        state: .running)
    }
  }

  /// The announcement of an end. `result` is the engine's where it got so far.
  public func end(_ result: InferenceResult?) -> Notice {
    let whole = notice(endBody(parameters: result?.parameters ?? [:], result: result), state: record.state)
    if whole.byteCount <= Notice.maximumBytes { return whole }
    let bare = notice(endBody(parameters: [:], result: result), state: record.state)
    return bare.byteCount <= Notice.maximumBytes ? bare : notice(minimalBody, state: record.state)
  }

  /// The `.out` object: in v1alpha1 the notice itself, else the engine's answer without its images.
  ///
  /// Where the engine's answer is not at hand (any more) v1alpha1 has the notice as it was stored.
  public func answer(_ result: InferenceResult?) -> [UInt8] {
    switch record.api {
    case .v1alpha1 where result == nil && record.state == .succeeded && record.notice != nil:
      Array((record.notice?.body ?? "").utf8)
    case .v1alpha1: endBody(parameters: result?.parameters ?? [:], result: result).serialized()
    case .v1alpha2, .legacy, .v1: successorAnswer(result).serialized()
    }
  }

  private func endBody(parameters: JSONValue, result: InferenceResult?) -> JSONValue {
    switch record.api {
    case .v1alpha1: referenceBody(parameters, result)
    case .v1alpha2, .legacy: successorBody()
    case .v1: ownBody()
    }
  }

  private func notice(_ body: JSONValue, state: TaskState) -> Notice {
    var attributes: MessageAttributes = [
      Notice.idAttribute: .string("\(record.key.task.id)/\(record.key.run)/\(state.rawValue)"),
      "status": .string(state.rawValue),
    ]
    if !record.key.task.tenant.isEmpty { attributes[Notice.tenantAttribute] = .string(record.key.task.tenant) }
    if let webhook = record.options.webhook, state != .running || webhook.whenRunning {
      attributes[Notice.webhookAttribute] = "true"
    }
    // A task published straight to the topic may name any: what no topic takes is told in the body alone.
    if let runtime = record.runtime, runtime.isTakenByQueues, runtime.utf8.count <= Self.longestRuntime {
      attributes[TaskMessage.runtimeAttribute] = .string(runtime)
    }
    return Notice(body: body.text, attributes: attributes)
  }

  // MARK: v1alpha1

  private func referenceBody(_ parameters: JSONValue, _ result: InferenceResult?) -> JSONValue {
    var body = parameters.object == nil ? [:] : parameters
    body["id_task"] = .string(record.key.task.id)
    if record.state == .succeeded {
      body["status"] = 1
      body["image_url"] = .string(addresses(.image).joined(separator: ","))
      body["image_seed"] = .string(seeds(.image).joined(separator: ","))
      body["error_msg"] = ""
      body["image_mask_url"] = .string(addresses(.extra).joined(separator: ","))
    } else {
      body = ["id_task": .string(record.key.task.id), "status": 0, "image_url": "", "image_seed": []]
      body["error_msg"] = .string(errorText)
      body["reason"] = record.error?.reason ?? .null
      body["image_mask_url"] = ""
    }
    return ["images": [""], "parameters": body, "info": ""]
  }

  // MARK: v1alpha2

  private func successorBody() -> JSONValue {
    [
      "runtime": runtime, "id": .string(record.key.task.id), "result": .bool(record.state == .succeeded),
      "status": record.state == .succeeded ? "completed" : "failed",
      "image_url": .strings(addresses(nil)), "output_url": .string(store.s3URI(of: record.names.answer)),
      "context": context,
    ]
  }

  private func successorAnswer(_ result: InferenceResult?) -> JSONValue {
    let succeeded = record.state == .succeeded
    if record.type == .pipeline { return succeeded ? ["code": 200] : ["code": 500, "error": .string(errorText)] }
    var parameters = result?.parameters ?? [:]
    if succeeded {
      parameters["id_task"] = .string(record.key.task.id)
      parameters["image_seed"] = .string(seeds(.image).joined(separator: ","))
      parameters["error_msg"] = ""
    } else {
      parameters = ["id_task": .string(record.key.task.id), "status": 0, "error_msg": .string(errorText)]
      parameters["reason"] = record.error?.reason ?? .null
    }
    var answer: JSONValue = ["images": [""], "parameters": parameters, "info": ""]
    if let html = result?.htmlInfo { answer["html_info"] = .string(html) }
    return answer
  }

  // MARK: v1

  /// The successor's, so that one listener serves both, and what it cannot say: the run, the state, the error.
  private func ownBody() -> JSONValue {
    var body = successorBody()
    body["run"] = .int(record.key.run)
    body["state"] = .string(record.state.rawValue)
    if let error = record.error {
      body["error"] = [
        "code": .string(error.code.rawValue), "stage": .string(error.stage.rawValue), "message": .string(error.message),
      ]
    }
    return body
  }

  /// What is left when even the bare form is too long: who, and how it ended. The rest is in the `.out` object.
  private var minimalBody: JSONValue {
    if record.api == .v1alpha1 {
      return [
        "images": [""],
        "parameters": [
          "id_task": .string(record.key.task.id), "status": record.state == .succeeded ? 1 : 0, "image_url": "",
          "image_seed": "", "error_msg": .string(errorText.truncated(toUTF8: 4096)), "image_mask_url": "",
          "truncated": true,
        ], "info": "",
      ]
    }
    return [
      "runtime": .string((record.runtime ?? "").truncated(toUTF8: Self.longestRuntime)),
      "id": .string(record.key.task.id), "result": .bool(record.state == .succeeded),
      "status": record.state == .succeeded ? "completed" : "failed", "image_url": [],
      "output_url": .string(store.s3URI(of: record.names.answer)), "truncated": true,
    ]
  }

  // MARK: Parts

  private var runtime: JSONValue { .string(record.runtime ?? "") }
  private var context: JSONValue { record.context ?? [:] }
  private var errorText: String { record.error?.message ?? record.state.rawValue }

  private func addresses(_ role: TaskOutput.Role?) -> [String] {
    record.outputs.filter { role == nil || $0.role == role }.map { store.s3URI(of: $0.key) }
  }

  private func seeds(_ role: TaskOutput.Role) -> [String] {
    record.outputs.filter { $0.role == role }.compactMap { $0.seed.map(String.init) }
  }
}
