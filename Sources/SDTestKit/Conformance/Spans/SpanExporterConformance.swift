public import SDCore

/// What every `SpanExporter` must do, awkward spans and other sides included.
public struct SpanExporterConformance: Sendable {
  /// One behaviour.
  public typealias Case = ConformanceCase<SpanExporterConformance>

  /// What may be wrong with the other side.
  public enum Fault: Sendable, Hashable, CaseIterable {
    /// It is not there.
    case absence
    /// It is there and never answers.
    case silence
    /// It refuses what it is sent.
    case refusal
  }

  /// What is known beforehand of an exporter; cases that do not apply are left out.
  public struct Traits: Sendable {
    /// What the other side can be made to do.
    public var faults: Set<Fault>
    /// Whether an export tells that the other side is away; datagrams tell nothing.
    public var tellsAbsence: Bool
    /// Whether an export that is not answered ends after the fixture's patience.
    public var hasPatience: Bool
    /// The most spans that a batch of the suite has, and those of some 48 KiB: datagrams that nobody reads yet are lost.
    public var mostSpans: Int
    public var mostLargeSpans: Int
    /// Whether everything falls, as it is meant to.
    public var dropsEverything: Bool

    /// What is known of an exporter.
    public init(
      faults: Set<Fault> = [], tellsAbsence: Bool = true, hasPatience: Bool = true, mostSpans: Int = 300,
      mostLargeSpans: Int = 64, dropsEverything: Bool = false
    ) {
      (self.faults, self.tellsAbsence, self.hasPatience) = (faults, tellsAbsence, hasPatience)
      (self.mostSpans, self.mostLargeSpans, self.dropsEverything) = (mostSpans, mostLargeSpans, dropsEverything)
    }
  }

  /// A span as the other side got it.
  public struct Arrival: Sendable, Hashable {
    /// Where it belongs.
    public var traceID: TraceID
    public var spanID: SpanID
    public var parentID: SpanID?
    /// Its attributes of text, where they arrive by their own names.
    public var texts: [String: String]?

    /// A span as the other side got it.
    public init(traceID: TraceID, spanID: SpanID, parentID: SpanID? = nil, texts: [String: String]? = nil) {
      (self.traceID, self.spanID, self.parentID, self.texts) = (traceID, spanID, parentID, texts)
    }

    /// A span that arrived whole.
    public init(_ span: FinishedSpan) {
      let texts = span.attributes.compactMapValues { if case .string(let text) = $0 { text } else { nil } }
      self.init(traceID: span.traceID, spanID: span.spanID, parentID: span.parentID, texts: texts)
    }
  }

  /// An exporter under test and its other side, which is well.
  public struct Fixture: Sendable {
    /// The exporter.
    public var exporter: any SpanExporter
    /// What has arrived so far, in order.
    public var arrivals: @Sendable () async throws -> [Arrival]
    /// How many exports the other side leaves without an answer now.
    public var unanswered: @Sendable () -> Int
    /// Makes something wrong with the other side; `nil`: it is well again.
    public var spoil: @Sendable (Fault?) async throws -> Void
    /// Takes it down.
    public var close: @Sendable () async throws -> Void

    /// An exporter under test.
    public init(
      exporter: any SpanExporter, arrivals: @escaping @Sendable () async throws -> [Arrival],
      unanswered: @escaping @Sendable () -> Int = { 0 },
      spoil: @escaping @Sendable (Fault?) async throws -> Void = { _ in },
      close: @escaping @Sendable () async throws -> Void = {}
    ) {
      (self.exporter, self.arrivals, self.unanswered) = (exporter, arrivals, unanswered)
      (self.spoil, self.close) = (spoil, close)
    }
  }

  /// What is known of the exporter.
  public let traits: Traits
  private let make: @Sendable (Duration) async throws -> Fixture

  /// A suite over exporters that `make` makes, given how long an export may wait for the other side.
  public init(_ traits: Traits = .init(), make: @escaping @Sendable (_ patience: Duration) async throws -> Fixture) {
    (self.traits, self.make) = (traits, make)
  }

  /// The cases that apply to the exporter.
  public var cases: [Case] { Self.all.filter { $0.applies(self) } }

  /// Every case there is.
  public static var all: [Case] { arrivalCases + endCases + faultCases }

  /// Runs one case; throws what is wrong.
  public func run(_ testCase: Case) async throws {
    try await within(.seconds(120), testCase.name) { try await testCase.body(self) }
  }

  func with(patience: Duration = .seconds(60), _ body: (Fixture) async throws -> Void) async throws {
    let fixture = try await make(patience)
    do {
      try await body(fixture)
    } catch {
      try? await fixture.close()
      throw error
    }
    try await fixture.close()
  }

  /// Waits for spans to arrive, and expects them and no others, in their order.
  func expectArrival(
    of spans: [FinishedSpan], at fixture: Fixture, inOrder: Bool = true, file: StaticString = #fileID,
    line: UInt = #line
  ) async throws {
    guard !traits.dropsEverything else { return }
    try await eventually("\(spans.count) spans to arrive", limit: .seconds(30)) {
      try await fixture.arrivals().count >= spans.count
    }
    let (arrived, wanted) = (try await fixture.arrivals(), spans.map(Arrival.init))
    try expectEqual(arrived.count, wanted.count, "spans that arrived", file: file, line: line)
    let byID = Dictionary(grouping: wanted, by: \.spanID)
    if inOrder { try expectEqual(arrived.map(\.spanID), wanted.map(\.spanID), "their order", file: file, line: line) }
    for arrival in arrived {
      let span = try unwrap(byID[arrival.spanID]?.first, "the span \(arrival.spanID) among those sent")
      try expectEqual(arrival.traceID, span.traceID, "trace of \(arrival.spanID)", file: file, line: line)
      try expectEqual(arrival.parentID, span.parentID, "parent of \(arrival.spanID)", file: file, line: line)
      guard let texts = arrival.texts else { continue }
      for (name, text) in span.texts ?? [:] {
        try expectEqual(
          texts[name].map { Array($0.utf8) }, Array(text.utf8), "attribute \(name.debugDescription)", file: file,
          line: line)
      }
    }
  }
}

extension FinishedSpan {
  /// A span of the suite's.
  static func sample(_ name: String = "task", attributes: [String: SpanValue] = ["task.id": "307"]) -> FinishedSpan {
    var span = FinishedSpan(
      traceID: .make(at: Timestamp(milliseconds: 1_767_225_600_000)), spanID: .make(), service: "sd-agent", name: name,
      startNanoseconds: 1_767_225_600_123_456_789, endNanoseconds: 1_767_225_601_000_000_001)
    span.attributes = attributes
    return span
  }
}
