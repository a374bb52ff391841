public import FoundationEssentials

extension SQS {
  /// A queue to create.
  public struct CreateQueueInput: QueryOperation {
    static let action: StaticString = "CreateQueue"
    /// Up to 80 of `[A-Za-z0-9_-]`; `.fifo` at the end of FIFO queues' names.
    public var name: String
    /// Attributes by name: `VisibilityTimeout`, `MessageRetentionPeriod`, `RedrivePolicy` and so on.
    public var attributes: [String: String]
    /// Tags by key.
    public var tags: [String: String]

    /// A queue to create.
    public init(name: String, attributes: [String: String] = [:], tags: [String: String] = [:]) {
      (self.name, self.attributes, self.tags) = (name, attributes, tags)
    }

    func encode(to form: inout QueryForm) {
      form.add("QueueName", name)
      form.add("Attribute", map: attributes, key: "Name", value: "Value")
      form.add("Tag", map: tags, key: "Key", value: "Value")
    }

    func decode(_ result: XMLElement) throws(AWSError) -> String { try result.required("QueueUrl") }
  }

  /// One page of queues.
  public struct QueuePage: Sendable, Hashable {
    /// The queues' URLs.
    public var urls: [String]
    /// What the next page is asked for with; `nil` on the last one.
    ///
    /// SQS pages only where a maximum is given.
    public var nextToken: String?

    init(xml result: XMLElement) throws(AWSError) {
      urls = try result.flat("QueueUrl") { url in url.text }
      nextToken = result.string("NextToken")
    }
  }

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
  }

  struct GetQueueURL: QueryOperation {
    static let action: StaticString = "GetQueueUrl"
    var name: String
    var owner: String?
    func encode(to form: inout QueryForm) {
      form.add("QueueName", name)
      form.add("QueueOwnerAWSAccountId", owner)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> String { try result.required("QueueUrl") }
  }

  struct DeleteQueue: QueryOperation {
    typealias Output = Void
    static let action: StaticString = "DeleteQueue"
    var queueURL: String
    func encode(to form: inout QueryForm) { form.add("QueueUrl", queueURL) }
  }

  struct PurgeQueue: QueryOperation {
    typealias Output = Void
    static let action: StaticString = "PurgeQueue"
    var queueURL: String
    func encode(to form: inout QueryForm) { form.add("QueueUrl", queueURL) }
  }

  struct ListQueues: QueryOperation {
    static let action: StaticString = "ListQueues"
    var prefix: String?
    var maximum: Int?
    var nextToken: String?
    func encode(to form: inout QueryForm) {
      form.add("QueueNamePrefix", prefix)
      form.add("NextToken", nextToken)
      form.add("MaxResults", maximum)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> QueuePage { try QueuePage(xml: result) }
  }

  struct ListDeadLetterSourceQueues: QueryOperation {
    static let action: StaticString = "ListDeadLetterSourceQueues"
    var queueURL: String
    var maximum: Int?
    var nextToken: String?
    func encode(to form: inout QueryForm) {
      form.add("QueueUrl", queueURL)
      form.add("NextToken", nextToken)
      form.add("MaxResults", maximum)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> QueuePage { try QueuePage(xml: result) }
  }

  struct GetQueueAttributes: QueryOperation {
    static let action: StaticString = "GetQueueAttributes"
    var queueURL: String
    var names: [String]
    func encode(to form: inout QueryForm) {
      form.add("QueueUrl", queueURL)
      form.add("AttributeName", list: names.isEmpty ? nil : names)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> [String: String] {
      try result.map(entry: "Attribute", key: "Name", value: "Value")
    }
  }

  struct SetQueueAttributes: QueryOperation {
    typealias Output = Void
    static let action: StaticString = "SetQueueAttributes"
    var queueURL: String
    var attributes: [String: String]
    func encode(to form: inout QueryForm) {
      form.add("QueueUrl", queueURL)
      form.add("Attribute", map: attributes, key: "Name", value: "Value")
    }
  }

  struct ListQueueTags: QueryOperation {
    static let action: StaticString = "ListQueueTags"
    var queueURL: String
    func encode(to form: inout QueryForm) { form.add("QueueUrl", queueURL) }
    func decode(_ result: XMLElement) throws(AWSError) -> [String: String] {
      try result.map(entry: "Tag", key: "Key", value: "Value")
    }
  }

  struct TagQueue: QueryOperation {
    typealias Output = Void
    static let action: StaticString = "TagQueue"
    var queueURL: String
    var tags: [String: String]
    func encode(to form: inout QueryForm) {
      form.add("QueueUrl", queueURL)
      form.add("Tag", map: tags, key: "Key", value: "Value")
    }
  }

  struct UntagQueue: QueryOperation {
    typealias Output = Void
    static let action: StaticString = "UntagQueue"
    var queueURL: String
    var keys: [String]
    func encode(to form: inout QueryForm) {
      form.add("QueueUrl", queueURL)
      form.add("TagKey", list: keys)
    }
  }

  struct AddPermission: QueryOperation {
    typealias Output = Void
    static let action: StaticString = "AddPermission"
    var queueURL, label: String
    var accountIDs, actions: [String]
    func encode(to form: inout QueryForm) {
      form.add("QueueUrl", queueURL)
      form.add("Label", label)
      form.add("AWSAccountId", list: accountIDs)
      form.add("ActionName", list: actions)
    }
  }

  struct RemovePermission: QueryOperation {
    typealias Output = Void
    static let action: StaticString = "RemovePermission"
    var queueURL, label: String
    func encode(to form: inout QueryForm) {
      form.add("QueueUrl", queueURL)
      form.add("Label", label)
    }
  }

  struct StartMessageMoveTask: QueryOperation {
    static let action: StaticString = "StartMessageMoveTask"
    var sourceARN: String
    var destinationARN: String?
    var messagesPerSecond: Int?
    func encode(to form: inout QueryForm) {
      form.add("SourceArn", sourceARN)
      form.add("DestinationArn", destinationARN)
      form.add("MaxNumberOfMessagesPerSecond", messagesPerSecond)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> String { try result.required("TaskHandle") }
  }

  struct CancelMessageMoveTask: QueryOperation {
    static let action: StaticString = "CancelMessageMoveTask"
    var taskHandle: String
    func encode(to form: inout QueryForm) { form.add("TaskHandle", taskHandle) }
    func decode(_ result: XMLElement) throws(AWSError) -> Int {
      try result.integer("ApproximateNumberOfMessagesMoved") ?? 0
    }
  }

  struct ListMessageMoveTasks: QueryOperation {
    static let action: StaticString = "ListMessageMoveTasks"
    var sourceARN: String
    var maximum: Int?
    func encode(to form: inout QueryForm) {
      form.add("SourceArn", sourceARN)
      form.add("MaxResults", maximum)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> [MessageMoveTask] {
      try result.flat("ListMessageMoveTasksResultEntry") { entry throws(AWSError) in
        MessageMoveTask(
          taskHandle: entry.string("TaskHandle"), status: entry.string("Status") ?? "",
          sourceARN: entry.string("SourceArn"), destinationARN: entry.string("DestinationArn"),
          messagesPerSecond: try entry.integer("MaxNumberOfMessagesPerSecond"),
          moved: try entry.integer("ApproximateNumberOfMessagesMoved") ?? 0,
          toMove: try entry.integer("ApproximateNumberOfMessagesToMove"), failureReason: entry.string("FailureReason"),
          startedAt: try entry.integer("StartedTimestamp", as: Int64.self)
            .map { Date(timeIntervalSince1970: Double($0) / 1000) })
      }
    }
  }
}
