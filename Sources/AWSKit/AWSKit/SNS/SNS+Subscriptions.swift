extension SNS {
  /// An endpoint to subscribe.
  public struct SubscribeInput: QueryOperation {
    static let action: String = "Subscribe"
    /// The topic.
    public var topicARN: String
    /// `sqs`, `https`, `lambda`, `email` and so on.
    public var transferProtocol: String
    /// The queue's ARN, the URL, the function's ARN, the address.
    public var endpoint: String?
    /// Attributes by name: `FilterPolicy`, `FilterPolicyScope`, `RawMessageDelivery` and so on.
    public var attributes: [String: String]
    /// Whether the ARN is told before the endpoint has confirmed.
    public var returnsARN: Bool?

    /// An endpoint to subscribe.
    public init(
      topicARN: String, protocol transferProtocol: String, endpoint: String? = nil, attributes: [String: String] = [:],
      returnsARN: Bool? = nil
    ) {
      (self.topicARN, self.transferProtocol, self.endpoint) = (topicARN, transferProtocol, endpoint)
      (self.attributes, self.returnsARN) = (attributes, returnsARN)
    }

    func encode(to form: inout QueryForm) {
      form.add("TopicArn", topicARN)
      form.add("Protocol", transferProtocol)
      form.add("Endpoint", endpoint)
      form.add("Attributes.entry", map: attributes, key: "key", value: "value")
      form.add("ReturnSubscriptionArn", returnsARN)
    }

    func decode(_ result: XMLElement) throws(AWSError) -> String? { result.string("SubscriptionArn") }
  }

  /// A subscription of a topic.
  public struct Subscription: Sendable, Hashable {
    /// The subscription's ARN, `PendingConfirmation` before that.
    public var arn: String
    /// The account that subscribed.
    public var owner: String?
    /// How messages are brought.
    public var transferProtocol: String?
    /// Where messages are brought.
    public var endpoint: String?
    /// The topic.
    public var topicARN: String?

    init(xml element: XMLElement) throws(AWSError) {
      arn = try element.required("SubscriptionArn")
      owner = element.string("Owner")
      transferProtocol = element.string("Protocol")
      endpoint = element.string("Endpoint")
      topicARN = element.string("TopicArn")
    }
  }

  /// One page of subscriptions.
  public struct SubscriptionPage: Sendable, Hashable {
    /// The subscriptions.
    public var subscriptions: [Subscription]
    /// What the next page is asked for with; `nil` on the last one.
    public var nextToken: String?

    init(xml result: XMLElement) throws(AWSError) {
      subscriptions = try result.list("Subscriptions") { element throws(AWSError) in try Subscription(xml: element) }
      nextToken = result.string("NextToken")
    }
  }

  /// Subscribes an endpoint to a topic; gives the subscription's ARN, or `pending confirmation`.
  public func subscribe(_ input: SubscribeInput) async throws(AWSError) -> String? { try await core.query(input) }

  /// Confirms a subscription with the token that its endpoint received; gives its ARN.
  public func confirmSubscription(topicARN: String, token: String, authenticatesOnUnsubscribe: Bool? = nil)
    async throws(AWSError) -> String?
  {
    try await core.query("ConfirmSubscription") { form in
      form.add("TopicArn", topicARN)
      form.add("Token", token)
      form.add("AuthenticateOnUnsubscribe", authenticatesOnUnsubscribe)
    } read: {
      $0.string("SubscriptionArn")
    }
  }

  /// Ends a subscription.
  public func unsubscribe(subscriptionARN: String) async throws(AWSError) {
    try await core.query("Unsubscribe") { $0.add("SubscriptionArn", subscriptionARN) }
  }

  /// The attributes of a subscription.
  public func getSubscriptionAttributes(subscriptionARN: String) async throws(AWSError) -> [String: String] {
    try await attributes("GetSubscriptionAttributes", "SubscriptionArn", subscriptionARN)
  }

  /// Sets an attribute of a subscription: `FilterPolicy`, `FilterPolicyScope`, `RawMessageDelivery`, `RedrivePolicy`.
  public func setSubscriptionAttribute(subscriptionARN: String, name: String, value: String?) async throws(AWSError) {
    try await setAttribute("SetSubscriptionAttributes", "SubscriptionArn", subscriptionARN, name, value)
  }

  /// One page of the subscriptions of a topic, or of the account's in this region.
  public func listSubscriptions(topicARN: String? = nil, nextToken: String? = nil) async throws(AWSError)
    -> SubscriptionPage
  {
    try await core.query(topicARN == nil ? "ListSubscriptions" : "ListSubscriptionsByTopic") { form in
      form.add("TopicArn", topicARN)
      form.add("NextToken", nextToken)
    } read: { result throws(AWSError) in
      try SubscriptionPage(xml: result)
    }
  }
}
