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
  static let version: StaticString = "2012-11-05"

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

  private func call<Operation: QueryOperation>(_ operation: Operation) async throws(AWSError) -> Operation.Output {
    try await core.query(operation, version: Self.version)
  }

  // MARK: Messages

  /// Sends a message; the service's checksums are verified.
  @discardableResult
  public func sendMessage(_ input: SendMessageInput) async throws(AWSError) -> SentMessage { try await call(input) }

  /// Receives up to ten messages; none is an answer too.
  public func receiveMessage(_ input: ReceiveMessageInput) async throws(AWSError) -> [Message] { try await call(input) }

  /// Deletes a message that was received.
  public func deleteMessage(queueURL: String, receiptHandle: String) async throws(AWSError) {
    try await call(DeleteMessage(queueURL: queueURL, receiptHandle: receiptHandle))
  }

  /// Sets the time until a received message can be received again, counted from now.
  ///
  /// - Parameter seconds: 0 to 43,200; 0 gives it back at once.
  public func changeMessageVisibility(queueURL: String, receiptHandle: String, seconds: Int) async throws(AWSError) {
    try await call(ChangeMessageVisibility(queueURL: queueURL, receiptHandle: receiptHandle, seconds: seconds))
  }

  // MARK: Batches

  /// Sends up to ten messages of 1 MiB in all; each entry has an answer of its own.
  public func sendMessageBatch(queueURL: String, entries: [SendMessageBatchEntry]) async throws(AWSError)
    -> BatchResult<SentMessage>
  {
    try await call(SendMessageBatch(queueURL: queueURL, entries: entries))
  }

  /// Deletes up to ten messages; each entry has an answer of its own.
  public func deleteMessageBatch(queueURL: String, entries: [DeleteMessageBatchEntry]) async throws(AWSError)
    -> BatchResult<Void>
  {
    try await call(DeleteMessageBatch(queueURL: queueURL, entries: entries))
  }

  /// Sets the visibility of up to ten messages; each entry has an answer of its own.
  public func changeMessageVisibilityBatch(queueURL: String, entries: [ChangeMessageVisibilityBatchEntry])
    async throws(AWSError) -> BatchResult<Void>
  {
    try await call(ChangeMessageVisibilityBatch(queueURL: queueURL, entries: entries))
  }

  // MARK: Queues

  /// Creates a queue, or finds the one with the same name and attributes.
  public func createQueue(_ input: CreateQueueInput) async throws(AWSError) -> String { try await call(input) }

  /// Deletes a queue with its messages; its name is free again after a minute.
  public func deleteQueue(queueURL: String) async throws(AWSError) { try await call(DeleteQueue(queueURL: queueURL)) }

  /// Deletes the messages of a queue, which takes up to a minute.
  public func purgeQueue(queueURL: String) async throws(AWSError) { try await call(PurgeQueue(queueURL: queueURL)) }

  /// The URL of a queue.
  ///
  /// - Parameters:
  ///   - name: the queue's name.
  ///   - owner: the account that owns it, where that is another one.
  public func getQueueURL(name: String, owner: String? = nil) async throws(AWSError) -> String {
    try await call(GetQueueURL(name: name, owner: owner))
  }

  /// One page of the URLs of queues.
  public func listQueues(prefix: String? = nil, maximum: Int? = nil, nextToken: String? = nil) async throws(AWSError)
    -> QueuePage
  {
    try await call(ListQueues(prefix: prefix, maximum: maximum, nextToken: nextToken))
  }

  /// One page of the URLs of the queues whose dead letters go to a queue.
  public func listDeadLetterSourceQueues(queueURL: String, maximum: Int? = nil, nextToken: String? = nil)
    async throws(AWSError) -> QueuePage
  {
    try await call(ListDeadLetterSourceQueues(queueURL: queueURL, maximum: maximum, nextToken: nextToken))
  }

  /// Attributes of a queue by name, `All` for all of them.
  public func getQueueAttributes(queueURL: String, names: [String] = ["All"]) async throws(AWSError) -> [String: String]
  {
    try await call(GetQueueAttributes(queueURL: queueURL, names: names))
  }

  /// Sets attributes of a queue, which takes up to a minute.
  public func setQueueAttributes(queueURL: String, attributes: [String: String]) async throws(AWSError) {
    try await call(SetQueueAttributes(queueURL: queueURL, attributes: attributes))
  }

  /// The tags of a queue.
  public func listQueueTags(queueURL: String) async throws(AWSError) -> [String: String] {
    try await call(ListQueueTags(queueURL: queueURL))
  }

  /// Adds tags to a queue.
  public func tagQueue(queueURL: String, tags: [String: String]) async throws(AWSError) {
    try await call(TagQueue(queueURL: queueURL, tags: tags))
  }

  /// Removes tags from a queue.
  public func untagQueue(queueURL: String, keys: [String]) async throws(AWSError) {
    try await call(UntagQueue(queueURL: queueURL, keys: keys))
  }

  /// Lets other accounts call operations on a queue.
  public func addPermission(queueURL: String, label: String, accountIDs: [String], actions: [String])
    async throws(AWSError)
  {
    try await call(AddPermission(queueURL: queueURL, label: label, accountIDs: accountIDs, actions: actions))
  }

  /// Takes a permission back.
  public func removePermission(queueURL: String, label: String) async throws(AWSError) {
    try await call(RemovePermission(queueURL: queueURL, label: label))
  }

  // MARK: Redrive

  /// Starts to move the messages of a dead-letter queue; gives the task's handle.
  ///
  /// - Parameters:
  ///   - sourceARN: the dead-letter queue.
  ///   - destinationARN: where to; by default each message goes to the queue that it came from.
  ///   - messagesPerSecond: 1 to 500; by default the service decides.
  public func startMessageMoveTask(sourceARN: String, destinationARN: String? = nil, messagesPerSecond: Int? = nil)
    async throws(AWSError) -> String
  {
    try await call(
      StartMessageMoveTask(
        sourceARN: sourceARN, destinationARN: destinationARN, messagesPerSecond: messagesPerSecond))
  }

  /// Ends a task that moves messages; gives the number moved.
  @discardableResult
  public func cancelMessageMoveTask(taskHandle: String) async throws(AWSError) -> Int {
    try await call(CancelMessageMoveTask(taskHandle: taskHandle))
  }

  /// The latest tasks that move messages out of a queue.
  public func listMessageMoveTasks(sourceARN: String, maximum: Int? = nil) async throws(AWSError) -> [MessageMoveTask] {
    try await call(ListMessageMoveTasks(sourceARN: sourceARN, maximum: maximum))
  }
}
