import SDCore
import SDTestKit
import Synchronization
import Testing

/// The contract's own suite over the exporters in memory: the one that tests look into, and the one that keeps nothing.
@Suite struct SpanExporterConformanceTests {
  static let recording = SpanExporterConformance(
    .init(faults: Set(SpanExporterConformance.Fault.allCases), hasPatience: false)
  ) { _ in
    let gate = Gate()
    gate.open()
    let exporter = RecordingSpanExporter(gate: gate)
    return .init(
      exporter: exporter, arrivals: { exporter.spans.map { .init($0) } }, unanswered: { gate.waiting },
      spoil: { fault in
        switch fault {
        case nil: gate.open()
        case .absence: for _ in 0..<3 { exporter.fail(SDError(.unavailable, "nobody is there")) }
        case .silence: gate.close()
        case .refusal: exporter.fail(SDError(.invalid, "no"))
        }
      })
  }
  static let none = SpanExporterConformance(.init(dropsEverything: true)) { _ in
    .init(exporter: NoSpans(), arrivals: { [] })
  }

  @Test("What tests record spans with conforms", arguments: recording.cases)
  func recordingConforms(_ testCase: SpanExporterConformance.Case) async throws {
    try await Self.recording.run(testCase)
  }

  @Test("What lets spans fall conforms", arguments: none.cases)
  func noneConforms(_ testCase: SpanExporterConformance.Case) async throws { try await Self.none.run(testCase) }
}
