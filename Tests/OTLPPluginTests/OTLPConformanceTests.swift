import HTTPTransport
import OTLPPlugin
import SDCore
import SDTestKit
import Synchronization
import Testing

/// The contract's own suite, with a server in the collector's place.
@Suite struct OTLPConformanceTests {
  static let suite = SpanExporterConformance(.init(faults: Set(SpanExporterConformance.Fault.allCases))) { patience in
    let fault = Mutex<SpanExporterConformance.Fault?>(nil)
    let taken = Mutex<[RecordedRequest]>([])
    let unanswered = Mutex(0)
    let server = try ScriptedHTTPServer { request in
      switch fault.withLock({ $0 }) {
      case nil:
        taken.withLock { $0.append(request) }
        return .json("{}")
      case .absence: return .reset
      case .silence:
        unanswered.withLock { $0 += 1 }
        return .hang
      case .refusal: return .respond(status: 400)
      }
    }
    let transport = CurlTransport()
    var configuration = OTLPSpanExporter.Configuration(base: server.url)
    configuration.timeout = patience
    return .init(
      exporter: try OTLPSpanExporter(configuration, transport: transport),
      arrivals: { try taken.withLock { $0 }.flatMap(arrivals) }, unanswered: { unanswered.withLock { $0 } },
      spoil: { new in fault.withLock { $0 = new } },
      close: {
        await transport.shutdown()
        server.stop()
      })
  }

  /// What a collector reads in a request (opentelemetry-proto, "JSON Protobuf Encoding").
  private static func arrivals(_ request: RecordedRequest) throws -> [SpanExporterConformance.Arrival] {
    let resources = try #require(try JSONValue(parsing: request.body)["resourceSpans"]?.array)
    let spans = resources.flatMap { $0["scopeSpans"]?.array ?? [] }.flatMap { $0["spans"]?.array ?? [] }
    return try spans.map { span in
      let texts = (span["attributes"]?.array ?? []).compactMap { attribute -> (String, String)? in
        guard let key = attribute["key"]?.string, let text = attribute["value"]?["stringValue"]?.string else {
          return nil
        }
        return (key, text)
      }
      return .init(
        traceID: try #require(span["traceId"]?.string.flatMap { TraceID($0) }),
        spanID: try #require(span["spanId"]?.string.flatMap { SpanID($0) }),
        parentID: span["parentSpanId"]?.string.flatMap { SpanID($0) },
        texts: Dictionary(texts, uniquingKeysWith: { first, _ in first }))
    }
  }

  @Test("The exporter by OTLP conforms", arguments: suite.cases)
  func conforms(_ testCase: SpanExporterConformance.Case) async throws { try await Self.suite.run(testCase) }
}
