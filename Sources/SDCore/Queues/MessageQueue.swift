/// A queue of messages that are leased to one consumer at a time.
///
/// Guarantees:
/// - At least once: a message is handed out again when its lease ends without `complete`, and now and then, on some
///   queues, although it did not. Consumers must bear that.
/// - A returned `send` is durable as the plugin's documentation has it.
/// - An ended or lost lease is an outcome, not an error: errors are thrown only when nothing is known of any entry.
/// - Cancelling `receive` hands out nothing; a message that a cut poll had taken comes back after its visibility.
///
/// For implementers: a body that makes no sense is handed out all the same; judging it is the consumer's work. Order is
/// promised within a group of a queue that declares `.groups`, and nowhere else.
public protocol MessageQueue: Sendable {
  /// The queue's name, as metrics and messages show it.
  var name: String { get }
  /// What the queue can do and take.
  var capabilities: QueueCapabilities { get }

  /// How long leases run when `receive` does not say.
  var visibility: Duration { get async throws }

  /// Sends messages, each with its own outcome. At most `capabilities.maximumBatch`.
  func send(_ messages: [OutgoingMessage]) async throws -> [SendOutcome]

  /// Leases up to `max` messages that are due, waiting up to `wait` for the first of them.
  ///
  /// - Parameter visibility: how long the leases run before the messages are handed out again; `nil` for the queue's own.
  func receive(max: Int, wait: Duration, visibility: Duration?) async throws -> [Lease]

  /// Makes leases run for `visibility` from now.
  func extend(_ leases: [Lease], visibility: Duration) async throws -> [LeaseOutcome]

  /// Removes messages for good.
  func complete(_ leases: [Lease]) async throws -> [LeaseOutcome]

  /// Ends leases early: the messages are due again after `delay`.
  func abandon(_ leases: [Lease], after delay: Duration) async throws -> [LeaseOutcome]

  /// Moves messages to the dead-letter queue, with the reason.
  func deadLetter(_ leases: [Lease], reason: DeadLetterReason) async throws -> [LeaseOutcome]

  /// How many messages there are, approximately on some queues.
  func stats() async throws -> QueueStats
}

extension MessageQueue {
  /// Sends one message and answers its id.
  @discardableResult
  public func send(_ message: OutgoingMessage) async throws -> String {
    guard let outcome = try await send([message]).first else {
      throw SDError(.internal, "queue \(name) answered nothing to a send")
    }
    return try outcome.get()
  }
}

/// What became of one message of a `send`: its id, or why it was not taken.
public typealias SendOutcome = Result<String, SDError>

/// What became of one lease when it was extended or ended.
public enum LeaseOutcome: Sendable, Hashable {
  /// It was done.
  case done
  /// The lease was ours no longer: expired, or ended before.
  case lost
  /// It could not be found out; it may have been done. The reason is for logs.
  case unknown(String)
}

/// What a queue can do and how much it takes.
public struct QueueCapabilities: Sendable, Hashable {
  /// Abilities that not every queue has.
  public struct Ability: OptionSet, Sendable, Hashable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    /// Messages of one group are handed out in order, one at a time (FIFO queues).
    public static let groups = Ability(rawValue: 1)
    /// A deduplication id seen within five minutes is accepted and dropped.
    public static let deduplication = Ability(rawValue: 2)
    /// A message may be sent with a delay.
    public static let delay = Ability(rawValue: 4)
    /// `groupID` names a tenant; a busy one does not hold back the others.
    public static let fairShare = Ability(rawValue: 8)
    /// `deadLetter` has somewhere to move messages to.
    public static let deadLetter = Ability(rawValue: 16)
  }

  /// What it can do.
  public var abilities: Ability
  /// Bytes of body and attributes together.
  public var maximumBytes: Int
  /// Entries of a batch, for every call that takes many.
  public var maximumBatch: Int
  /// The longest wait of a `receive`.
  public var maximumWait: Duration
  /// The longest that one lease may be extended in all, from its receive.
  public var maximumLease: Duration

  /// What a queue can do and take.
  public init(
    abilities: Ability, maximumBytes: Int = 1 << 20, maximumBatch: Int = 10, maximumWait: Duration = .seconds(20),
    maximumLease: Duration = .seconds(12 * 3600)
  ) {
    self.abilities = abilities
    self.maximumBytes = maximumBytes
    self.maximumBatch = maximumBatch
    self.maximumWait = maximumWait
    self.maximumLease = maximumLease
  }
}

/// How full a queue is.
public struct QueueStats: Sendable, Hashable, Codable {
  /// Messages due.
  public var waiting: Int
  /// Messages leased.
  public var inFlight: Int
  /// Messages not yet due.
  public var delayed: Int
  /// Messages in the dead-letter queue, where there is one that can be counted.
  public var dead: Int?
  /// Age of the oldest waiting message in seconds, where the queue tells.
  public var oldestAge: Double?

  /// Counts of a queue.
  public init(waiting: Int, inFlight: Int, delayed: Int, dead: Int? = nil, oldestAge: Double? = nil) {
    self.waiting = waiting
    self.inFlight = inFlight
    self.delayed = delayed
    self.dead = dead
    self.oldestAge = oldestAge
  }
}
