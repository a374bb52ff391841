/// What is known of one run of a task.
public struct TaskRecord: Sendable, Hashable, Codable {
  /// Tenant, id and run.
  public var key: RunKey
  /// What made this run: minted by the door, else the message's id. A second message of one submission is the same run.
  public var submission: String
  /// The API it came by.
  public var api: APIVersion
  /// What is to be done.
  public var type: TaskType
  /// The runtime it is meant for, and once claimed, the one that works on it.
  public var runtime: String?
  /// The model it is meant for.
  public var model: String?
  /// SHA-256 of the request's canonical JSON, hexadecimal: tells "again" from "another".
  public var digest: String
  /// Where its objects go.
  public var folder: String
  /// The beginning of its prompt, for lists; `nil` where it has none in words.
  public var title: String?
  /// The client's own.
  public var context: JSONValue? {
    get { contextText?.value }
    set { contextText = newValue.map { JSONText($0) } }
  }
  private var contextText: JSONText?
  private static let longestTitle = 160
  /// What v1 can ask for.
  public var options: TaskOptions
  /// The trace that it is a part of, where one was begun before it: 32 hexadecimal digits.
  public var traceID: String?

  /// Where it stands.
  public var state: TaskState
  /// Engine starts so far.
  public var attempts: Int
  /// Failures so far that came before the engine was started: inputs that could not be had, an engine that was away.
  public var setbacks: Int?
  /// Who works on it.
  public var claim: Claim?
  /// The client wants it stopped.
  public var cancelRequested: Bool

  /// When the door or the worker first heard of it.
  public var createdAt: Timestamp
  /// When the present or last attempt began.
  public var startedAt: Timestamp?
  /// When it ended.
  public var finishedAt: Timestamp?
  /// Seconds spent by stage in the last attempt.
  public var timings: [String: Double]

  /// What it made, in order.
  public var outputs: [TaskOutput]
  /// How it failed.
  public var error: TaskError?
  /// The announcement of its end, to be sent again word for word.
  public var notice: Notice?
  /// Whether the notice is known to have been published.
  public var announced: Bool

  /// Tells one write from every other: a writer that finds its own nonce knows that its write went through.
  public var nonce: String

  /// A run that has just been asked for.
  public init(_ request: TaskRequest, run: Int, submission: String, digest: String, at time: Timestamp) {
    key = RunKey(request.key, run: run)
    self.submission = submission
    api = request.api
    type = request.type
    runtime = request.runtime
    model = request.model
    self.digest = digest
    folder = request.folder
    title = request.content["prompt"]?.string.flatMap { $0.isEmpty ? nil : $0.truncated(toUTF8: Self.longestTitle) }
    contextText = request.context.map { JSONText($0) }
    options = request.options
    state = .queued
    attempts = 0
    cancelRequested = false
    createdAt = time
    timings = [:]
    outputs = []
    announced = false
    nonce = ""
  }

  /// Names of its objects.
  public var names: OutputNames { OutputNames(folder: folder, id: key.task.id, run: key.run) }

  /// The state as it is to be told now: a task past its time reads as expired before anyone has written so.
  public func state(at now: Timestamp) -> TaskState {
    if state == .queued, let expiresAt = options.expiresAt, expiresAt <= now { return .expired }
    return state
  }
}

/// A worker's hold on a run.
public struct Claim: Sendable, Hashable, Codable {
  /// The holder's own, random.
  public var token: String
  /// Counts take-overs; the later one has it.
  public var epoch: Int
  /// The holder, for people.
  public var worker: String
  /// The message that carries the run. Another message of the same run is surplus while this one lives.
  public var messageID: String
  /// When it was taken.
  public var at: Timestamp

  /// A hold on a run.
  public init(token: String, epoch: Int, worker: String, messageID: String, at: Timestamp) {
    self.token = token
    self.epoch = epoch
    self.worker = worker
    self.messageID = messageID
    self.at = at
  }
}

/// One object that a task made.
public struct TaskOutput: Sendable, Hashable, Codable {
  /// What an output is to the client.
  public enum Role: String, Sendable, Hashable, Codable {
    /// What was asked for.
    case image
    /// What came along: masks, detected maps.
    case extra
  }

  /// Its key in the store.
  public var key: String
  /// What it is.
  public var role: Role
  /// Media type, from the bytes.
  public var contentType: String
  /// Length in bytes.
  public var bytes: Int
  /// SHA-256, hexadecimal.
  public var sha256: String
  /// In pixels, for pictures.
  public var width: Int?
  public var height: Int?
  /// The seed that made it.
  public var seed: UInt64?
  /// A small picture of it, where the task wanted one.
  public var thumbnail: Thumbnail?

  /// A small picture beside an output.
  public struct Thumbnail: Sendable, Hashable, Codable {
    /// Its key in the store.
    public var key: String
    /// Media type.
    public var contentType: String
    /// Length in bytes.
    public var bytes: Int
    /// SHA-256, hexadecimal.
    public var sha256: String
    /// In pixels.
    public var width: Int
    public var height: Int

    /// A small picture.
    public init(key: String, contentType: String, bytes: Int, sha256: String, width: Int, height: Int) {
      (self.key, self.contentType, self.bytes, self.sha256) = (key, contentType, bytes, sha256)
      (self.width, self.height) = (width, height)
    }
  }

  /// The keys of all objects that belong to it.
  public var keys: [String] { thumbnail.map { [key, $0.key] } ?? [key] }

  /// One object that a task made.
  public init(
    key: String, role: Role, contentType: String, bytes: Int, sha256: String, width: Int? = nil, height: Int? = nil,
    seed: UInt64? = nil
  ) {
    self.key = key
    self.role = role
    self.contentType = contentType
    self.bytes = bytes
    self.sha256 = sha256
    self.width = width
    self.height = height
    self.seed = seed
  }
}

/// An announcement, word for word.
public struct Notice: Sendable, Hashable, Codable {
  /// The text that is published.
  public var body: String
  /// What it is published with; `notice_id` among them.
  public var attributes: MessageAttributes

  /// The attribute that is the same in every copy of a notice.
  public static let idAttribute = "notice_id"
  /// The attribute that says whose task it is, where it is a tenant's.
  public static let tenantAttribute = "tenant"
  /// The attribute of notices that are to be posted to a webhook; the queue of webhooks subscribes to these.
  public static let webhookAttribute = "webhook"
  /// The most that a notice may have, attributes and all: a finished task must be announceable.
  public static let maximumBytes = 200 << 10

  /// An announcement.
  public init(body: String, attributes: MessageAttributes) { (self.body, self.attributes) = (body, attributes) }

  /// The run that a notice is about, and the state that it tells, by the notice's attributes; `nil` for none of ours.
  public static func subject(_ attributes: MessageAttributes) -> (run: RunKey, state: TaskState)? {
    let parts = (attributes[idAttribute]?.text ?? "").split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, let run = Int(parts[1]), run > 0, let state = TaskState(rawValue: String(parts[2])) else {
      return nil
    }
    let task = TaskKey(tenant: attributes[tenantAttribute]?.text ?? "", id: String(parts[0]))
    return (RunKey(task, run: run), state)
  }

  /// Bytes of body and attributes, as topics count them.
  var byteCount: Int { OutgoingMessage(body: Array(body.utf8), attributes: attributes).byteCount }

  /// As the topic takes it.
  public var publication: Publication { Publication(body: Array(body.utf8), attributes: attributes) }
}
