/// Amazon Simple Notification Service: topics, subscriptions, publishing.
public struct SNS: Sendable {
  let core: ServiceClient
  static let version: StaticString = "2010-03-31"

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

  private func call<Operation: QueryOperation>(_ operation: Operation) async throws(AWSError) -> Operation.Output {
    try await core.query(operation, version: Self.version)
  }

  // MARK: Publishing

  /// Publishes a message; the answer means that the topic has it, not that anybody received it.
  @discardableResult
  public func publish(_ input: PublishInput) async throws(AWSError) -> PublishedMessage { try await call(input) }

  /// Publishes up to ten messages; each entry has an answer of its own.
  public func publishBatch(topicARN: String, entries: [PublishBatchEntry]) async throws(AWSError)
    -> SQS.BatchResult<PublishedMessage>
  {
    try await call(PublishBatch(topicARN: topicARN, entries: entries))
  }

  // MARK: Topics

  /// Creates a topic, or finds the one of the same name; gives its ARN.
  public func createTopic(_ input: CreateTopicInput) async throws(AWSError) -> String { try await call(input) }

  /// Deletes a topic with its subscriptions.
  public func deleteTopic(topicARN: String) async throws(AWSError) { try await call(DeleteTopic(topicARN: topicARN)) }

  /// One page of the ARNs of topics.
  public func listTopics(nextToken: String? = nil) async throws(AWSError) -> TopicPage {
    try await call(ListTopics(nextToken: nextToken))
  }

  /// The attributes of a topic.
  public func getTopicAttributes(topicARN: String) async throws(AWSError) -> [String: String] {
    try await call(GetTopicAttributes(topicARN: topicARN))
  }

  /// Sets an attribute of a topic.
  public func setTopicAttribute(topicARN: String, name: String, value: String?) async throws(AWSError) {
    try await call(SetTopicAttributes(topicARN: topicARN, name: name, value: value))
  }

  // MARK: Subscriptions

  /// Subscribes an endpoint to a topic; gives the subscription's ARN, or `pending confirmation`.
  public func subscribe(_ input: SubscribeInput) async throws(AWSError) -> String? { try await call(input) }

  /// Confirms a subscription with the token that its endpoint received; gives its ARN.
  public func confirmSubscription(topicARN: String, token: String, authenticatesOnUnsubscribe: Bool? = nil)
    async throws(AWSError) -> String?
  {
    try await call(
      ConfirmSubscription(topicARN: topicARN, token: token, authenticatesOnUnsubscribe: authenticatesOnUnsubscribe))
  }

  /// Ends a subscription.
  public func unsubscribe(subscriptionARN: String) async throws(AWSError) {
    try await call(Unsubscribe(subscriptionARN: subscriptionARN))
  }

  /// The attributes of a subscription.
  public func getSubscriptionAttributes(subscriptionARN: String) async throws(AWSError) -> [String: String] {
    try await call(GetSubscriptionAttributes(subscriptionARN: subscriptionARN))
  }

  /// Sets an attribute of a subscription: `FilterPolicy`, `FilterPolicyScope`, `RawMessageDelivery`, `RedrivePolicy`.
  public func setSubscriptionAttribute(subscriptionARN: String, name: String, value: String?) async throws(AWSError) {
    try await call(SetSubscriptionAttributes(subscriptionARN: subscriptionARN, name: name, value: value))
  }

  /// One page of the subscriptions of a topic.
  public func listSubscriptions(topicARN: String, nextToken: String? = nil) async throws(AWSError) -> SubscriptionPage {
    try await call(ListSubscriptionsByTopic(topicARN: topicARN, nextToken: nextToken))
  }
}
