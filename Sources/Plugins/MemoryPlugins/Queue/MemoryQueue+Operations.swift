public import SDCore

extension MemoryQueue: OperableQueue {
  /// A look reads what is there.
  public var operations: QueueOperations { [] }

  /// A queue in memory is made with its object.
  public func exists() async throws -> Bool { true }

  public func peek(max: Int) async throws -> [QueuedMessage] {
    Array(read { $0.messages }.prefix(max))
  }

  public func purge() async throws -> Int? { read { $0.removeAll() } }

  public func deadLetterQueue() async throws -> (any OperableQueue)? { deadLetters }
}
