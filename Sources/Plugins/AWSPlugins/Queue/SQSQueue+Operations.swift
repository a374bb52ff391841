import AWSKit
public import SDCore

extension SQSQueue: OperableQueue {
  public var operations: QueueOperations { .looksCount }

  public func exists() async throws -> Bool {
    do throws(AWSError) {
      _ = try await sqs.getQueueAttributes(queueURL: url, names: ["QueueArn"])
      return true
    } catch {
      let failed = failure(error, "looking for queue \(name)")
      if (failed as? SDError)?.code == .notFound { return false }
      throw failed
    }
  }

  public func peek(max: Int) async throws -> [QueuedMessage] { try await peekByReceiving(max: max, clocks: clocks) }

  /// Removes all messages, which takes SQS up to a minute; it does not tell how many they were.
  public func purge() async throws -> Int? {
    try await attempting("purging queue \(name)") { () async throws(AWSError) in
      try await sqs.purgeQueue(queueURL: url)
    }
    return nil
  }

  public func deadLetterQueue() async throws -> (any OperableQueue)? {
    if deadLetters == .none { return nil }
    do { return try await letters() } catch let error as SDError where error.code == .unsupported { return nil }
  }
}
