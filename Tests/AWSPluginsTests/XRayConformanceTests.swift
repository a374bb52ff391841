import AWSPlugins
import Glibc
import SDCore
import SDTestKit
import Synchronization
import Testing

/// The contract's own suite, with a socket in the daemon's place. Datagrams tell nothing of what becomes of them.
@Suite struct XRayConformanceTests {
  static let suite = SpanExporterConformance(
    .init(faults: [.absence], tellsAbsence: false, mostSpans: 100, mostLargeSpans: 1)
  ) { _ in
    let listener = Mutex<XRayListener?>(try XRayListener())
    let heard = Mutex<[SpanExporterConformance.Arrival]>([])
    let address = try #require(listener.withLock { $0?.address })
    return .init(
      exporter: try XRaySpanExporter(address: address),
      arrivals: {
        while let segment = try listener.withLock({ try $0?.receive(flags: Int32(MSG_DONTWAIT)) })?.segment {
          let arrival = SpanExporterConformance.Arrival(
            traceID: try #require(segment["trace_id"]?.string.flatMap { TraceID(xray: $0) }),
            spanID: try #require(segment["id"]?.string.flatMap { SpanID($0) }),
            parentID: segment["parent_id"]?.string.flatMap { SpanID($0) })
          heard.withLock { $0.append(arrival) }
        }
        return heard.withLock { $0 }
      },
      spoil: { _ in listener.withLock { $0 = nil } })
  }

  @Test("The exporter to X-Ray's daemon conforms", arguments: suite.cases)
  func conforms(_ testCase: SpanExporterConformance.Case) async throws { try await Self.suite.run(testCase) }
}
