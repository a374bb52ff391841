extension SQS {
  /// A queue to create.
  public struct CreateQueueInput: QueryOperation {
    static let action: String = "CreateQueue"
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

  // MARK: Queues

  /// Creates a queue, or finds the one with the same name and attributes.
  public func createQueue(_ input: CreateQueueInput) async throws(AWSError) -> String { try await core.query(input) }

  /// Deletes a queue with its messages; its name is free again after a minute.
  public func deleteQueue(queueURL: String) async throws(AWSError) {
    try await core.query("DeleteQueue") { $0.add("QueueUrl", queueURL) }
  }

  /// Deletes the messages of a queue, which takes up to a minute.
  public func purgeQueue(queueURL: String) async throws(AWSError) {
    try await core.query("PurgeQueue") { $0.add("QueueUrl", queueURL) }
  }

  /// The URL of a queue.
  ///
  /// - Parameters:
  ///   - name: the queue's name.
  ///   - owner: the account that owns it, where that is another one.
  public func getQueueURL(name: String, owner: String? = nil) async throws(AWSError) -> String {
    try await core.query("GetQueueUrl") { form in
      form.add("QueueName", name)
      form.add("QueueOwnerAWSAccountId", owner)
    } read: { result throws(AWSError) in
      try result.required("QueueUrl")
    }
  }

  /// One page of the URLs of queues.
  public func listQueues(prefix: String? = nil, maximum: Int? = nil, nextToken: String? = nil) async throws(AWSError)
    -> QueuePage
  {
    try await core.query("ListQueues") { form in
      form.add("QueueNamePrefix", prefix)
      form.add("NextToken", nextToken)
      form.add("MaxResults", maximum)
    } read: { result throws(AWSError) in
      try QueuePage(xml: result)
    }
  }

  /// One page of the URLs of the queues whose dead letters go to a queue.
  public func listDeadLetterSourceQueues(queueURL: String, maximum: Int? = nil, nextToken: String? = nil)
    async throws(AWSError) -> QueuePage
  {
    try await core.query("ListDeadLetterSourceQueues") { form in
      form.add("QueueUrl", queueURL)
      form.add("NextToken", nextToken)
      form.add("MaxResults", maximum)
    } read: { result throws(AWSError) in
      try QueuePage(xml: result)
    }
  }

  // MARK: Attributes and tags

  /// Attributes of a queue by name, `All` for all of them.
  public func getQueueAttributes(queueURL: String, names: [String] = ["All"]) async throws(AWSError) -> [String: String]
  {
    try await core.query("GetQueueAttributes") { form in
      form.add("QueueUrl", queueURL)
      form.add("AttributeName", list: names.isEmpty ? nil : names)
    } read: { result throws(AWSError) in
      try result.map(entry: "Attribute", key: "Name", value: "Value")
    }
  }

  /// Sets attributes of a queue, which takes up to a minute.
  public func setQueueAttributes(queueURL: String, attributes: [String: String]) async throws(AWSError) {
    try await core.query("SetQueueAttributes") { form in
      form.add("QueueUrl", queueURL)
      form.add("Attribute", map: attributes, key: "Name", value: "Value")
    }
  }

  /// The tags of a queue.
  public func listQueueTags(queueURL: String) async throws(AWSError) -> [String: String] {
    try await core.query("ListQueueTags") {
      $0.add("QueueUrl", queueURL)
    } read: { result throws(AWSError) in
      try result.map(entry: "Tag", key: "Key", value: "Value")
    }
  }

  /// Adds tags to a queue.
  public func tagQueue(queueURL: String, tags: [String: String]) async throws(AWSError) {
    try await core.query("TagQueue") { form in
      form.add("QueueUrl", queueURL)
      form.add("Tag", map: tags, key: "Key", value: "Value")
    }
  }

  /// Removes tags from a queue.
  public func untagQueue(queueURL: String, keys: [String]) async throws(AWSError) {
    try await core.query("UntagQueue") { form in
      form.add("QueueUrl", queueURL)
      form.add("TagKey", list: keys)
    }
  }

  // MARK: Permissions

  /// Lets other accounts call operations on a queue.
  public func addPermission(queueURL: String, label: String, accountIDs: [String], actions: [String])
    async throws(AWSError)
  {
    try await core.query("AddPermission") { form in
      form.add("QueueUrl", queueURL)
      form.add("Label", label)
      form.add("AWSAccountId", list: accountIDs)
      form.add("ActionName", list: actions)
    }
  }

  /// Takes a permission back.
  public func removePermission(queueURL: String, label: String) async throws(AWSError) {
    try await core.query("RemovePermission") { form in
      form.add("QueueUrl", queueURL)
      form.add("Label", label)
    }
  }
}
