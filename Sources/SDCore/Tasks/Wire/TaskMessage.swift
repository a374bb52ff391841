import Crypto

/// The form in which a task travels from the door to the worker, and what straight publishers send.
///
/// Three forms, each as its clients and filter policies know it: v1alpha1's payload with `s3_output_path`; the
/// successor's `{"metadata", "content"}`; and v1, which is the successor's with `"api": "v1"` and our options in the
/// metadata.
public enum TaskMessage {
  /// The attribute that carries the runtime's name, for filter policies.
  public static let runtimeAttribute = "runtime"
  /// The attribute that carries the model file's name, for filter policies.
  public static let modelAttribute = "sd_model_checkpoint"
  /// The attribute that says a task is urgent, where its runtime has a queue for such.
  public static let priorityAttribute = "priority"
  /// The member of a metadata object that says it is ours.
  static let apiMember = "api"

  /// The task that a message carries.
  ///
  /// Throws `RequestProblem` when it cannot be one.
  ///
  /// - Parameters:
  ///   - body: the message's text, out of its envelope.
  ///   - tenant: whose it is, as the door's ticket says.
  public static func decode(_ body: [UInt8], tenant: String = "") throws(RequestProblem) -> TaskRequest {
    let payload: JSONValue
    do { payload = try JSONValue(parsing: body) } catch {
      throw RequestProblem("the message is not JSON: \(error)")
    }
    guard payload.object != nil else { throw RequestProblem("the message is a JSON \(payload.kind), not an object") }
    if let metadata = payload["metadata"] {
      guard metadata.object != nil else { throw RequestProblem("metadata is no object") }
      return try MetadataForm.decode(payload, metadata: metadata, tenant: tenant)
    }
    if payload["alwayson_scripts"]?.object != nil { return try ScriptsForm.decode(payload, tenant: tenant) }
    throw RequestProblem("the message has neither metadata nor alwayson_scripts: no task form that is known")
  }

  /// SHA-256 of what was asked for, hexadecimal; what the door adds does not count: the output path, and the time that
  /// it made of a lifetime, which is another one each time that the same is asked for.
  public static func digest(_ payload: JSONValue) -> String {
    var payload = payload
    payload["s3_output_path"] = nil
    if payload["metadata"]?["expires_in"] != nil { payload["metadata"]?["expires_at"] = nil }
    return hexadecimal(SHA256.hash(data: payload.canonical.serialized()))
  }
}

/// `{"metadata", "content"}`: v1alpha2, v1, and v1alpha1 as the successor's door passes it on.
enum MetadataForm {
  /// The runtime's name by which the successor marks a v1alpha1 request.
  static let legacyRuntime = "legacy"

  static func decode(_ payload: JSONValue, metadata: JSONValue, tenant: String) throws(RequestProblem) -> TaskRequest {
    guard let id = metadata["id"]?.string, TaskNaming.isTaskID(id) else {
      throw RequestProblem("metadata.id is missing or not an id")
    }
    guard let typeName = metadata["tasktype"]?.string, let type = TaskType(wire: typeName) else {
      throw RequestProblem("metadata.tasktype \(metadata["tasktype"]?.text ?? "is missing and") names no task type")
    }
    guard let content = payload["content"], content.object != nil else {
      throw RequestProblem("content is missing or no object")
    }
    let prefix = metadata["prefix"]?.string ?? ""
    if let refusal = TaskNaming.refusal(ofPrefix: prefix) { throw RequestProblem("metadata.prefix \(refusal)") }
    let runtime = metadata["runtime"]?.string
    var request = TaskRequest(
      api: .v1alpha2, key: TaskKey(tenant: tenant, id: id), runtime: runtime, type: type,
      folder: folder(prefix: prefix, id: id), context: metadata["context"], content: content, payload: payload)
    if runtime == legacyRuntime {
      request.api = .legacy
      request.runtime = nil
      request.model = content["alwayson_scripts"]?["sd_model_checkpoint"]?.string
      request.content = ScriptsForm.engineContent(content)
    } else if metadata[TaskMessage.apiMember]?.string == APIVersion.v1.rawValue {
      request.api = .v1
      request.model = metadata["model"]?.string
      request.options = try options(of: metadata)
    }
    return request
  }

  static func folder(prefix: String, id: String) -> String {
    prefix.isEmpty ? id : "\(prefix.trimmingTrailingSlash)/\(id)"
  }

  /// The metadata of a v1 task.
  static func metadata(of request: TaskRequest, prefix: String) -> JSONValue {
    var metadata: JSONValue = ["id": .string(request.key.id), "tasktype": .string(request.type.rawValue)]
    metadata["api"] = .string(APIVersion.v1.rawValue)
    metadata["runtime"] = request.runtime.map(JSONValue.string)
    metadata["model"] = request.model.map(JSONValue.string)
    if !prefix.isEmpty { metadata["prefix"] = .string(prefix) }
    metadata["context"] = request.context
    metadata["expires_at"] = request.options.expiresAt.map { .string($0.description) }
    metadata["priority"] = request.options.priority.map { .string($0.rawValue) }
    metadata["outputs"] = request.options.outputs?.json
    if let webhook = request.options.webhook {
      metadata["webhook"] = ["url": .string(webhook.url), "when_running": .bool(webhook.whenRunning)]
    }
    return metadata
  }

  private static func options(of metadata: JSONValue) throws(RequestProblem) -> TaskOptions {
    var options = TaskOptions()
    if let text = metadata["expires_at"]?.string {
      guard let time = Timestamp(text) else { throw RequestProblem("metadata.expires_at is no RFC 3339 time") }
      options.expiresAt = time
    }
    options.priority = metadata["priority"]?.string.flatMap(TaskOptions.Priority.init)
    if let outputs = metadata["outputs"] { options.outputs = try OutputOptions(json: outputs) }
    if let url = metadata["webhook"]?["url"]?.string {
      options.webhook = .init(url: url, whenRunning: metadata["webhook"]?["when_running"]?.bool ?? false)
    }
    return options
  }
}

/// v1alpha1's payload: the web UI's own request, with what is ours hidden in `alwayson_scripts`.
enum ScriptsForm {
  /// What `alwayson_scripts` holds that is no script.
  static let ownMembers: Set<String> = [
    "task", "id_task", "uid", "sd_model_checkpoint", "image_link", "save_dir", "sd_vae", "override_settings",
  ]

  static func decode(_ payload: JSONValue, tenant: String) throws(RequestProblem) -> TaskRequest {
    let scripts = payload["alwayson_scripts"]
    guard let id = scripts?["id_task"].flatMap(idText), TaskNaming.isTaskID(id) else {
      throw RequestProblem("alwayson_scripts.id_task is missing or not an id")
    }
    guard let typeName = scripts?["task"]?.string, let type = TaskType(wire: typeName) else {
      throw RequestProblem("alwayson_scripts.task \(scripts?["task"]?.text ?? "is missing and") names no task type")
    }
    var folder = id
    if let path = payload["s3_output_path"]?.string, let slash = path.firstIndex(of: "/") {
      folder = String(path[path.index(after: slash)...].description.trimmingTrailingSlash)
    }
    guard !folder.isEmpty, TaskNaming.refusal(ofPrefix: folder) == nil else {
      throw RequestProblem("s3_output_path names no usable folder")
    }
    guard !OutputNames(folder: folder, id: id, run: 1).meetsLaterRuns else {
      throw RequestProblem("s3_output_path is the folder of another task, whose later runs have names like this task's")
    }
    return TaskRequest(
      api: .v1alpha1, key: TaskKey(tenant: tenant, id: id),
      runtime: payload["sdname"]?.string.map(runtimeName), model: scripts?["sd_model_checkpoint"]?.string, type: type,
      folder: folder, content: engineContent(payload), payload: payload)
  }

  /// An id may come as a string or, since the reference never looks, as a number.
  static func idText(_ value: JSONValue) -> String? {
    switch value {
    case .string(let text): text
    // `307.0` is the same number, and `307` the same id.
    case .number(let number): number.int.map { "\($0)" } ?? number.literal
    default: nil
    }
  }

  /// The runtime behind an `sdname`: the reference appends `Addon` to the configured name.
  static func runtimeName(_ sdname: String) -> String {
    sdname.hasSuffix("Addon") ? String(sdname.dropLast("Addon".count)) : sdname
  }

  /// The `sdname` of a runtime, as the reference's filter policies have it.
  static func sdname(of runtime: RuntimeDescription) -> String { runtime.name.lowercased() + "Addon" }

  /// What the engine gets of a v1alpha1 payload.
  static func engineContent(_ payload: JSONValue) -> JSONValue {
    var content = payload
    let scripts = payload["alwayson_scripts"]
    content["sdname"] = nil
    content["s3_output_path"] = nil
    if let scripts = scripts?.object {
      content["alwayson_scripts"] = .object(JSONObject(scripts.members.filter { !ownMembers.contains($0.name) }))
    }
    if let links = scripts?["image_link"]?.string, content["init_images"] == nil {
      let references = links.split(separator: ",").map { String($0.trimmingSpaces) }.filter { !$0.isEmpty }
      if !references.isEmpty { content["init_images"] = .strings(references) }
    }
    moveControlNetLinks(in: &content)
    moveSettings(from: scripts, into: &content)
    return content
  }

  private static func moveControlNetLinks(in content: inout JSONValue) {
    guard var scripts = content["alwayson_scripts"] else { return }
    for name in scripts.object?.names ?? [] where name.lowercased() == "controlnet" {
      guard let units = scripts[name]?["args"]?.array else { continue }
      scripts[name]?["args"] = .array(
        units.map { unit in
          guard let link = unit["image_link"] else { return unit }
          var unit = unit
          unit["image_link"] = nil
          unit["input_image"] = link
          return unit
        })
    }
    content["alwayson_scripts"] = scripts
  }

  private static func moveSettings(from scripts: JSONValue?, into content: inout JSONValue) {
    var settings = content["override_settings"]?.object ?? JSONObject()
    for member in scripts?["override_settings"]?.object?.members ?? [] { settings[member.name] = member.value }
    if let vae = scripts?["sd_vae"] { settings["sd_vae"] = vae }
    if !settings.isEmpty { content["override_settings"] = .object(settings) }
  }
}

extension StringProtocol {
  /// The text without spaces and tabs at its ends.
  package var trimmingSpaces: SubSequence {
    guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace }) else {
      return self[endIndex...]
    }
    return self[first...last]
  }
}
