import Logging
public import SDCore

/// A queue in the SQLite file of a state directory.
///
/// A `send`, a `complete`, an `abandon` and a `deadLetter` that were answered survive what the database's durability has
/// it; a receive survives the process. Standard queues are fair to the tenants that `groupID` names; FIFO queues keep
/// the order within a group, one message of it out at a time. Each message has a digest: one that was changed on the
/// disk is never handed out, but goes to the dead-letter queue with the reason `corrupt`.
///
/// Leases and delays are counted on a clock that starts with the machine, so that setting the time of day changes
/// nothing; when the machine starts again all leases and delays are over.
public struct LocalQueue: MessageQueue {
  /// How a queue behaves.
  public struct Settings: Sendable, Hashable {
    /// How long a lease runs unless the receiver says otherwise.
    public var visibility: Duration
    /// After so many receives the message goes to the dead-letter queue instead; `nil` for never.
    public var maximumReceives: Int?
    /// Where letters go; `nil` for nowhere.
    public var deadLetterQueue: String?
    /// Whether messages of one group come in order.
    ///
    /// Fixed when the queue is made.
    public var isFIFO: Bool

    /// How a queue behaves.
    public init(
      visibility: Duration = .seconds(30), maximumReceives: Int? = nil, deadLetterQueue: String? = nil,
      isFIFO: Bool = false
    ) {
      self.visibility = visibility
      self.maximumReceives = maximumReceives
      self.deadLetterQueue = deadLetterQueue
      self.isFIFO = isFIFO
    }

    /// A queue whose letters go to `NAME-dlq` after 100 receives; what a `file:` URI means.
    public static func standard(_ name: String) -> Settings {
      Settings(maximumReceives: 100, deadLetterQueue: "\(name)-dlq")
    }
  }

  /// The queue's name in its database.
  public let name: String
  /// The file that it lies in.
  public let database: LocalDatabase
  /// How it behaves.
  public let settings: Settings

  /// A queue of a database; it is made when it is first used.
  ///
  /// `NAME-dlq` takes its letters unless settings say otherwise.
  public init(_ name: String, in database: LocalDatabase, settings: Settings? = nil) {
    self.name = name
    self.database = database
    self.settings = settings ?? .standard(name)
  }

  /// What it can do, by its settings.
  public var capabilities: QueueCapabilities {
    var abilities: QueueCapabilities.Ability = [.deduplication, .delay, settings.isFIFO ? .groups : .fairShare]
    if settings.deadLetterQueue != nil { abilities.insert(.deadLetter) }
    return QueueCapabilities(abilities: abilities)
  }

  public var visibility: Duration { settings.visibility }

  // MARK: Sending

  /// Sends messages in one transaction, those that are refused left out.
  public func send(_ messages: [OutgoingMessage]) async throws -> [SendOutcome] {
    try checkBatch(messages.count)
    var outcomes = messages.map { message in refusal(of: message).map { SendOutcome.failure($0) } }
    let taken = messages.indices.filter { outcomes[$0] == nil }
    if !taken.isEmpty {
      let queue = try await identity()
      let (new, time) = (NewMessage.all(taken.map { messages[$0] }), database.time)
      let ids = try await database.write(.growing) { transaction in
        try transaction.send(new, to: queue, now: time.now, sent: time.clocks.timestamp)
      }
      for (index, id) in zip(taken, ids) { outcomes[index] = .success(id) }
    }
    return outcomes.map { $0 ?? .failure(SDError(.internal, "queue \(name) answered nothing to a send")) }
  }

  private func refusal(of message: OutgoingMessage) -> SDError? {
    let limit = capabilities.maximumBytes
    if message.byteCount > limit {
      return SDError(.tooLarge, "a message of \(message.byteCount) bytes to queue \(name), which takes \(limit)")
    }
    if settings.isFIFO && message.groupID == nil {
      return SDError(.invalid, "a message without a group to queue \(name), which keeps the order within groups")
    }
    // SQLite's texts end at a NUL.
    if [message.groupID, message.deduplicationID].contains(where: { $0?.utf8.contains(0) ?? false }) {
      return SDError(.invalid, "a group or deduplication id with a NUL to queue \(name)")
    }
    if message.delay < .zero || message.delay > capabilities.maximumLease {
      return SDError(.invalid, "a delay of \(message.delay) to queue \(name)")
    }
    return nil
  }

  // MARK: Receiving

  /// Leases messages that are due; the wait ends when one is sent, here or by another process.
  public func receive(max: Int, wait: Duration, visibility: Duration?) async throws -> [Lease] {
    guard (1...capabilities.maximumBatch).contains(max) else {
      throw SDError(
        .invalid, "a receive of \(max) messages from queue \(name), which hands out 1 to \(capabilities.maximumBatch)")
    }
    let visibility = visibility ?? settings.visibility
    try checkLease(visibility)
    let queue = try await identity()
    let letters = try await letters()
    let clocks = database.time.clocks
    let end = clocks.instant.advanced(by: min(wait, capabilities.maximumWait))
    while true {
      try Task.checkCancellation()
      let rings = database.bells.count(of: queue.id)
      let (leases, nextDue) = try await look(max, in: queue, letters: letters, visibility: visibility)
      guard leases.isEmpty, clocks.instant < end else { return leases }
      await waitForRing(past: rings, of: queue.id, until: end, nextDue: nextDue)
    }
  }

  /// One look into the queue; answers when to look again.
  private func look(
    _ max: Int, in queue: QueueIdentity, letters: QueueIdentity?, visibility: Duration
  ) async throws -> (leases: [Lease], nextDue: Int64?) {
    let (time, maximumReceives) = (database.time, settings.maximumReceives)
    let deadline = time.clocks.instant.advanced(by: visibility - time.grain)
    let received = try await mending([.lazy, .cancellable]) { transaction in
      try transaction.receive(
        max: max, from: queue, visibility: visibility.milliseconds, maximumReceives: maximumReceives, letters: letters,
        now: time.now)
    }
    for id in received.damaged {
      database.logger.error(
        "a stored message was changed on the disk and is set aside",
        metadata: ["queue": "\(name)", "message": "\(id)", "directory": "\(database.directory)"])
    }
    if Task.isCancelled { try await giveBack(received, to: queue) }
    let leases = received.messages.map { message in
      Lease(
        receipt: message.receipt, messageID: message.id, body: message.body, attributes: message.attributes,
        groupID: message.group, receiveCount: message.receiveCount, sentAt: message.sent, deadline: deadline)
    }
    return (leases, received.nextDue)
  }

  /// Runs a write; where the indexes are found not to be the table's, it makes them anew and runs the write again, lest
  /// one damaged row stops the whole queue.
  private func mending<T: Sendable>(
    _ kind: WriteKind, _ body: @escaping @Sendable (inout Transaction) throws -> T
  ) async throws -> T {
    do { return try await database.write(kind, body) } catch let error as SDError where error.code == .corrupt {
      database.logger.critical(
        "the tables of messages are damaged; their indexes are made anew",
        metadata: ["queue": "\(name)", "directory": "\(database.directory)", "error": "\(error)"])
      try await database.write { try $0.reindexMessages() }
      return try await database.write(kind, body)
    }
  }

  /// Undoes a receive that nobody waits for any more.
  private func giveBack(_ received: Received, to queue: QueueIdentity) async throws -> Never {
    let (receipts, time) = (received.messages.compactMap { Receipt($0.receipt) }, database.time)
    if !receipts.isEmpty {
      _ = try await database.write(.lazy) { transaction in
        for receipt in receipts {
          _ = try transaction.abandon(receipt, of: queue, delay: 0, uncounted: true, now: time.now)
        }
      }
    }
    throw CancellationError()
  }

  private func waitForRing(past rings: UInt64, of queue: Int64, until end: MonotonicInstant, nextDue: Int64?) async {
    let time = database.time
    var wake = end
    if let nextDue {
      let due = time.clocks.instant.advanced(by: .milliseconds(max(0, nextDue - time.now)) + time.grain)
      wake = min(end, due)
    }
    let (bells, clock, moment) = (database.bells, time.clocks.monotonic, wake)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await bells.wait(for: queue, past: rings) }
      group.addTask { try? await clock.sleep(until: moment, tolerance: nil) }
      await group.next()
      group.cancelAll()
    }
  }

  // MARK: Leases

  /// Makes leases run for `visibility` from now.
  public func extend(_ leases: [Lease], visibility: Duration) async throws -> [LeaseOutcome] {
    try checkLease(visibility)
    let longest = capabilities.maximumLease.milliseconds
    return try await end(leases, .lazy) { transaction, receipt, queue, now in
      try transaction.extend(receipt, of: queue, visibility: visibility.milliseconds, longest: longest, now: now)
    }
  }

  /// Removes messages for good.
  public func complete(_ leases: [Lease]) async throws -> [LeaseOutcome] {
    try await end(leases, .ordinary) { transaction, receipt, queue, now in
      try transaction.complete(receipt, of: queue, now: now)
    }
  }

  /// Ends leases early.
  public func abandon(_ leases: [Lease], after delay: Duration) async throws -> [LeaseOutcome] {
    guard delay >= .zero, delay <= capabilities.maximumLease else {
      throw SDError(.invalid, "a delay of \(delay) in queue \(name)")
    }
    return try await end(leases, .ordinary) { transaction, receipt, queue, now in
      try transaction.abandon(receipt, of: queue, delay: delay.milliseconds, now: now)
    }
  }

  /// Moves messages to the dead-letter queue in one step.
  public func deadLetter(_ leases: [Lease], reason: DeadLetterReason) async throws -> [LeaseOutcome] {
    guard let letters = try await letters() else {
      throw SDError(.unsupported, "queue \(name) has no dead-letter queue")
    }
    return try await end(leases, .ordinary) { transaction, receipt, queue, now in
      try transaction.deadLetter(receipt, of: queue, in: letters, reason: reason, now: now)
    }
  }

  private func end(
    _ leases: [Lease], _ kind: WriteKind,
    _ body: @escaping @Sendable (inout Transaction, Receipt, QueueIdentity, _ now: Int64) throws -> Bool
  ) async throws -> [LeaseOutcome] {
    try checkBatch(leases.count)
    let receipts = leases.map { Receipt($0.receipt) }
    guard receipts.contains(where: { $0 != nil }) else { return leases.map { _ in .lost } }
    let (queue, time) = (try await identity(), database.time)
    return try await mending(kind) { transaction in
      let now = time.now
      return try receipts.map { receipt in
        guard let receipt else { return .lost }
        return try body(&transaction, receipt, queue, now) ? .done : .lost
      }
    }
  }

  // MARK: Counts

  /// Exact counts.
  public func stats() async throws -> QueueStats {
    let (queue, letters) = (try await identity(), try await letters())
    let (now, wall) = (database.time.now, database.time.clocks.timestamp)
    return try await database.read { db in try QueueStats(of: queue, letters: letters, now: now, wall: wall, db) }
  }

  // MARK: Checks

  private func identity() async throws -> QueueIdentity { try await database.queue(name, isFIFO: settings.isFIFO) }

  private func letters() async throws -> QueueIdentity? {
    guard let name = settings.deadLetterQueue else { return nil }
    return try await database.queue(name)
  }

  private func checkBatch(_ count: Int) throws {
    guard count <= capabilities.maximumBatch else {
      throw SDError(.invalid, "a batch of \(count) for queue \(name), which takes \(capabilities.maximumBatch)")
    }
  }

  private func checkLease(_ visibility: Duration) throws {
    guard visibility >= .zero, visibility <= capabilities.maximumLease else {
      throw SDError(
        .invalid, "a visibility of \(visibility) for queue \(name), which allows up to \(capabilities.maximumLease)")
    }
  }
}
