public import SDCore

/// What every `MessageQueue` must do, awkward cases included.
///
/// ```swift
/// static let suite = MessageQueueConformance(.standard) { setup in
///   let clock = ManualClock()
///   ...
///   return .init(queue: queue, deadLetters: letters, time: .manual(clock))
/// }
/// ```
public struct MessageQueueConformance: Sendable {
  /// One behaviour.
  public typealias Case = ConformanceCase<MessageQueueConformance>

  /// What a case wants of the queue that it is given; each case gets a queue of its own, and empty.
  public struct Setup: Sendable {
    /// The queue's own visibility.
    public var visibility: Duration
    /// Past so many receives a message goes to the dead-letter queue; `nil` for never (or a number too large to matter).
    public var maximumReceives: Int?
  }

  /// A queue under test.
  public struct Fixture: Sendable {
    /// The queue.
    public var queue: any MessageQueue
    /// The queue that its letters go to, looked at as a queue.
    public var deadLetters: (any MessageQueue)?
    /// How time passes for it.
    public var time: TestTime
    /// Has a message handed out once more although it is leased, where the plugin can be made to.
    public var duplicate: (@Sendable (_ messageID: String) async throws -> Void)?
    /// Takes it down.
    public var close: @Sendable () async throws -> Void

    /// A queue under test.
    public init(
      queue: any MessageQueue, deadLetters: (any MessageQueue)?, time: TestTime,
      duplicate: (@Sendable (_ messageID: String) async throws -> Void)? = nil,
      close: @escaping @Sendable () async throws -> Void = {}
    ) {
      (self.queue, self.deadLetters, self.time) = (queue, deadLetters, time)
      (self.duplicate, self.close) = (duplicate, close)
    }
  }

  /// What is known beforehand of a plugin's queues; cases that do not apply are left out.
  public struct Traits: Sendable {
    /// What the queues declare.
    public var abilities: QueueCapabilities.Ability
    /// Whether time passes by hand.
    public var manualTime: Bool
    /// Takes every byte as it is; else text that the service refuses must be refused before sending.
    public var takesAnyBytes: Bool
    /// Knows that a lease was ended before; else the second end may look done.
    public var knowsEndedLeases: Bool
    /// Counts are exact.
    public var exactStats: Bool
    /// The fixture can inject a duplicate.
    public var duplicates: Bool
    /// A repeat is answered with the first message's id, and is known when that one is gone.
    public var remembersRepeats: Bool
    /// It is an `OperableQueue`, and what that means with it; `nil` for one that is not.
    public var operations: QueueOperations?

    /// What is known of a plugin's queues.
    public init(
      abilities: QueueCapabilities.Ability, manualTime: Bool = true, takesAnyBytes: Bool = true,
      knowsEndedLeases: Bool = true, exactStats: Bool = true, duplicates: Bool = false, remembersRepeats: Bool = true,
      operations: QueueOperations? = nil
    ) {
      (self.abilities, self.manualTime, self.takesAnyBytes) = (abilities, manualTime, takesAnyBytes)
      (self.knowsEndedLeases, self.exactStats, self.duplicates) = (knowsEndedLeases, exactStats, duplicates)
      (self.remembersRepeats, self.operations) = (remembersRepeats, operations)
    }
  }

  /// What is known of the plugin's queues.
  public let traits: Traits
  private let make: @Sendable (Setup) async throws -> Fixture

  /// A suite over queues that `make` makes.
  public init(_ traits: Traits, make: @escaping @Sendable (Setup) async throws -> Fixture) {
    (self.traits, self.make) = (traits, make)
  }

  /// The cases that apply to the plugin.
  public var cases: [Case] { Self.all.filter { $0.applies(self) } }

  /// Every case there is.
  public static var all: [Case] {
    leaseCases + endCases + waitCases + bodyCases + groupCases + letterCases + operationCases
  }

  /// Runs one case; throws what is wrong.
  public func run(_ testCase: Case) async throws {
    try await within(.seconds(traits.manualTime ? 40 : 120), testCase.name) { try await testCase.body(self) }
  }

  /// Runs a case's body with a queue of its own.
  func with(
    visibility: Int = 3, maximumReceives: Int? = nil, _ body: (Bench) async throws -> Void
  ) async throws {
    let unit: Duration = traits.manualTime ? .seconds(10) : TestTime.real.unit
    let fixture = try await make(Setup(visibility: unit * visibility, maximumReceives: maximumReceives))
    do {
      try expectEqual(fixture.queue.capabilities.abilities, traits.abilities, "the queue's declared abilities")
      try await body(Bench(fixture: fixture, traits: traits))
    } catch {
      try? await fixture.close()
      throw error
    }
    try await fixture.close()
  }

  func has(_ ability: QueueCapabilities.Ability) -> Bool { traits.abilities.contains(ability) }
}

/// A queue under test with what the cases do over and over.
struct Bench {
  var fixture: MessageQueueConformance.Fixture
  var traits: MessageQueueConformance.Traits
  var queue: any MessageQueue { fixture.queue }
  var time: TestTime { fixture.time }

  /// Multiples of the shortest time that the queue tells apart.
  func units(_ count: Int) -> Duration { time.unit * count }
  func pass(_ count: Int) async throws { try await time.pass(units(count)) }

  func send(_ body: String, group: String? = nil, deduplication: String? = nil, delay: Int = 0) async throws -> String {
    // FIFO services refuse a message without a group, and one whose name has more than ASCII.
    let group = group ?? (traits.abilities.contains(.groups) ? "group-of-\(hexadecimal(body.utf8.prefix(40)))" : nil)
    return try await queue.send(
      OutgoingMessage(
        body: Array(body.utf8), groupID: group, deduplicationID: deduplication, delay: units(delay)))
  }

  /// One receive that does not wait for new messages longer than it must.
  ///
  /// Real services answer empty now and then although they have something, so that an expected message is asked for
  /// again.
  func receive(_ max: Int = 1, visibility: Int? = nil) async throws -> [Lease] {
    let wait: Duration = time.isManual ? .zero : units(1)
    return try await queue.receive(max: max, wait: wait, visibility: visibility.map(units))
  }

  func receiveOne(
    _ what: String = "a message", visibility: Int? = nil, file: StaticString = #fileID, line: UInt = #line
  ) async throws -> Lease {
    for _ in 0..<(time.isManual ? 1 : 5) {
      if let lease = try await receive(1, visibility: visibility).first { return lease }
    }
    throw ConformanceFailure("\(what) should have been handed out, but nothing was", file, line)
  }

  func expectNothing(_ what: String, file: StaticString = #fileID, line: UInt = #line) async throws {
    // Without a wait: what is to be absent now may be due a moment later.
    let leases = try await queue.receive(max: 1, wait: .zero, visibility: nil)
    try expect(leases.isEmpty, "\(what), but \(leases.map(\.text)) was handed out", file: file, line: line)
  }

  /// Receives and completes until the queue is empty; answers the bodies.
  func drain(limit: Int = 1000) async throws -> [String] {
    var bodies: [String] = []
    while bodies.count < limit {
      let leases = try await receive(queue.capabilities.maximumBatch)
      if leases.isEmpty { return bodies }
      bodies += leases.map(\.text)
      _ = try await queue.complete(leases)
    }
    return bodies
  }
}

extension Lease {
  var text: String { String(decoding: body, as: UTF8.self) }
}
