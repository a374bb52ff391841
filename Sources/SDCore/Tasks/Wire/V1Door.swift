/// How our own door reads a request, telling everything that is wrong with it at once.
public enum V1Door {
  /// A task of `POST /v1/tasks`.
  ///
  /// - Parameters:
  ///   - mintedID: the id it gets when it names none.
  ///   - now: the present time, which `expires_in` counts from.
  public static func decode(
    _ body: JSONValue, tenant: String = "", mintedID: @autoclosure () -> String = RandomName.make(), now: Timestamp
  ) throws(RequestProblem) -> TaskRequest {
    guard let object = body.object else { throw RequestProblem("a task is a JSON object, not a \(body.kind)") }
    var reader = FieldReader(object)
    let id = reader.string("id") { TaskNaming.isTaskID($0) ? nil : "is not 1 to 64 of A-Z a-z 0-9 _ -" } ?? mintedID()
    let runtime = reader.string("runtime") { TaskNaming.isRuntimeName($0) ? nil : "is no runtime's name" }
    let model = reader.string("model") { $0.isEmpty || $0.utf8.count > 256 ? "is no model's name" : nil }
    if object["runtime"] == nil, object["model"] == nil { reader.report("runtime", "is missing") }
    let type = reader.string("type", required: true) { TaskType(wire: $0) == nil ? "names no task type" : nil }
    let prefix = reader.string("prefix", TaskNaming.refusal(ofPrefix:)) ?? ""
    let priority = reader.string("priority") {
      TaskOptions.Priority(rawValue: $0) == nil ? "is not normal or high" : nil
    }
    let content = reader.object("content", required: true)
    let lifetime = reader.integer("expires_in", in: 1...1_209_600)
    let webhook = reader.webhook()
    let outputs = reader.outputs()
    reader.refuseOthers(than: [
      "id", "runtime", "model", "type", "prefix", "priority", "content", "expires_in", "webhook", "context", "outputs",
    ])
    guard reader.problems.isEmpty, let type = type.flatMap(TaskType.init(wire:)), let content else {
      throw RequestProblem("the task cannot be taken as it stands", fields: reader.problems)
    }
    var request = TaskRequest(
      api: .v1, key: TaskKey(tenant: tenant, id: id), runtime: runtime, model: model, type: type,
      folder: MetadataForm.folder(prefix: prefix, id: id), context: object["context"], content: .object(content),
      payload: .null)
    request.options.expiresAt = lifetime.map { now + .seconds($0) }
    request.options.priority = priority.flatMap(TaskOptions.Priority.init)
    request.options.webhook = webhook
    request.options.outputs = outputs
    var metadata = MetadataForm.metadata(of: request, prefix: prefix)
    // What was asked for, beside the time that came of it: the digest goes by the former, see `TaskMessage.digest`.
    metadata["expires_in"] = lifetime.map(JSONValue.int)
    request.payload = ["metadata": metadata, "content": request.content]
    return request
  }
}

/// Takes members out of an object and notes what is wrong with them.
private struct FieldReader {
  private let object: JSONObject
  private(set) var problems: [RequestProblem.Field] = []

  init(_ object: JSONObject) { self.object = object }

  mutating func report(_ name: String, _ detail: String) { problems.append(.init("/\(name)", detail)) }

  mutating func string(_ name: String, required: Bool = false, _ refusal: (String) -> String?) -> String? {
    guard let value = object[name] else {
      if required { report(name, "is missing") }
      return nil
    }
    guard let text = value.string else {
      report(name, "is a \(value.kind), not a string")
      return nil
    }
    if let refusal = refusal(text) {
      report(name, refusal)
      return nil
    }
    return text
  }

  mutating func object(_ name: String, required: Bool) -> JSONObject? {
    guard let value = object[name] else {
      if required { report(name, "is missing") }
      return nil
    }
    if value.object == nil { report(name, "is a \(value.kind), not an object") }
    return value.object
  }

  mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
    guard let value = object[name] else { return nil }
    guard let int = value.int, range.contains(int) else {
      report(name, "is not a whole number from \(range.lowerBound) to \(range.upperBound)")
      return nil
    }
    return int
  }

  /// A URL, or an object with one.
  mutating func webhook() -> TaskOptions.Webhook? {
    guard let value = object["webhook"] else { return nil }
    let members = value.object
    guard let url = value.string ?? members?["url"]?.string, url.utf8.count <= 2048,
      ["http://", "https://"].contains(where: url.lowercased().hasPrefix)
    else {
      report("webhook", "has no http or https URL of at most 2,048 bytes")
      return nil
    }
    for name in members?.names ?? [] where name != "url" && name != "when_running" {
      report("webhook/\(name)", "is not a member of a webhook")
    }
    let whenRunning = members?["when_running"]
    if let whenRunning, whenRunning.bool == nil {
      report("webhook/when_running", "is a \(whenRunning.kind), not a boolean")
    }
    return .init(url: url, whenRunning: whenRunning?.bool ?? false)
  }

  mutating func outputs() -> OutputOptions? {
    guard let value = object["outputs"] else { return nil }
    do { return try OutputOptions(json: value) } catch {
      for field in error.fields { report("outputs\(field.pointer)", field.detail) }
      return nil
    }
  }

  mutating func refuseOthers(than known: Set<String>) {
    for name in object.names where !known.contains(name) { report(name, "is not a member of a task") }
  }
}
