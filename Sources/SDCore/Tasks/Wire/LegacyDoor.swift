/// Why one of the older doors refuses a request: the body of its 400, word for word.
public struct LegacyRefusal: Error, Sendable, Hashable {
  /// The text.
  public var text: String
  /// A refusal.
  public init(_ text: String) { self.text = text }
}

/// How the two references' doors read a request, with their own words for what is wrong.
///
/// The successor checks one thing after the other and tells the last that failed; so do we.
public enum LegacyDoor {
  /// The largest request that the successor takes, in bytes.
  public static let maximumBytes = 1 << 20
  /// The reference's answer to anything incomplete.
  public static let incorrect = "Incorrect payload structure"
  /// The successor's answer to what is no JSON.
  public static let invalidFormat = "Invalid request format"
  /// The answer of both to another method.
  public static let unsupportedMethod = "Unsupported HTTP method"

  /// A v1alpha1 request: the reference's where it has an `sdname`, else the successor's.
  ///
  /// - Parameter isReferencePath: whether it came by a path that only the reference has; there an `sdname` is required.
  public static func v1alpha1(
    _ body: [UInt8], tenant: String = "", isReferencePath: Bool
  ) throws(LegacyRefusal) -> TaskRequest {
    let payload = try parse(body)
    if isReferencePath || payload["sdname"] != nil { return try reference(payload, tenant: tenant) }
    if body.count > maximumBytes { throw LegacyRefusal("\(incorrect), payload too large") }
    return try successorScripts(payload, tenant: tenant)
  }

  /// A v1alpha2 request.
  public static func v1alpha2(_ body: [UInt8], tenant: String = "") throws(LegacyRefusal) -> TaskRequest {
    if body.count > maximumBytes { throw LegacyRefusal("\(incorrect), payload too large") }
    guard let task = try parse(body)["task"], task.object != nil else { throw LegacyRefusal(invalidFormat) }
    let metadata = task["metadata"]
    if let metadata, metadata.object == nil { throw LegacyRefusal(invalidFormat) }
    var reason: String?
    if metadata == nil {
      reason = "metadata is missing"
    } else {
      if metadata?["id"]?.string.map(TaskNaming.isTaskID) != true { reason = "invalid id format" }
      if metadata?["tasktype"]?.string.flatMap(TaskType.init(wire:)) == nil { reason = "invalid tasktype" }
      if metadata?["runtime"]?.string.map(TaskNaming.isRuntimeName) != true { reason = "invalid runtime format" }
      if let prefix = metadata?["prefix"], prefix.string == nil { reason = "invalid prefix format" }
    }
    if task["content"] == nil { reason = "content is missing" }
    if let reason { throw LegacyRefusal("\(incorrect), \(reason)") }
    var payload: JSONValue = [:]
    payload["metadata"] = metadata
    payload["content"] = task["content"]
    return try decoded(payload, tenant: tenant)
  }

  private static func parse(_ body: [UInt8]) throws(LegacyRefusal) -> JSONValue {
    guard let value = try? JSONValue(parsing: body), value.object != nil else { throw LegacyRefusal(invalidFormat) }
    return value
  }

  private static func reference(_ payload: JSONValue, tenant: String) throws(LegacyRefusal) -> TaskRequest {
    let scripts = payload["alwayson_scripts"]
    let required = ["task", "id_task", "sd_model_checkpoint"]
    // A model that is no text could be matched by no runtime's filter.
    guard payload["sdname"]?.string != nil, required.allSatisfy({ scripts?[$0] != nil }),
      scripts?["sd_model_checkpoint"]?.string != nil
    else { throw LegacyRefusal(incorrect) }
    var payload = payload
    payload["s3_output_path"] = nil  // where the output goes is for the door to say
    return try decoded(payload, tenant: tenant)
  }

  /// The successor's v1alpha1 turns into its own form, of the runtime `legacy`.
  private static func successorScripts(_ payload: JSONValue, tenant: String) throws(LegacyRefusal) -> TaskRequest {
    guard let scripts = payload["alwayson_scripts"] else {
      throw LegacyRefusal("\(incorrect), alwayson_scripts is missing")
    }
    guard scripts.object != nil else { throw LegacyRefusal(invalidFormat) }
    var reason: String?
    if scripts["sd_model_checkpoint"]?.string == nil { reason = "sd_model_checkpoint is missing" }
    let id = scripts["id_task"].flatMap(ScriptsForm.idText)
    if id.map(TaskNaming.isTaskID) != true { reason = "invalid id_task format" }
    if scripts["task"]?.string.flatMap(TaskType.init(wire:)) == nil { reason = "invalid task type" }
    if let folder = scripts["save_dir"], folder.string == nil { reason = "invalid save_dir format" }
    if let reason { throw LegacyRefusal("\(incorrect), \(reason)") }
    let metadata: JSONValue = [
      "id": .string(id ?? ""), "runtime": .string(MetadataForm.legacyRuntime), "tasktype": scripts["task"] ?? .null,
      "prefix": .string(scripts["save_dir"]?.string ?? ""), "context": [:],
    ]
    return try decoded(["metadata": metadata, "content": payload], tenant: tenant)
  }

  private static func decoded(_ payload: JSONValue, tenant: String) throws(LegacyRefusal) -> TaskRequest {
    do { return try TaskMessage.decode(payload.serialized(), tenant: tenant) } catch {
      throw LegacyRefusal("\(incorrect), \(error.detail)")
    }
  }
}
