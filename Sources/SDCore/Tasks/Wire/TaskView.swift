/// A task as v1's clients see it: what `GET /v1/tasks/{id}` answers.
public struct TaskView: Sendable, Hashable {
  /// The task's id.
  public var id: String
  /// Which run of it, from 1.
  public var run: Int
  /// The runtime it is for.
  public var runtime: String?
  /// The model it is for.
  public var model: String?
  /// What is to be done.
  public var type: TaskType
  /// The beginning of its prompt, where it has one in words.
  public var title: String?
  /// Where it stands; a task past its time is `expired` before anyone has written so.
  public var state: TaskState
  /// How urgent it is, where that was said.
  public var priority: TaskOptions.Priority?
  /// Where it stands in its queue, 1 being the next, where that is known.
  public var position: Int?
  /// Engine starts so far.
  public var attempts: Int
  /// Whether it is to be stopped.
  public var cancelRequested: Bool
  /// Who works on it, or did last.
  public var worker: String?
  /// The trace that it is a part of, where one is known: 32 hexadecimal digits.
  public var traceID: String?
  /// When it was submitted.
  public var createdAt: Timestamp
  /// When the present or last attempt began.
  public var startedAt: Timestamp?
  /// When it ended.
  public var finishedAt: Timestamp?
  /// When it stops being worth doing.
  public var expiresAt: Timestamp?
  /// Seconds by stage of the last attempt.
  public var timings: [String: Double]
  /// What it made, in order.
  public var outputs: [Output]
  /// How it failed.
  public var error: Failure?
  /// The client's own.
  public var context: JSONValue?

  /// One object that a task made.
  public struct Output: Sendable, Hashable {
    /// Which one, from 1.
    public var number: Int
    /// What it is to the client.
    public var role: TaskOutput.Role
    /// Where the store has it: `s3://bucket/key`, `file:///path`.
    public var uri: String
    /// Where the server hands it out: a reference to be resolved against the server's address (RFC 3986, section 5).
    public var url: String
    /// Media type.
    public var contentType: String
    /// Length in bytes.
    public var bytes: Int
    /// SHA-256, hexadecimal.
    public var sha256: String
    /// In pixels, for pictures.
    public var width: Int?
    /// In pixels, for pictures.
    public var height: Int?
    /// The seed that made it.
    public var seed: UInt64?
    /// A small picture of it, where the task wanted one stored.
    public var thumbnail: Thumbnail?

    /// A small picture of an output.
    public struct Thumbnail: Sendable, Hashable {
      /// Where the store has it.
      public var uri: String
      /// Media type.
      public var contentType: String
      /// Length in bytes.
      public var bytes: Int
      /// In pixels.
      public var width: Int
      public var height: Int
    }
  }

  /// How a task failed.
  ///
  /// The code is a text here, so that older clients bear newer codes.
  public struct Failure: Sendable, Hashable {
    /// One of `TaskError.Code`'s words.
    public var code: String
    /// One of `TaskError.Stage`'s words.
    public var stage: String
    /// What went wrong, for people.
    public var message: String
    /// Whether another attempt might have succeeded.
    public var retryable: Bool
  }

  /// A record as clients see it.
  ///
  /// - Parameters:
  ///   - store: the store that its outputs are in.
  ///   - now: the present time, which decides on expiry.
  public init(_ record: TaskRecord, store: any ObjectStore, at now: Timestamp) {
    id = record.key.task.id
    run = record.key.run
    runtime = record.runtime
    model = record.model
    type = record.type
    title = record.title
    state = record.state(at: now)
    priority = record.options.priority
    attempts = record.attempts
    cancelRequested = record.cancelRequested
    worker = record.claim?.worker
    traceID = record.traceID
    createdAt = record.createdAt
    startedAt = record.startedAt
    finishedAt = record.finishedAt
    expiresAt = record.options.expiresAt
    timings = record.timings
    outputs = record.outputs.enumerated().map { position, output in
      Output(
        number: position + 1, role: output.role, uri: store.uri(of: output.key),
        url: "/v1/tasks/\(record.key.task.id)/outputs/\(position + 1)?run=\(record.key.run)",
        contentType: output.contentType, bytes: output.bytes, sha256: output.sha256, width: output.width,
        height: output.height, seed: output.seed,
        thumbnail: output.thumbnail.map { small in
          Output.Thumbnail(
            uri: store.uri(of: small.key), contentType: small.contentType, bytes: small.bytes, width: small.width,
            height: small.height)
        })
    }
    error = record.error.map {
      Failure(code: $0.code.rawValue, stage: $0.stage.rawValue, message: $0.message, retryable: $0.retryable)
    }
    context = record.context
  }
}
