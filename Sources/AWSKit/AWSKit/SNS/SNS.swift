/// Amazon Simple Notification Service: topics, subscriptions, publishing.
public struct SNS: Sendable {
  let core: ServiceClient

  /// The entries that a batch may have.
  public static let maximumBatchEntries = 10

  /// A client of SNS.
  ///
  /// - Parameters:
  ///   - client: what it shares with the other services.
  ///   - region: goes before the client's; it must be the topics'.
  /// - Throws: ``AWSError/Code/invalidEndpoint`` without a region.
  public init(_ client: AWSClient, region: String? = nil) throws(AWSError) {
    core = try ServiceClient(.sns, client, region: region, errorFormat: .query)
  }

  /// Publishes a message; the answer means that the topic has it, not that anybody received it.
  @discardableResult
  public func publish(_ input: PublishInput) async throws(AWSError) -> PublishedMessage {
    try await core.query(input)
  }

  /// Publishes up to ten messages; each entry has an answer of its own.
  public func publishBatch(topicARN: String, entries: [PublishBatchEntry]) async throws(AWSError)
    -> SQS.BatchResult<PublishedMessage>
  {
    try await core.query(PublishBatch(topicARN: topicARN, entries: entries))
  }

  // MARK: What topics and subscriptions share

  /// The attributes that a call with a resource's ARN answers with.
  func attributes(_ action: String, _ parameter: String, _ arn: String) async throws(AWSError) -> [String: String] {
    try await core.query(action) {
      $0.add(parameter, arn)
    } read: { result throws(AWSError) in
      try result["Attributes"]?.map() ?? [:]
    }
  }

  /// Sets one attribute of a resource; without a value it gets its default back.
  func setAttribute(_ action: String, _ parameter: String, _ arn: String, _ name: String, _ value: String?)
    async throws(AWSError)
  {
    try await core.query(action) { form in
      form.add(parameter, arn)
      form.add("AttributeName", name)
      form.add("AttributeValue", value)
    }
  }
}
