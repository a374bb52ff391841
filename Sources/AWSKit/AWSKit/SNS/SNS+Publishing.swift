extension SNS {
  /// A message to publish.
  public struct PublishInput: QueryOperation {
    static let action: String = "Publish"

    /// Where a message goes.
    public enum Target: Sendable, Hashable {
      /// A topic's ARN.
      case topic(String)
      /// The ARN of a platform's endpoint.
      case endpoint(String)
      /// A phone number in E.164 form.
      case phone(String)
    }

    /// Where it goes.
    public var target: Target
    /// The message.
    public var message: String
    /// The subject, for e-mail.
    public var subject: String?
    /// `json` where the message holds one text a protocol.
    public var structure: String?
    /// Attributes, which filter policies look at.
    public var attributes: [String: MessageAttributeValue]
    /// FIFO topics: what makes a message the same as another one for five minutes.
    public var deduplicationID: String?
    /// The group: FIFO topics keep its order, standard topics hand it on to fair queues.
    public var groupID: String?

    /// A message to a topic.
    public init(
      topicARN: String, message: String, subject: String? = nil, attributes: [String: MessageAttributeValue] = [:],
      deduplicationID: String? = nil, groupID: String? = nil
    ) {
      self.init(
        target: .topic(topicARN), message: message, subject: subject, attributes: attributes,
        deduplicationID: deduplicationID, groupID: groupID)
    }

    /// A message to anything that can be published to.
    public init(
      target: Target, message: String, subject: String? = nil, structure: String? = nil,
      attributes: [String: MessageAttributeValue] = [:], deduplicationID: String? = nil, groupID: String? = nil
    ) {
      (self.target, self.message, self.subject, self.structure) = (target, message, subject, structure)
      (self.attributes, self.deduplicationID, self.groupID) = (attributes, deduplicationID, groupID)
    }

    func encode(to form: inout QueryForm) {
      switch target {
      case .topic(let arn): form.add("TopicArn", arn)
      case .endpoint(let arn): form.add("TargetArn", arn)
      case .phone(let number): form.add("PhoneNumber", number)
      }
      form.add("Message", message)
      form.add("Subject", subject)
      form.add("MessageStructure", structure)
      form.add("MessageAttributes.entry", attributes: attributes)
      form.add("MessageDeduplicationId", deduplicationID)
      form.add("MessageGroupId", groupID)
    }

    func decode(_ result: XMLElement) throws(AWSError) -> PublishedMessage { try PublishedMessage(xml: result) }
  }

  /// A message that was published.
  public struct PublishedMessage: Sendable, Hashable {
    /// The message's id.
    public var messageID: String
    /// The place in a FIFO topic's order.
    public var sequenceNumber: String?

    init(xml element: XMLElement) throws(AWSError) {
      messageID = try element.required("MessageId")
      sequenceNumber = element.string("SequenceNumber")
    }
  }

  /// A message of a batch.
  public struct PublishBatchEntry: Sendable, Hashable {
    /// Names the entry within the batch.
    public var id: String
    /// The message.
    public var message: String
    /// The subject, for e-mail.
    public var subject: String?
    /// `json` where the message holds one text a protocol.
    public var structure: String?
    /// Attributes, which filter policies look at.
    public var attributes: [String: MessageAttributeValue]
    /// FIFO topics: what makes a message the same as another one.
    public var deduplicationID: String?
    /// The group.
    public var groupID: String?

    /// A message of a batch.
    public init(
      id: String, message: String, subject: String? = nil, structure: String? = nil,
      attributes: [String: MessageAttributeValue] = [:], deduplicationID: String? = nil, groupID: String? = nil
    ) {
      (self.id, self.message, self.subject, self.structure) = (id, message, subject, structure)
      (self.attributes, self.deduplicationID, self.groupID) = (attributes, deduplicationID, groupID)
    }
  }

  struct PublishBatch: QueryOperation {
    static let action: String = "PublishBatch"
    var topicARN: String
    var entries: [PublishBatchEntry]

    func validate() throws(AWSError) {
      guard (1...maximumBatchEntries).contains(entries.count) else {
        throw AWSError(.invalidInput, "a batch has 1 to \(maximumBatchEntries) entries, not \(entries.count)")
      }
    }

    func encode(to form: inout QueryForm) {
      form.add("TopicArn", topicARN)
      form.add("PublishBatchRequestEntries.member", each: entries) { form, prefix, entry in
        form.add("\(prefix).Id", entry.id)
        form.add("\(prefix).Message", entry.message)
        form.add("\(prefix).Subject", entry.subject)
        form.add("\(prefix).MessageStructure", entry.structure)
        form.add("\(prefix).MessageAttributes.entry", attributes: entry.attributes)
        form.add("\(prefix).MessageDeduplicationId", entry.deduplicationID)
        form.add("\(prefix).MessageGroupId", entry.groupID)
      }
    }

    func decode(_ result: XMLElement) throws(AWSError) -> SQS.BatchResult<PublishedMessage> {
      try SQS.BatchResult(successful: result["Successful"], failed: result["Failed"]) { entry throws(AWSError) in
        try PublishedMessage(xml: entry)
      }
    }
  }
}

extension SQS.BatchResult {
  /// SNS puts the entries into two lists.
  init(
    successful good: XMLElement?, failed bad: XMLElement?, _ read: (XMLElement) throws(AWSError) -> Success
  ) throws(AWSError) {
    (successful, failed) = ([:], [:])
    if let good {
      for child in good.children { successful[try child.required("Id")] = try read(child) }
    }
    if let bad {
      for child in bad.children { failed[try child.required("Id")] = try SQS.BatchFailure(xml: child) }
    }
  }
}
