/// A queue that an operator can look into, empty, and whose letters can be found: an ability beside the contract that
/// workers and doors rely on.
///
/// Guarantees:
/// - A look leaves messages where they are: nothing is leased when it has returned.
/// - A returned `purge` is as durable as a `complete`.
///
/// For implementers: a queue that can only be looked at by receiving does so with `peekByReceiving`, and says
/// `.looksCount`.
public protocol OperableQueue: MessageQueue {
  /// What sets its operation apart from that of others.
  var operations: QueueOperations { get }

  /// Whether there is such a queue: naming one makes none.
  func exists() async throws -> Bool

  /// Up to `max` messages as they lie in the queue, roughly in the order in which they would be handed out.
  func peek(max: Int) async throws -> [QueuedMessage]

  /// Removes all messages for good, leased and delayed ones too.
  ///
  /// - Returns: how many they were; `nil` where the queue does not tell.
  func purge() async throws -> Int?

  /// The queue that this one's letters go to; `nil` where there is none.
  func deadLetterQueue() async throws -> (any OperableQueue)?
}

/// What operating a queue means with a plugin.
public struct QueueOperations: OptionSet, Sendable, Hashable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }
  /// To look at a message is to receive it: its receives are counted up, and leased ones are not seen.
  public static let looksCount = QueueOperations(rawValue: 1)
}

/// A message as it lies in a queue.
public struct QueuedMessage: Sendable, Hashable {
  /// Where a message stands.
  public enum Standing: String, Sendable, Hashable {
    /// It is due, or waits for another of its group.
    case waiting
    /// A consumer has it.
    case inFlight = "in-flight"
    /// It is not yet due.
    case delayed
  }

  /// The message's id, the same at each delivery.
  public var id: String
  /// The text.
  public var body: [UInt8]
  /// What it was sent with.
  public var attributes: MessageAttributes
  /// The group it was sent in.
  public var groupID: String?
  /// How many times it has been handed out.
  public var receiveCount: Int
  /// When it was sent, where the queue tells.
  public var sentAt: Timestamp?
  /// Where it stands.
  public var standing: Standing

  /// A message as it lies in a queue; for queues.
  public init(
    id: String, body: [UInt8], attributes: MessageAttributes, groupID: String? = nil, receiveCount: Int,
    sentAt: Timestamp?, standing: Standing = .waiting
  ) {
    (self.id, self.body, self.attributes, self.groupID) = (id, body, attributes, groupID)
    (self.receiveCount, self.sentAt, self.standing) = (receiveCount, sentAt, standing)
  }

  /// A message in somebody's hands.
  public init(_ lease: Lease) {
    self.init(
      id: lease.messageID, body: lease.body, attributes: lease.attributes, groupID: lease.groupID,
      receiveCount: lease.receiveCount, sentAt: lease.sentAt)
  }
}

extension OperableQueue {
  /// Looks by receiving, for queues that know no other way: what was seen is given back before this returns.
  public func peekByReceiving(max: Int, clocks: Clocks = .system) async throws -> [QueuedMessage] {
    var found: [QueuedMessage] = []
    try await QueueWalk(self, clocks: clocks).go(max: max) { leases in
      found += leases.map { QueuedMessage($0) }
      return .init(kept: leases)
    }
    return found
  }
}
