public import SDCore
import Synchronization

/// A queue in memory with the semantics of SQS: the reference for every other one.
///
/// A standard queue shares itself out fairly among groups; a FIFO queue keeps order within each. A returned `send` lasts as
/// long as the process.
public final class MemoryQueue: MessageQueue {
  /// What a queue is like.
  public struct Configuration: Sendable, Hashable {
    /// The two kinds of queues that SQS has.
    public enum Kind: Sendable, Hashable {
      /// Delays, and a fair share for each group.
      case standard
      /// Order within a group, and deduplication; no delays.
      case fifo
    }

    /// Which kind.
    public var kind: Kind
    /// How long leases run when the consumer does not say.
    public var visibility: Duration
    /// Past so many receives a message goes to the dead-letter queue.
    public var maximumReceives: Int
    /// Bytes of body and attributes that a message may have.
    public var maximumBytes: Int
    /// The longest that one lease may be extended in all.
    public var maximumLease: Duration
    /// Whether there is a dead-letter queue, and its name: `NAME-dlq` unless said.
    public var deadLetters: DeadLetters

    /// Where a queue's letters go.
    public enum DeadLetters: Sendable, Hashable {
      case none
      case named(String?)
    }

    /// What a queue is like.
    public init(
      kind: Kind = .standard, visibility: Duration = .seconds(30), maximumReceives: Int = 100,
      maximumBytes: Int = 1 << 20, maximumLease: Duration = .seconds(12 * 3600), deadLetters: DeadLetters = .named(nil)
    ) {
      self.kind = kind
      self.visibility = visibility
      self.maximumReceives = maximumReceives
      self.maximumBytes = maximumBytes
      self.maximumLease = maximumLease
      self.deadLetters = deadLetters
    }

    func deadLetterQueue(of name: String) -> String? {
      if case .named(let given) = deadLetters { given ?? "\(name)-dlq" } else { nil }
    }

    static func letters(of configuration: Configuration) -> Configuration {
      Configuration(
        kind: configuration.kind, maximumReceives: .max, maximumBytes: configuration.maximumBytes, deadLetters: .none)
    }

    var capabilities: QueueCapabilities {
      var abilities: QueueCapabilities.Ability = kind == .fifo ? [.groups, .deduplication] : [.delay, .fairShare]
      if deadLetters != .none { abilities.insert(.deadLetter) }
      return QueueCapabilities(abilities: abilities, maximumBytes: maximumBytes, maximumLease: maximumLease)
    }
  }

  public let name: String
  public let capabilities: QueueCapabilities
  /// What it is like.
  public let configuration: Configuration
  public var visibility: Duration { configuration.visibility }
  /// Where its letters go.
  public let deadLetters: MemoryQueue?
  private let clocks: Clocks
  private let state: Mutex<MemoryQueueState>
  private let news = Wakeup()

  init(name: String, configuration: Configuration, deadLetters: MemoryQueue?, clocks: Clocks) {
    (self.name, self.configuration, self.deadLetters, self.clocks) = (name, configuration, deadLetters, clocks)
    capabilities = configuration.capabilities
    state = Mutex(
      MemoryQueueState(isFIFO: configuration.kind == .fifo, maximumLease: configuration.capabilities.maximumLease))
  }

  public func send(_ messages: [OutgoingMessage]) async throws -> [SendOutcome] {
    try checkBatch(messages.count, "send")
    let outcomes = messages.map { message in
      if let refusal = refusal(of: message) { return SendOutcome.failure(refusal) }
      return .success(accept(message))
    }
    news.announce()
    return outcomes
  }

  /// Takes a message that was judged already, by a topic or as a letter; answers its id.
  @discardableResult
  func deliver(_ message: OutgoingMessage) -> String {
    let id = accept(message)
    news.announce()
    return id
  }

  private func accept(_ message: OutgoingMessage) -> String {
    state.withLock { $0.add(message, at: clocks.instant, sentAt: clocks.timestamp) }
  }

  private func refusal(of message: OutgoingMessage) -> SDError? {
    let size = message.byteCount
    if size > capabilities.maximumBytes {
      return SDError(.tooLarge, "a message for queue \(name) has \(size) bytes; it takes \(capabilities.maximumBytes)")
    }
    if message.delay > .zero, !capabilities.abilities.contains(.delay) {
      return SDError(.unsupported, "queue \(name) keeps no delays")
    }
    if message.deduplicationID != nil, !capabilities.abilities.contains(.deduplication) {
      return SDError(.unsupported, "queue \(name) knows no repeats")
    }
    if message.groupID == nil, configuration.kind == .fifo {
      return SDError(.invalid, "a message for queue \(name) must have a group")
    }
    return nil
  }

  private func checkBatch(_ count: Int, _ what: String) throws(SDError) {
    guard count <= capabilities.maximumBatch else {
      throw SDError(
        .invalid, "\(what) on queue \(name): \(count) entries; a batch has \(capabilities.maximumBatch) at most")
    }
  }

  public func receive(max: Int, wait: Duration, visibility: Duration?) async throws -> [Lease] {
    guard max >= 1 else { throw SDError(.invalid, "receive on queue \(name): asked for \(max) messages") }
    let count = min(max, capabilities.maximumBatch)
    let end = clocks.instant.advanced(by: min(wait, capabilities.maximumWait))
    while true {
      try Task.checkCancellation()
      let ticket = news.ticket
      let (leases, due) = take(
        count, visibility: min(visibility ?? configuration.visibility, capabilities.maximumLease))
      if !leases.isEmpty || clocks.instant >= end { return leases }
      try await news.wait(after: ticket, until: min(end, due ?? end), clocks)
    }
  }

  /// What is due, leased; and when something else may be.
  ///
  /// Letters that fall off on the way are moved.
  private func take(_ count: Int, visibility: Duration) -> ([Lease], MonotonicInstant?) {
    let (leases, due, exhausted) = state.withLock { state in
      state.advance(to: clocks.instant)
      let limit = deadLetters == nil ? Int.max : configuration.maximumReceives
      let (leases, exhausted) = state.take(count, visibility: visibility, maximumReceives: limit, at: clocks.instant)
      // Moved while nobody else can look: a letter is never in both queues, nor in neither.
      if let deadLetters { for message in exhausted { deadLetters.adopt(message) } }
      return (leases, state.nextEvent, exhausted)
    }
    if !exhausted.isEmpty { deadLetters?.news.announce() }
    return (leases, due)
  }

  /// Takes over a message that another queue gave up, id and all.
  private func adopt(_ message: StoredMessage) { state.withLock { $0.adopt(message) } }

  public func extend(_ leases: [Lease], visibility: Duration) async throws -> [LeaseOutcome] {
    try end(leases, "extend") { $0.extend($1, by: visibility, at: clocks.instant) }
  }

  public func complete(_ leases: [Lease]) async throws -> [LeaseOutcome] {
    try end(leases, "complete") { $0.remove($1) != nil }
  }

  public func abandon(_ leases: [Lease], after delay: Duration) async throws -> [LeaseOutcome] {
    try end(leases, "abandon") { $0.giveBack($1, after: delay, at: clocks.instant) }
  }

  public func deadLetter(_ leases: [Lease], reason: DeadLetterReason) async throws -> [LeaseOutcome] {
    guard let deadLetters else { throw SDError(.unsupported, "queue \(name) has no dead-letter queue") }
    let outcomes = try end(leases, "dead-letter") { state, receipt in
      guard var message = state.remove(receipt) else { return false }
      message.outgoing.attributes.merge(reason.attributes) { $1 }
      message.outgoing.attributes[DeadLetterReason.messageIDAttribute] = .string(message.id)
      message.outgoing.delay = .zero
      message.outgoing.deduplicationID = nil
      _ = deadLetters.accept(message.outgoing)
      return true
    }
    deadLetters.news.announce()
    return outcomes
  }

  /// Does something to each lease that is still held; the group that it frees may be waited for.
  private func end(
    _ leases: [Lease], _ what: String, _ body: @Sendable (inout MemoryQueueState, String) -> Bool
  ) throws(SDError) -> [LeaseOutcome] {
    try checkBatch(leases.count, what)
    let outcomes = state.withLock { state in
      state.advance(to: clocks.instant)
      return leases.map { body(&state, $0.receipt) ? LeaseOutcome.done : .lost }
    }
    news.announce()
    return outcomes
  }

  public func stats() async throws -> QueueStats {
    var stats = state.withLock { state in
      state.advance(to: clocks.instant)
      return state.stats(at: clocks.timestamp)
    }
    if let deadLetters {
      let letters = try await deadLetters.stats()
      stats.dead = letters.waiting + letters.inFlight + letters.delayed
    }
    return stats
  }

  /// Something done to what the queue holds by now.
  func read<T: Sendable>(_ body: @Sendable (inout MemoryQueueState) -> T) -> T {
    state.withLock { state in
      state.advance(to: clocks.instant)
      return body(&state)
    }
  }

  /// Has a message handed out once more although somebody holds it, as SQS does now and then; for tests of consumers.
  public func injectDuplicate(of messageID: String) {
    state.withLock { $0.duplicate(messageID) }
    news.announce()
  }
}
