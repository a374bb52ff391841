public import FoundationEssentials

extension SQS {
  /// A message to send.
  public struct SendMessageInput: QueryOperation {
    static let action: String = "SendMessage"
    /// The queue.
    public var queueURL: String
    /// The body: text of characters that XML allows.
    public var body: String
    /// How long nobody receives it: 0 to 900 seconds; not on FIFO queues.
    public var delaySeconds: Int?
    /// Up to ten attributes.
    public var attributes: [String: MessageAttributeValue]
    /// Attributes that SQS itself knows: `AWSTraceHeader`.
    public var systemAttributes: [String: MessageAttributeValue]
    /// FIFO queues: what makes a message the same as another one for five minutes.
    public var deduplicationID: String?
    /// FIFO queues: whose messages keep their order; standard queues: the tenant, for fair queues.
    public var groupID: String?

    /// A message to send.
    public init(
      queueURL: String, body: String, delaySeconds: Int? = nil, attributes: [String: MessageAttributeValue] = [:],
      systemAttributes: [String: MessageAttributeValue] = [:], deduplicationID: String? = nil, groupID: String? = nil
    ) {
      (self.queueURL, self.body, self.delaySeconds) = (queueURL, body, delaySeconds)
      (self.attributes, self.systemAttributes) = (attributes, systemAttributes)
      (self.deduplicationID, self.groupID) = (deduplicationID, groupID)
    }

    func validate() throws(AWSError) {
      let count = body.utf8.count + attributes.byteCount
      guard count <= maximumMessageBytes else {
        throw AWSError(.invalidInput, "a message of \(count) bytes is larger than SQS takes (\(maximumMessageBytes))")
      }
    }

    func encode(to form: inout QueryForm) {
      form.add("QueueUrl", queueURL)
      form.add("MessageBody", body)
      form.add("DelaySeconds", delaySeconds)
      form.add("MessageAttribute", attributes: attributes)
      form.add("MessageSystemAttribute", attributes: systemAttributes)
      form.add("MessageDeduplicationId", deduplicationID)
      form.add("MessageGroupId", groupID)
    }

    func decode(_ result: XMLElement) throws(AWSError) -> SentMessage {
      let sent = try SentMessage(xml: result)
      try verify(sent, body: body, attributes: attributes, systemAttributes: systemAttributes)
      return sent
    }
  }

  /// A message that was sent.
  public struct SentMessage: Sendable, Hashable {
    /// The message's id.
    public var messageID: String
    /// The place in a FIFO queue's order.
    public var sequenceNumber: String?
    var bodyMD5: String?
    var attributesMD5: String?
    var systemAttributesMD5: String?

    init(xml element: XMLElement) throws(AWSError) {
      messageID = try element.required("MessageId")
      sequenceNumber = element.string("SequenceNumber")
      bodyMD5 = element.string("MD5OfMessageBody")
      attributesMD5 = element.string("MD5OfMessageAttributes")
      systemAttributesMD5 = element.string("MD5OfMessageSystemAttributes")
    }
  }

  /// What to receive.
  public struct ReceiveMessageInput: QueryOperation {
    static let action: String = "ReceiveMessage"
    /// The queue.
    public var queueURL: String
    /// 1 to 10.
    public var maximum: Int?
    /// How long the received messages are hidden: 0 to 43,200 seconds; by default the queue's.
    public var visibilitySeconds: Int?
    /// How long to wait for a first message: 0 to 20 seconds; by default the queue's.
    public var waitSeconds: Int?
    /// System attributes to tell, `ApproximateReceiveCount`, `AWSTraceHeader`, `All`.
    public var systemAttributeNames: [String]
    /// Attributes to tell, `All` or `prefix.*` too.
    public var attributeNames: [String]
    /// FIFO queues: makes a repeated call within five minutes receive the same messages.
    public var attemptID: String?

    /// What to receive.
    public init(
      queueURL: String, maximum: Int? = nil, visibilitySeconds: Int? = nil, waitSeconds: Int? = nil,
      systemAttributeNames: [String] = [], attributeNames: [String] = [], attemptID: String? = nil
    ) {
      (self.queueURL, self.maximum, self.visibilitySeconds) = (queueURL, maximum, visibilitySeconds)
      (self.waitSeconds, self.attemptID) = (waitSeconds, attemptID)
      (self.systemAttributeNames, self.attributeNames) = (systemAttributeNames, attributeNames)
    }

    /// The queue's own wait may be 20 s where none is given here.
    var longPoll: Duration { .seconds(waitSeconds ?? 20) }

    func encode(to form: inout QueryForm) {
      form.add("QueueUrl", queueURL)
      // The old name of `MessageSystemAttributeName`, which every implementation of the protocol knows.
      form.add("AttributeName", list: systemAttributeNames.isEmpty ? nil : systemAttributeNames)
      form.add("MessageAttributeName", list: attributeNames.isEmpty ? nil : attributeNames)
      form.add("MaxNumberOfMessages", maximum)
      form.add("VisibilityTimeout", visibilitySeconds)
      form.add("WaitTimeSeconds", waitSeconds)
      form.add("ReceiveRequestAttemptId", attemptID)
    }

    func decode(_ result: XMLElement) throws(AWSError) -> [Message] {
      try result.flat("Message") { message throws(AWSError) in try Message(xml: message) }
    }
  }

  /// A message that was received.
  public struct Message: Sendable, Hashable {
    /// The message's id, the same however often it is received.
    public var messageID: String
    /// What this receipt is deleted and extended by.
    public var receiptHandle: String
    /// The body.
    public var body: String
    /// The system attributes asked for.
    public var systemAttributes: [String: String]
    /// The attributes asked for.
    public var attributes: [String: MessageAttributeValue]
    /// Whether body and attributes fit the checksums that SQS gave with them.
    public var isIntact: Bool

    init(xml element: XMLElement) throws(AWSError) {
      messageID = try element.required("MessageId")
      receiptHandle = try element.required("ReceiptHandle")
      body = element.string("Body") ?? ""
      systemAttributes = try element.map(entry: "Attribute", key: "Name", value: "Value")
      attributes = [:]
      for child in element.children where child.isNamed("MessageAttribute") {
        attributes[try child.required("Name")] = try MessageAttributeValue(xml: try child.requiredElement("Value"))
      }
      let (bodyMD5, attributesMD5) = (element.string("MD5OfBody"), element.string("MD5OfMessageAttributes"))
      isIntact =
        (bodyMD5 == nil || bodyMD5 == SQS.md5(body)) && (attributesMD5 == nil || attributesMD5 == SQS.md5(attributes))
    }

    /// How often the message was received, this time included, where `ApproximateReceiveCount` was asked for.
    public var receiveCount: Int? { systemAttributes["ApproximateReceiveCount"].flatMap { Int($0) } }
    /// When it was sent, where `SentTimestamp` was asked for.
    public var sentAt: Date? {
      systemAttributes["SentTimestamp"].flatMap { Double($0) }.map { Date(timeIntervalSince1970: $0 / 1000) }
    }
    /// The group, where `MessageGroupId` was asked for.
    public var groupID: String? { systemAttributes["MessageGroupId"] }
  }
}
