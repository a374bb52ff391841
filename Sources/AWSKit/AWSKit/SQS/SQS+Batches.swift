extension SQS {
  /// What came of a batch, entry by entry.
  public struct BatchResult<Success: Sendable>: Sendable {
    /// What succeeded, by the entry's id.
    public var successful: [String: Success]
    /// What failed, by the entry's id.
    public var failed: [String: BatchFailure]

    init(
      xml result: XMLElement, entry: StaticString, _ read: (XMLElement) throws(AWSError) -> Success
    ) throws(AWSError) {
      (successful, failed) = ([:], [:])
      for child in result.children {
        if child.isNamed(entry) {
          successful[try child.required("Id")] = try read(child)
        } else if child.isNamed("BatchResultErrorEntry") {
          failed[try child.required("Id")] = try BatchFailure(xml: child)
        }
      }
    }
  }

  /// Why an entry of a batch failed.
  public struct BatchFailure: Sendable, Hashable {
    /// The service's code.
    public var code: AWSError.Code
    /// The service's words.
    public var message: String
    /// Whether the entry itself is at fault, so that it would fail again.
    public var isSenderFault: Bool

    init(code: AWSError.Code, message: String) { (self.code, self.message, isSenderFault) = (code, message, false) }

    init(xml element: XMLElement) throws(AWSError) {
      code = AWSError.Code(try element.required("Code"))
      message = element.string("Message") ?? ""
      isSenderFault = try element.bool("SenderFault") ?? false
    }
  }

  /// A message of a batch.
  public struct SendMessageBatchEntry: Sendable, Hashable {
    /// Names the entry within the batch: up to 80 of `[A-Za-z0-9_-]`.
    public var id: String
    /// The body.
    public var body: String
    /// How long nobody receives it, in seconds.
    public var delaySeconds: Int?
    /// Up to ten attributes.
    public var attributes: [String: MessageAttributeValue]
    /// Attributes that SQS itself knows: `AWSTraceHeader`.
    public var systemAttributes: [String: MessageAttributeValue]
    /// FIFO queues: what makes a message the same as another one.
    public var deduplicationID: String?
    /// The group, or tenant.
    public var groupID: String?

    /// A message of a batch.
    public init(
      id: String, body: String, delaySeconds: Int? = nil, attributes: [String: MessageAttributeValue] = [:],
      systemAttributes: [String: MessageAttributeValue] = [:], deduplicationID: String? = nil, groupID: String? = nil
    ) {
      (self.id, self.body, self.delaySeconds) = (id, body, delaySeconds)
      (self.attributes, self.systemAttributes) = (attributes, systemAttributes)
      (self.deduplicationID, self.groupID) = (deduplicationID, groupID)
    }
  }

  /// A message to delete.
  public struct DeleteMessageBatchEntry: Sendable, Hashable {
    /// Names the entry within the batch.
    public var id: String
    /// The receipt.
    public var receiptHandle: String
    /// A message to delete.
    public init(id: String, receiptHandle: String) { (self.id, self.receiptHandle) = (id, receiptHandle) }
  }

  /// A message whose visibility is set.
  public struct ChangeMessageVisibilityBatchEntry: Sendable, Hashable {
    /// Names the entry within the batch.
    public var id: String
    /// The receipt.
    public var receiptHandle: String
    /// The time until it can be received again, counted from now.
    public var seconds: Int
    /// A message whose visibility is set.
    public init(id: String, receiptHandle: String, seconds: Int) {
      (self.id, self.receiptHandle, self.seconds) = (id, receiptHandle, seconds)
    }
  }

  private static func validate(count: Int) throws(AWSError) {
    guard (1...maximumBatchEntries).contains(count) else {
      throw AWSError(.invalidInput, "a batch has 1 to \(maximumBatchEntries) entries, not \(count)")
    }
  }

  struct SendMessageBatch: QueryOperation {
    static let action: String = "SendMessageBatch"
    var queueURL: String
    var entries: [SendMessageBatchEntry]

    func validate() throws(AWSError) {
      try SQS.validate(count: entries.count)
      let count = entries.reduce(0) { $0 + $1.body.utf8.count + $1.attributes.byteCount }
      guard count <= maximumMessageBytes else {
        throw AWSError(.invalidInput, "a batch of \(count) bytes is larger than SQS takes (\(maximumMessageBytes))")
      }
    }

    func encode(to form: inout QueryForm) {
      form.add("QueueUrl", queueURL)
      form.add("SendMessageBatchRequestEntry", each: entries) { form, prefix, entry in
        form.add("\(prefix).Id", entry.id)
        form.add("\(prefix).MessageBody", entry.body)
        form.add("\(prefix).DelaySeconds", entry.delaySeconds)
        form.add("\(prefix).MessageAttribute", attributes: entry.attributes)
        form.add("\(prefix).MessageSystemAttribute", attributes: entry.systemAttributes)
        form.add("\(prefix).MessageDeduplicationId", entry.deduplicationID)
        form.add("\(prefix).MessageGroupId", entry.groupID)
      }
    }

    func decode(_ result: XMLElement) throws(AWSError) -> BatchResult<SentMessage> {
      var answer = try BatchResult(xml: result, entry: "SendMessageBatchResultEntry") { entry throws(AWSError) in
        try SentMessage(xml: entry)
      }
      for entry in entries {
        guard let sent = answer.successful[entry.id] else { continue }
        do throws(AWSError) {
          try verify(sent, body: entry.body, attributes: entry.attributes, systemAttributes: entry.systemAttributes)
        } catch {
          // Told of this entry alone: the others are in the queue.
          answer.successful[entry.id] = nil
          answer.failed[entry.id] = BatchFailure(code: error.code, message: error.message)
        }
      }
      return answer
    }
  }

  // MARK: Calls

  /// Sends up to ten messages of 1 MiB in all; each entry has an answer of its own.
  public func sendMessageBatch(queueURL: String, entries: [SendMessageBatchEntry]) async throws(AWSError)
    -> BatchResult<SentMessage>
  {
    try await core.query(SendMessageBatch(queueURL: queueURL, entries: entries))
  }

  /// Deletes up to ten messages; each entry has an answer of its own.
  public func deleteMessageBatch(queueURL: String, entries: [DeleteMessageBatchEntry]) async throws(AWSError)
    -> BatchResult<Void>
  {
    try await batch("DeleteMessageBatch", queueURL, entries, answer: "DeleteMessageBatchResultEntry") {
      form, prefix, entry in
      form.add("\(prefix).Id", entry.id)
      form.add("\(prefix).ReceiptHandle", entry.receiptHandle)
    }
  }

  /// Sets the visibility of up to ten messages; each entry has an answer of its own.
  public func changeMessageVisibilityBatch(queueURL: String, entries: [ChangeMessageVisibilityBatchEntry])
    async throws(AWSError) -> BatchResult<Void>
  {
    try await batch(
      "ChangeMessageVisibilityBatch", queueURL, entries, answer: "ChangeMessageVisibilityBatchResultEntry"
    ) { form, prefix, entry in
      form.add("\(prefix).Id", entry.id)
      form.add("\(prefix).ReceiptHandle", entry.receiptHandle)
      form.add("\(prefix).VisibilityTimeout", entry.seconds)
    }
  }

  /// A batch whose entries succeed without a result.
  private func batch<Entry>(
    _ action: String, _ queueURL: String, _ entries: [Entry], answer: StaticString,
    _ write: (inout QueryForm, String, Entry) -> Void
  ) async throws(AWSError) -> BatchResult<Void> {
    do { try Self.validate(count: entries.count) } catch { throw core.named(error, ServiceCall(action)) }
    return try await core.query(action) { form in
      form.add("QueueUrl", queueURL)
      form.add("\(action)RequestEntry", each: entries, write)
    } read: { result throws(AWSError) in
      try BatchResult(xml: result, entry: answer) { _ in }
    }
  }
}
