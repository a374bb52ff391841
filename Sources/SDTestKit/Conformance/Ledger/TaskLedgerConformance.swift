public import SDCore

/// What every `TaskLedger` must do, awkward cases included.
public struct TaskLedgerConformance: Sendable {
  /// One behaviour.
  public typealias Case = ConformanceCase<TaskLedgerConformance>

  /// What is known beforehand of a plugin's ledgers; cases that do not apply are left out.
  public struct Traits: Sendable {
    /// Whether time passes by hand.
    public var manualTime: Bool
    /// Whether the fixture has a topic and a queue that hears it, of the same plugin.
    public var publishes: Bool
    /// Whether record and publication stand or fall together.
    public var publishesAtomically: Bool

    /// What is known of a plugin's ledgers.
    public init(manualTime: Bool = true, publishes: Bool = true, publishesAtomically: Bool = true) {
      (self.manualTime, self.publishes, self.publishesAtomically) = (manualTime, publishes, publishesAtomically)
    }
  }

  /// A ledger under test, empty.
  public struct Fixture: Sendable {
    /// The ledger.
    public var ledger: any TaskLedger
    /// A second handle of the same ledger, as another process would have it.
    public var rival: any TaskLedger
    /// A topic of the same plugin, and a queue that hears all of it raw.
    public var topic: (any EventTopic)?
    public var queue: (any MessageQueue)?
    /// How time passes for it.
    public var time: TestTime
    /// Takes it down.
    public var close: @Sendable () async throws -> Void

    /// A ledger under test.
    public init(
      ledger: any TaskLedger, rival: (any TaskLedger)? = nil, topic: (any EventTopic)? = nil,
      queue: (any MessageQueue)? = nil, time: TestTime, close: @escaping @Sendable () async throws -> Void = {}
    ) {
      (self.ledger, self.rival, self.topic, self.queue) = (ledger, rival ?? ledger, topic, queue)
      (self.time, self.close) = (time, close)
    }
  }

  /// What is known of the plugin's ledgers.
  public let traits: Traits
  private let make: @Sendable () async throws -> Fixture

  /// A suite over ledgers that `make` makes, each empty.
  public init(_ traits: Traits = .init(), make: @escaping @Sendable () async throws -> Fixture) {
    (self.traits, self.make) = (traits, make)
  }

  /// The cases that apply to the plugin.
  public var cases: [Case] { Self.all.filter { $0.applies(self) } }

  /// Every case there is.
  public static var all: [Case] { writeCases + runCases + pageCases + progressCases + expiryCases + publishCases }

  /// Runs one case; throws what is wrong.
  public func run(_ testCase: Case) async throws {
    try await within(.seconds(120), testCase.name) { try await testCase.body(self) }
  }

  func with(_ body: (Fixture) async throws -> Void) async throws {
    let fixture = try await make()
    do {
      try await body(fixture)
    } catch {
      try? await fixture.close()
      throw error
    }
    try await fixture.close()
  }
}

/// A record to write, every field in use.
func sampleRecord(
  _ id: String, tenant: String = "", run: Int = 1, submission: String? = nil, runtime: String? = "sdruntime",
  state: TaskState = .queued, at milliseconds: Int64 = 1_767_225_600_123, nonce: String = "n0"
) -> TaskRecord {
  let content: JSONValue = ["prompt": "a lighthouse", "steps": 20]
  let digits = ["1.0", "18446744073709551617", "1e999", "-0"].compactMap { try? JSONValue(parsing: $0) }
  let request = TaskRequest(
    api: .v1alpha2, key: TaskKey(tenant: tenant, id: id), runtime: runtime, model: "model.safetensors",
    type: .textToImage,
    folder: "prefix/\(id)", context: ["user": "é 🏮", "n": 1, "digits": .array(digits)], content: content,
    payload: ["content": content],
    options: TaskOptions(
      expiresAt: Timestamp(milliseconds: milliseconds + 60_000), webhook: .init(url: "https://example.com/hook"),
      priority: .normal))
  var record = TaskRecord(
    request, run: run, submission: submission ?? "submission-\(id)-\(run)", digest: "d1",
    at: Timestamp(milliseconds: milliseconds))
  record.state = state
  record.nonce = nonce
  return record
}

extension LedgerWrite {
  /// The entry that a write that went through left.
  func written(_ what: String, file: StaticString = #fileID, line: UInt = #line) throws -> LedgerEntry {
    switch self {
    case .written(let entry): return entry
    case .refused(let entry):
      throw ConformanceFailure("\(what) was refused; nonce \(entry.record.nonce) stands there", file, line)
    }
  }

  /// The entry that stands in the way of a refused write.
  func refused(_ what: String, file: StaticString = #fileID, line: UInt = #line) throws -> LedgerEntry {
    guard case .refused(let entry) = self else { throw ConformanceFailure("\(what) went through", file, line) }
    return entry
  }
}
