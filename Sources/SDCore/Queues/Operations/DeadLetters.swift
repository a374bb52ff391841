/// The dead letters of a queue, as an operator lists them, sends them back, or drops them.
///
/// Letters are found by walking through the dead-letter queue. One that is sent back is sent first and then removed, so
/// that none is lost when the walk is cut short; the copies that this may leave open one run, see ``Redrive``.
///
/// On queues with groups a walk sees no letter behind another one of its group that is not meant; see the whole with
/// ``list(max:)`` where the plugin does not look by receiving.
public struct DeadLetters: Sendable {
  /// Which letters are meant.
  public enum Selection: Sendable, Hashable {
    /// All there are.
    case all
    /// Those with a reason's code.
    case code(String)
    /// Those with these ids.
    case ids(Set<String>)
  }

  /// What was done.
  public struct Result: Sendable, Hashable {
    /// Letters that were sent back or dropped.
    public var done: [String] = []
    /// Letters that stay where they are, with the reason.
    public var failed: [String: String] = [:]
    /// Ids that were asked for and not met: no such letters, or in somebody's hands.
    public var missing: Set<String> = []
  }

  private let queue: any OperableQueue
  private let letters: any OperableQueue
  private let clocks: Clocks

  /// The letters of a queue.
  ///
  /// - Throws: `.unsupported` when it has no dead-letter queue.
  public init(of queue: any OperableQueue, clocks: Clocks = .system) async throws {
    guard let letters = try await queue.deadLetterQueue() else {
      throw SDError(.unsupported, "queue \(queue.name) has no dead-letter queue")
    }
    (self.queue, self.letters, self.clocks) = (queue, letters, clocks)
  }

  /// The dead-letter queue's name.
  public var name: String { letters.name }

  /// How full the dead-letter queue is.
  public func stats() async throws -> QueueStats { try await letters.stats() }

  /// Up to `max` letters, the oldest first where the queue tells their times.
  public func list(max: Int) async throws -> [Letter] {
    guard try await letters.exists() else { return [] }
    let found = try await letters.peek(max: max).map { Letter($0) }
    return found.enumerated().sorted {
      ($0.element.message.sentAt?.milliseconds ?? 0, $0.offset) < (
        $1.element.message.sentAt?.milliseconds ?? 0, $1.offset
      )
    }.map(\.element)
  }

  /// Sends letters back to the queue that they came from.
  ///
  /// - Parameters:
  ///   - body: what is sent instead of what the letters hold: a mended message.
  ///   - max: looks at so many letters at most.
  ///   - progress: hears of each letter that is done.
  public func redrive(
    _ selection: Selection, body: [UInt8]? = nil, max: Int = 100_000, progress: (Letter) -> Void = { _ in }
  ) async throws -> Result {
    try await walk(selection, max: max, progress) { leases in
      let messages = leases.map { Redrive.message($0, body: body, for: queue.capabilities) }
      let outcomes = try await queue.send(messages)
      return zip(leases, outcomes).map { lease, outcome in
        if case .failure(let error) = outcome { (lease, error.message) } else { (lease, nil) }
      }
    }
  }

  /// Removes letters for good.
  public func drop(_ selection: Selection, max: Int = 100_000, progress: (Letter) -> Void = { _ in }) async throws
    -> Result
  {
    try await walk(selection, max: max, progress) { leases in leases.map { ($0, nil) } }
  }

  /// Walks past the letters; those that `prepare` has no objection to are removed.
  private func walk(
    _ selection: Selection, max: Int, _ progress: (Letter) -> Void,
    _ prepare: ([Lease]) async throws -> [(lease: Lease, objection: String?)]
  ) async throws -> Result {
    var result = Result()
    if case .ids(let ids) = selection { result.missing = ids }
    guard try await letters.exists() else { return result }
    try await QueueWalk(letters, clocks: clocks).go(max: max) { leases in
      let meant = leases.filter { selection.contains($0) }
      guard !meant.isEmpty else { return .init(kept: leases) }
      let prepared = try await prepare(meant)
      let ready = prepared.filter { $0.objection == nil }.map(\.lease)
      for (lease, objection) in prepared { result.failed[lease.messageID] = objection }
      let outcomes = ready.isEmpty ? [] : try await letters.complete(ready)
      for (lease, outcome) in zip(ready, outcomes) {
        // A letter whose lease ran out meanwhile is met again, and known by its run.
        guard outcome == .done else {
          result.failed[lease.messageID] = "it was handled, and could not be removed: \(outcome)"
          continue
        }
        result.done.append(lease.messageID)
        progress(Letter(QueuedMessage(lease)))
      }
      result.missing.subtract(meant.map(\.messageID))
      let ended = Set(result.done)
      let isLast = if case .ids = selection { result.missing.isEmpty } else { false }
      return .init(kept: leases.filter { !ended.contains($0.messageID) }, isLast: isLast)
    }
    return result
  }
}

extension DeadLetters.Selection {
  fileprivate func contains(_ lease: Lease) -> Bool {
    switch self {
    case .all: true
    case .ids(let ids): ids.contains(lease.messageID)
    case .code(let code): Letter(QueuedMessage(lease)).code == code
    }
  }
}
