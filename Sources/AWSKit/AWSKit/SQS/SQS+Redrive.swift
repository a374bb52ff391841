public import FoundationEssentials

extension SQS {
  /// A task that moves messages out of a dead-letter queue.
  public struct MessageMoveTask: Sendable, Hashable {
    /// What it is cancelled by; only running tasks have it.
    public var taskHandle: String?
    /// `RUNNING`, `COMPLETED`, `CANCELLING`, `CANCELLED` or `FAILED`.
    public var status: String
    /// The queue that is emptied.
    public var sourceARN: String?
    /// The queue that is filled; `nil`: the messages' own.
    public var destinationARN: String?
    /// The speed asked for.
    public var messagesPerSecond: Int?
    /// How many were moved.
    public var moved: Int
    /// How many there were at the beginning.
    public var toMove: Int?
    /// Why it failed.
    public var failureReason: String?
    /// When it began.
    public var startedAt: Date?

    init(xml entry: XMLElement) throws(AWSError) {
      taskHandle = entry.string("TaskHandle")
      status = entry.string("Status") ?? ""
      sourceARN = entry.string("SourceArn")
      destinationARN = entry.string("DestinationArn")
      messagesPerSecond = try entry.integer("MaxNumberOfMessagesPerSecond")
      moved = try entry.integer("ApproximateNumberOfMessagesMoved") ?? 0
      toMove = try entry.integer("ApproximateNumberOfMessagesToMove")
      failureReason = entry.string("FailureReason")
      startedAt = try entry.integer("StartedTimestamp", as: Int64.self)
        .map { Date(timeIntervalSince1970: Double($0) / 1000) }
    }
  }

  /// Starts to move the messages of a dead-letter queue; gives the task's handle.
  ///
  /// - Parameters:
  ///   - sourceARN: the dead-letter queue.
  ///   - destinationARN: where to; by default each message goes to the queue that it came from.
  ///   - messagesPerSecond: 1 to 500; by default the service decides.
  public func startMessageMoveTask(sourceARN: String, destinationARN: String? = nil, messagesPerSecond: Int? = nil)
    async throws(AWSError) -> String
  {
    try await core.query("StartMessageMoveTask") { form in
      form.add("SourceArn", sourceARN)
      form.add("DestinationArn", destinationARN)
      form.add("MaxNumberOfMessagesPerSecond", messagesPerSecond)
    } read: { result throws(AWSError) in
      try result.required("TaskHandle")
    }
  }

  /// Ends a task that moves messages; gives the number moved.
  @discardableResult
  public func cancelMessageMoveTask(taskHandle: String) async throws(AWSError) -> Int {
    try await core.query("CancelMessageMoveTask") {
      $0.add("TaskHandle", taskHandle)
    } read: {
      result throws(AWSError) in
      try result.integer("ApproximateNumberOfMessagesMoved") ?? 0
    }
  }

  /// The latest tasks that move messages out of a queue.
  public func listMessageMoveTasks(sourceARN: String, maximum: Int? = nil) async throws(AWSError) -> [MessageMoveTask] {
    try await core.query("ListMessageMoveTasks") { form in
      form.add("SourceArn", sourceARN)
      form.add("MaxResults", maximum)
    } read: { result throws(AWSError) in
      try result.flat("ListMessageMoveTasksResultEntry") { entry throws(AWSError) in try MessageMoveTask(xml: entry) }
    }
  }
}
