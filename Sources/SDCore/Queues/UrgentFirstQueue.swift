/// Two queues as one: what waits in the urgent one is handed out before anything of the other.
///
/// While both are empty a receive looks at them in turn, so that an urgent message waits two seconds at most. Sending,
/// counts and the name are those of the ordinary queue; leases go back to where they came from.
public struct UrgentFirstQueue: MessageQueue {
  private let urgent: any MessageQueue
  private let ordinary: any MessageQueue
  private let clocks: Clocks
  /// How long one look at the ordinary queue lasts.
  private static let turn: Duration = .seconds(2)
  /// What marks the receipts of the urgent queue.
  private static let mark = "urgent "

  /// A pair of queues.
  public init(urgent: any MessageQueue, ordinary: any MessageQueue, clocks: Clocks = .system) {
    (self.urgent, self.ordinary, self.clocks) = (urgent, ordinary, clocks)
  }

  public var name: String { ordinary.name }

  public var capabilities: QueueCapabilities {
    let (a, b) = (urgent.capabilities, ordinary.capabilities)
    return QueueCapabilities(
      abilities: a.abilities.intersection(b.abilities), maximumBytes: min(a.maximumBytes, b.maximumBytes),
      maximumBatch: min(a.maximumBatch, b.maximumBatch), maximumWait: min(a.maximumWait, b.maximumWait),
      maximumLease: min(a.maximumLease, b.maximumLease))
  }

  public var visibility: Duration {
    get async throws { min(try await urgent.visibility, try await ordinary.visibility) }
  }

  public func send(_ messages: [OutgoingMessage]) async throws -> [SendOutcome] { try await ordinary.send(messages) }

  public func receive(max: Int, wait: Duration, visibility: Duration?) async throws -> [Lease] {
    let end = clocks.instant.advanced(by: wait)
    while true {
      let hurried = try await urgent.receive(max: max, wait: .zero, visibility: visibility)
      if !hurried.isEmpty { return hurried.map(Self.marked) }
      let left = clocks.instant.duration(to: end)
      let found = try await ordinary.receive(
        max: max, wait: min(Swift.max(left, .zero), Self.turn), visibility: visibility)
      if !found.isEmpty || left <= Self.turn { return found }
    }
  }

  public func extend(_ leases: [Lease], visibility: Duration) async throws -> [LeaseOutcome] {
    try await each(leases) { try await $0.extend($1, visibility: visibility) }
  }

  public func complete(_ leases: [Lease]) async throws -> [LeaseOutcome] {
    try await each(leases) { try await $0.complete($1) }
  }

  public func abandon(_ leases: [Lease], after delay: Duration) async throws -> [LeaseOutcome] {
    try await each(leases) { try await $0.abandon($1, after: delay) }
  }

  public func deadLetter(_ leases: [Lease], reason: DeadLetterReason) async throws -> [LeaseOutcome] {
    try await each(leases) { try await $0.deadLetter($1, reason: reason) }
  }

  public func stats() async throws -> QueueStats { try await ordinary.stats() }

  private static func marked(_ lease: Lease) -> Lease {
    var lease = lease
    lease.receipt = mark + lease.receipt
    return lease
  }

  /// Hands each lease to its own queue; the outcomes come in the order of the leases.
  ///
  /// Where one queue fails the leases of that one are unknown; only when both do is anything thrown.
  private func each(
    _ leases: [Lease], _ call: (any MessageQueue, [Lease]) async throws -> [LeaseOutcome]
  ) async throws -> [LeaseOutcome] {
    let isHurried = leases.map { $0.receipt.hasPrefix(Self.mark) }
    let hurried = zip(leases, isHurried).filter(\.1).map { lease, _ in
      var lease = lease
      lease.receipt.removeFirst(Self.mark.count)
      return lease
    }
    if hurried.isEmpty { return try await call(ordinary, leases) }
    if hurried.count == leases.count { return try await call(urgent, hurried) }
    let rest = zip(leases, isHurried).filter { !$1 }.map(\.0)
    var first = await outcomes(of: hurried) { try await call(urgent, $0) }[...]
    var second = await outcomes(of: rest) { try await call(ordinary, $0) }[...]
    return isHurried.map { ($0 ? first.popFirst() : second.popFirst()) ?? .unknown("the queue told nothing of it") }
  }

  private func outcomes(
    of leases: [Lease], _ call: ([Lease]) async throws -> [LeaseOutcome]
  ) async -> [LeaseOutcome] {
    do { return try await call(leases) } catch { return leases.map { _ in .unknown("\(error)") } }
  }
}
