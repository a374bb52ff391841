extension SNS {
  /// A topic to create.
  public struct CreateTopicInput: QueryOperation {
    static let action: String = "CreateTopic"
    /// Up to 256 of `[A-Za-z0-9_-]`; `.fifo` at the end of FIFO topics' names.
    public var name: String
    /// Attributes by name: `FifoTopic`, `KmsMasterKeyId`, `Policy` and so on.
    public var attributes: [String: String]
    /// Tags by key.
    public var tags: [String: String]

    /// A topic to create.
    public init(name: String, attributes: [String: String] = [:], tags: [String: String] = [:]) {
      (self.name, self.attributes, self.tags) = (name, attributes, tags)
    }

    func encode(to form: inout QueryForm) {
      form.add("Name", name)
      form.add("Attributes.entry", map: attributes, key: "key", value: "value")
      form.add("Tags.member", map: tags, key: "Key", value: "Value")
    }

    func decode(_ result: XMLElement) throws(AWSError) -> String { try result.required("TopicArn") }
  }

  /// One page of topics.
  public struct TopicPage: Sendable, Hashable {
    /// The topics' ARNs.
    public var arns: [String]
    /// What the next page is asked for with; `nil` on the last one.
    public var nextToken: String?
  }

  /// Creates a topic, or finds the one of the same name; gives its ARN.
  public func createTopic(_ input: CreateTopicInput) async throws(AWSError) -> String { try await core.query(input) }

  /// Deletes a topic with its subscriptions.
  public func deleteTopic(topicARN: String) async throws(AWSError) {
    try await core.query("DeleteTopic") { $0.add("TopicArn", topicARN) }
  }

  /// One page of the ARNs of topics.
  public func listTopics(nextToken: String? = nil) async throws(AWSError) -> TopicPage {
    try await core.query("ListTopics") {
      $0.add("NextToken", nextToken)
    } read: { result throws(AWSError) in
      let arns = try result.list("Topics") { topic throws(AWSError) in try topic.required("TopicArn") }
      return TopicPage(arns: arns, nextToken: result.string("NextToken"))
    }
  }

  /// The attributes of a topic.
  public func getTopicAttributes(topicARN: String) async throws(AWSError) -> [String: String] {
    try await attributes("GetTopicAttributes", "TopicArn", topicARN)
  }

  /// Sets an attribute of a topic.
  public func setTopicAttribute(topicARN: String, name: String, value: String?) async throws(AWSError) {
    try await setAttribute("SetTopicAttributes", "TopicArn", topicARN, name, value)
  }

  /// The tags of a topic.
  public func listTags(topicARN: String) async throws(AWSError) -> [String: String] {
    try await core.query("ListTagsForResource") {
      $0.add("ResourceArn", topicARN)
    } read: { result throws(AWSError) in
      try result["Tags"]?.map(entry: "member", key: "Key", value: "Value") ?? [:]
    }
  }

  /// Adds tags to a topic.
  public func tagTopic(topicARN: String, tags: [String: String]) async throws(AWSError) {
    try await core.query("TagResource") { form in
      form.add("ResourceArn", topicARN)
      form.add("Tags.member", map: tags, key: "Key", value: "Value")
    }
  }

  /// Removes tags from a topic.
  public func untagTopic(topicARN: String, keys: [String]) async throws(AWSError) {
    try await core.query("UntagResource") { form in
      form.add("ResourceArn", topicARN)
      form.add("TagKeys.member", list: keys)
    }
  }
}
