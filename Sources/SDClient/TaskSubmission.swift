public import SDCore

/// A task to be submitted.
public struct TaskSubmission: Sendable, Hashable {
  /// The runtime that is to do it.
  public var runtime: String?
  /// The model that it is to be done with: the server chooses a runtime by it where none is named.
  public var model: String?
  /// What is to be done.
  public var type: TaskType
  /// What the engine is to be sent, in its own terms: `prompt`, `steps`, `width`, ...; images as URLs or `data:` URLs.
  public var content: JSONValue
  /// An id of one's own; the server makes one up otherwise.
  public var id: String?
  /// Where the outputs are to go in the store.
  public var prefix: String?
  /// Anything; it comes back with the task and its notice.
  public var context: JSONValue?
  /// Seconds after which it is no longer worth doing.
  public var expiresIn: Int?
  /// How urgent it is, where the deployment tells urgent ones apart.
  public var priority: TaskOptions.Priority?
  /// Where its end is to be posted to.
  public var webhook: TaskOptions.Webhook?
  /// How its pictures are to be stored.
  public var outputs: OutputOptions?
  /// Members of a body that are none of these, or not as they must be: sent as they are, for the server to judge.
  private var others = JSONObject()

  /// A task for a runtime.
  public init(
    runtime: String? = nil, model: String? = nil, type: TaskType, content: JSONValue, id: String? = nil,
    prefix: String? = nil, context: JSONValue? = nil, expiresIn: Int? = nil
  ) {
    self.runtime = runtime
    self.model = model
    self.type = type
    self.content = content
    self.id = id
    self.prefix = prefix
    self.context = context
    self.expiresIn = expiresIn
  }

  /// A task as it would be posted, whole.
  ///
  /// What is not understood goes out as it came: the server judges it. Throws `RequestProblem` for what is no task.
  public init(json: JSONValue) throws(RequestProblem) {
    guard let members = json.object else { throw RequestProblem("a task is a JSON object, not a \(json.kind)") }
    guard let type = json["type"]?.string.flatMap(TaskType.init(wire:)) else {
      let known = TaskType.allCases.map(\.rawValue).joined(separator: ", ")
      throw RequestProblem("the task's type is none of \(known)")
    }
    self.init(
      runtime: json["runtime"]?.string, model: json["model"]?.string, type: type, content: json["content"] ?? [:],
      id: json["id"]?.string, prefix: json["prefix"]?.string, context: json["context"],
      expiresIn: json["expires_in"]?.int)
    priority = json["priority"]?.string.flatMap(TaskOptions.Priority.init)
    if let options = json["outputs"] { outputs = try OutputOptions(json: options) }
    webhook = json["webhook"]?["url"]?.string.map {
      .init(url: $0, whenRunning: json["webhook"]?["when_running"]?.bool ?? false)
    }
    let understood = self.json
    for (name, value) in members.members where understood[name] != value { others[name] = value }
  }

  /// The body of `POST /v1/tasks`.
  public var json: JSONValue {
    var json: JSONValue = [:]
    json["runtime"] = runtime.map(JSONValue.string)
    json["model"] = model.map(JSONValue.string)
    json["type"] = .string(type.rawValue)
    json["content"] = content
    json["id"] = id.map(JSONValue.string)
    json["prefix"] = prefix.map(JSONValue.string)
    json["context"] = context
    json["expires_in"] = expiresIn.map(JSONValue.int)
    json["outputs"] = outputs?.json
    json["priority"] = priority.map { .string($0.rawValue) }
    json["webhook"] = webhook.map { ["url": .string($0.url), "when_running": .bool($0.whenRunning)] }
    for (name, value) in others.members { json[name] = value }
    return json
  }
}
