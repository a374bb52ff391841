public import SDCore

/// What every `EventTopic` must do with the queues that subscribe to it.
public struct EventTopicConformance: Sendable {
  /// One behaviour.
  public typealias Case = ConformanceCase<EventTopicConformance>

  /// What is known beforehand of a plugin's topics.
  public struct Traits: Sendable {
    /// Whether time passes by hand.
    public var manualTime: Bool
    /// Whether the topic hands on every kind of filter; some emulators know a part of them only.
    public var everyFilter: Bool
    /// Whether bytes as attributes survive raw delivery; some emulators fail there.
    public var rawBytes: Bool

    /// What is known of a plugin's topics.
    public init(manualTime: Bool = true, everyFilter: Bool = true, rawBytes: Bool = true) {
      (self.manualTime, self.everyFilter, self.rawBytes) = (manualTime, everyFilter, rawBytes)
    }
  }

  /// A topic under test, with a queue a subscription, in the order that was asked for.
  public struct Fixture: Sendable {
    /// The topic.
    public var topic: any EventTopic
    /// The queues, empty.
    public var queues: [any MessageQueue]
    /// How time passes for them.
    public var time: TestTime
    /// Takes it down.
    public var close: @Sendable () async throws -> Void

    /// A topic under test.
    public init(
      topic: any EventTopic, queues: [any MessageQueue], time: TestTime,
      close: @escaping @Sendable () async throws -> Void = {}
    ) {
      (self.topic, self.queues, self.time, self.close) = (topic, queues, time, close)
    }
  }

  /// What is known of the plugin's topics.
  public let traits: Traits
  private let make: @Sendable ([Subscription]) async throws -> Fixture

  /// A suite over topics that `make` makes, with a fresh queue a subscription, of the subscription's queue name.
  public init(_ traits: Traits = .init(), make: @escaping @Sendable ([Subscription]) async throws -> Fixture) {
    (self.traits, self.make) = (traits, make)
  }

  /// The cases that apply to the plugin.
  public var cases: [Case] { Self.all.filter { $0.applies(self) } }

  /// Runs one case; throws what is wrong.
  public func run(_ testCase: Case) async throws {
    try await within(.seconds(120), testCase.name) { try await testCase.body(self) }
  }

  func with(_ subscriptions: [Subscription], _ body: (Fixture) async throws -> Void) async throws {
    let fixture = try await make(subscriptions)
    do {
      try expectEqual(fixture.queues.count, subscriptions.count, "queues of the fixture")
      try await body(fixture)
    } catch {
      try? await fixture.close()
      throw error
    }
    try await fixture.close()
  }
}

extension EventTopicConformance.Fixture {
  /// Takes everything out of a queue; `expecting` so many keeps asking services that answer empty now and then.
  func drain(_ queue: Int, expecting count: Int) async throws -> [Lease] {
    var leases: [Lease] = []
    for _ in 0..<100 {
      let wait: Duration = time.isManual ? .zero : time.unit
      let batch = try await queues[queue].receive(
        max: queues[queue].capabilities.maximumBatch, wait: wait, visibility: nil)
      _ = try await queues[queue].complete(batch)
      leases += batch
      if batch.isEmpty && (leases.count >= count || time.isManual) { break }
    }
    return leases
  }
}
