/// A task as a client asked for it, whatever API it came by.
public struct TaskRequest: Sendable, Hashable {
  /// The API it came by.
  public var api: APIVersion
  /// Tenant and id.
  public var key: TaskKey
  /// The runtime that it is meant for; `nil` when the model decides.
  public var runtime: String?
  /// The model file that it is meant for; `nil` when the runtime decides.
  public var model: String?
  /// What is to be done.
  public var type: TaskType
  /// Where its objects go: key prefix without a slash at its end, the id included.
  public var folder: String
  /// Anything of the client's own; it comes back in the notice.
  public var context: JSONValue?
  /// What the engine is to be sent, in its own terms, inputs still by reference.
  public var content: JSONValue
  /// The whole task as it travels, members of others' making included.
  public var payload: JSONValue
  /// What only v1 can ask for.
  public var options: TaskOptions

  /// A task.
  public init(
    api: APIVersion, key: TaskKey, runtime: String?, model: String? = nil, type: TaskType, folder: String,
    context: JSONValue? = nil, content: JSONValue, payload: JSONValue, options: TaskOptions = .init()
  ) {
    self.api = api
    self.key = key
    self.runtime = runtime
    self.model = model
    self.type = type
    self.folder = folder
    self.context = context
    self.content = content
    self.payload = payload
    self.options = options
  }
}

/// What only v1 can ask for.
public struct TaskOptions: Sendable, Hashable, Codable {
  /// Not worth doing after this.
  public var expiresAt: Timestamp?
  /// Where to POST the end to.
  public var webhook: Webhook?
  /// Ahead of the ordinary ones, where the deployment has a queue for it.
  public var priority: Priority?
  /// How its pictures are to be stored.
  public var outputs: OutputOptions?

  /// No options.
  public init(
    expiresAt: Timestamp? = nil, webhook: Webhook? = nil, priority: Priority? = nil, outputs: OutputOptions? = nil
  ) {
    self.expiresAt = expiresAt
    self.webhook = webhook
    self.priority = priority
    self.outputs = outputs
  }

  /// Where to POST the end to.
  public struct Webhook: Sendable, Hashable, Codable {
    /// An http or https URL.
    public var url: String
    /// Whether the start is to be told as well.
    public var whenRunning: Bool

    /// A webhook.
    public init(url: String, whenRunning: Bool = false) { (self.url, self.whenRunning) = (url, whenRunning) }
  }

  /// How urgent a task is.
  public enum Priority: String, Sendable, Hashable, Codable {
    case normal, high
  }
}

/// What is wrong with a request, all of it at once.
public struct RequestProblem: Error, Sendable, Hashable {
  /// One thing that is wrong.
  public struct Field: Sendable, Hashable, Codable {
    /// Where, as a JSON pointer (RFC 6901).
    public var pointer: String
    /// What.
    public var detail: String
    /// One thing that is wrong.
    public init(_ pointer: String, _ detail: String) { (self.pointer, self.detail) = (pointer, detail) }
  }

  /// In one sentence.
  public var detail: String
  /// Field by field.
  public var fields: [Field]

  /// What is wrong with a request.
  public init(_ detail: String, fields: [Field] = []) { (self.detail, self.fields) = (detail, fields) }
}

extension RequestProblem: CustomStringConvertible {
  /// The sentence, and the fields.
  public var description: String {
    fields.isEmpty ? detail : detail + ": " + fields.map { "\($0.pointer) \($0.detail)" }.joined(separator: "; ")
  }
}
