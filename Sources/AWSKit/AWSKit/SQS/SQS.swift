/// Amazon Simple Queue Service, over its query protocol.
///
/// ```swift
/// let sqs = try SQS(aws)
/// let url = try await sqs.getQueueURL(name: "tasks")
/// try await sqs.sendMessage(.init(queueURL: url, body: "hello"))
/// for message in try await sqs.receiveMessage(.init(queueURL: url, waitSeconds: 20)) {
///   try await sqs.deleteMessage(queueURL: url, receiptHandle: message.receiptHandle)
/// }
/// ```
public struct SQS: Sendable {
  let core: ServiceClient

  /// The bytes that a message may have, attributes included.
  public static let maximumMessageBytes = 1_048_576
  /// The entries that a batch may have.
  public static let maximumBatchEntries = 10

  /// A client of SQS.
  ///
  /// - Parameters:
  ///   - client: what it shares with the other services.
  ///   - region: goes before the client's; it must be the queues'.
  /// - Throws: ``AWSError/Code/invalidEndpoint`` without a region.
  public init(_ client: AWSClient, region: String? = nil) throws(AWSError) {
    core = try ServiceClient(.sqs, client, region: region, errorFormat: .query)
  }

  // MARK: Messages

  /// Sends a message; the service's checksums are verified.
  @discardableResult
  public func sendMessage(_ input: SendMessageInput) async throws(AWSError) -> SentMessage {
    try await core.query(input)
  }

  /// Receives up to ten messages; none is an answer too.
  public func receiveMessage(_ input: ReceiveMessageInput) async throws(AWSError) -> [Message] {
    try await core.query(input)
  }

  /// Deletes a message that was received.
  public func deleteMessage(queueURL: String, receiptHandle: String) async throws(AWSError) {
    try await core.query("DeleteMessage") { form in
      form.add("QueueUrl", queueURL)
      form.add("ReceiptHandle", receiptHandle)
    }
  }

  /// Sets the time until a received message can be received again, counted from now.
  ///
  /// - Parameter seconds: 0 to 43,200; 0 gives it back at once.
  public func changeMessageVisibility(queueURL: String, receiptHandle: String, seconds: Int) async throws(AWSError) {
    try await core.query("ChangeMessageVisibility") { form in
      form.add("QueueUrl", queueURL)
      form.add("ReceiptHandle", receiptHandle)
      form.add("VisibilityTimeout", seconds)
    }
  }
}
