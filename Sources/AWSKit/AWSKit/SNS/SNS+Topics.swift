extension SNS {
  /// A topic to create.
  public struct CreateTopicInput: QueryOperation {
    static let action: StaticString = "CreateTopic"
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

  /// An endpoint to subscribe.
  public struct SubscribeInput: QueryOperation {
    static let action: StaticString = "Subscribe"
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
  }

  struct DeleteTopic: QueryOperation {
    typealias Output = Void
    static let action: StaticString = "DeleteTopic"
    var topicARN: String
    func encode(to form: inout QueryForm) { form.add("TopicArn", topicARN) }
  }

  struct ListTopics: QueryOperation {
    static let action: StaticString = "ListTopics"
    var nextToken: String?
    func encode(to form: inout QueryForm) { form.add("NextToken", nextToken) }
    func decode(_ result: XMLElement) throws(AWSError) -> TopicPage {
      let arns = try result.list("Topics") { topic throws(AWSError) in try topic.required("TopicArn") }
      return TopicPage(arns: arns, nextToken: result.string("NextToken"))
    }
  }

  struct GetTopicAttributes: QueryOperation {
    static let action: StaticString = "GetTopicAttributes"
    var topicARN: String
    func encode(to form: inout QueryForm) { form.add("TopicArn", topicARN) }
    func decode(_ result: XMLElement) throws(AWSError) -> [String: String] { try result["Attributes"]?.map() ?? [:] }
  }

  struct SetTopicAttributes: QueryOperation {
    typealias Output = Void
    static let action: StaticString = "SetTopicAttributes"
    var topicARN, name: String
    var value: String?
    func encode(to form: inout QueryForm) {
      form.add("TopicArn", topicARN)
      form.add("AttributeName", name)
      form.add("AttributeValue", value)
    }
  }

  struct ConfirmSubscription: QueryOperation {
    static let action: StaticString = "ConfirmSubscription"
    var topicARN, token: String
    var authenticatesOnUnsubscribe: Bool?
    func encode(to form: inout QueryForm) {
      form.add("TopicArn", topicARN)
      form.add("Token", token)
      form.add("AuthenticateOnUnsubscribe", authenticatesOnUnsubscribe)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> String? { result.string("SubscriptionArn") }
  }

  struct Unsubscribe: QueryOperation {
    typealias Output = Void
    static let action: StaticString = "Unsubscribe"
    var subscriptionARN: String
    func encode(to form: inout QueryForm) { form.add("SubscriptionArn", subscriptionARN) }
  }

  struct GetSubscriptionAttributes: QueryOperation {
    static let action: StaticString = "GetSubscriptionAttributes"
    var subscriptionARN: String
    func encode(to form: inout QueryForm) { form.add("SubscriptionArn", subscriptionARN) }
    func decode(_ result: XMLElement) throws(AWSError) -> [String: String] { try result["Attributes"]?.map() ?? [:] }
  }

  struct SetSubscriptionAttributes: QueryOperation {
    typealias Output = Void
    static let action: StaticString = "SetSubscriptionAttributes"
    var subscriptionARN, name: String
    var value: String?
    func encode(to form: inout QueryForm) {
      form.add("SubscriptionArn", subscriptionARN)
      form.add("AttributeName", name)
      form.add("AttributeValue", value)
    }
  }

  struct ListSubscriptionsByTopic: QueryOperation {
    static let action: StaticString = "ListSubscriptionsByTopic"
    var topicARN: String
    var nextToken: String?
    func encode(to form: inout QueryForm) {
      form.add("TopicArn", topicARN)
      form.add("NextToken", nextToken)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> SubscriptionPage {
      let found = try result.list("Subscriptions") { element throws(AWSError) in try Subscription(xml: element) }
      return SubscriptionPage(subscriptions: found, nextToken: result.string("NextToken"))
    }
  }
}
