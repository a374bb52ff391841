import HTTPTransport
import HTTPTypes
import OTLPPlugin
import SDCore
import SDTestKit
import Testing

@Suite struct OTLPSpanExporterTests {
  private static func span(_ name: String, service: String = "sd-agent") throws -> FinishedSpan {
    var span = FinishedSpan(
      traceID: try #require(TraceID("0af7651916cd43dd8448eb211c80319c")),
      spanID: try #require(SpanID("b7ad6b7169203331")), parentID: SpanID("00f067aa0ba902b7"),
      service: service, name: name, startNanoseconds: 1_767_225_600_123_456_789,
      endNanoseconds: 1_767_225_601_000_000_001)
    span.kind = .consumer
    span.attributes = ["task.id": "307", "attempt": 2, "ok": true, "list": .array(["a", 1]), "x": .double(1.5)]
    span.status = .error("no luck")
    span.events = [
      .init(name: "exception", nanoseconds: 1_767_225_600_200_000_000, attributes: ["exception.type": "E"])
    ]
    return span
  }

  private static func exporter(
    _ server: ScriptedHTTPServer, headers: [String: String] = [:]
  ) throws -> OTLPSpanExporter {
    try OTLPSpanExporter(
      .init(base: server.url, headers: headers, resource: ["deployment.environment.name": "test"]),
      transport: CurlTransport())
  }

  @Test func spansGoOutAsTheProtocolHasThem() async throws {
    let server = try ScriptedHTTPServer(answers: [.respond(body: "{}")])
    try await Self.exporter(server, headers: ["X-Api-Key": "k"]).export([
      try Self.span("task"), try Self.span("other", service: "sd-gateway"),
    ])
    let request = try #require(server.requests.first)
    #expect(request.path == "/v1/traces" && request.method == "POST")
    #expect(request.header("content-type") == "application/json" && request.header("x-api-key") == "k")
    let body = try JSONValue(parsing: request.body)
    let resources = try #require(body["resourceSpans"]?.array)
    #expect(resources.count == 2)
    let attributes = try #require(resources[0]["resource"]?["attributes"]?.array)
    #expect(attributes.contains(["key": "service.name", "value": ["stringValue": "sd-agent"]]))
    #expect(attributes.contains(["key": "deployment.environment.name", "value": ["stringValue": "test"]]))
    let span = try #require(resources[0]["scopeSpans"]?.array?.first?["spans"]?.array?.first)
    #expect(span["traceId"] == "0af7651916cd43dd8448eb211c80319c" && span["spanId"] == "b7ad6b7169203331")
    #expect(span["parentSpanId"] == "00f067aa0ba902b7" && span["name"] == "task" && span["kind"] == 5)
    #expect(span["startTimeUnixNano"] == "1767225600123456789" && span["endTimeUnixNano"] == "1767225601000000001")
    #expect(span["status"] == ["code": 2, "message": "no luck"])
    let values = try #require(span["attributes"]?.array)
    #expect(values.contains(["key": "task.id", "value": ["stringValue": "307"]]))
    #expect(values.contains(["key": "attempt", "value": ["intValue": "2"]]))
    #expect(values.contains(["key": "ok", "value": ["boolValue": true]]))
    #expect(values.contains(["key": "x", "value": ["doubleValue": .double(1.5)]]))
    #expect(
      values.contains([
        "key": "list", "value": ["arrayValue": ["values": [["stringValue": "a"], ["intValue": "1"]]]],
      ]))
    #expect(span["events"]?.array?.first?["name"] == "exception")
  }

  @Test(arguments: [(429, true), (503, true), (502, true), (504, true), (400, false), (500, false), (404, false)])
  func refusalsSayWhetherTheyPass(_ status: Int, _ passes: Bool) async throws {
    let server = try ScriptedHTTPServer(answers: [.respond(status: status)])
    let error = await #expect(throws: SDError.self) {
      try await Self.exporter(server).export([try Self.span("task")])
    }
    #expect(error?.isRetryable == passes)
  }

  @Test func rejectedSpansAreNotSentAgain() async throws {
    let answer = #"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}"#
    let server = try ScriptedHTTPServer(answers: [.respond(body: answer)])
    let error = await #expect(throws: SDError.self) {
      try await Self.exporter(server).export([try Self.span("task")])
    }
    #expect(error?.isRetryable == false && error?.message.contains("too old") == true)
  }

  @Test func aCollectorThatIsAwayMayComeBack() async throws {
    let exporter = try OTLPSpanExporter(.init(base: "http://127.0.0.1:1"), transport: CurlTransport())
    let error = await #expect(throws: SDError.self) { try await exporter.export([try Self.span("task")]) }
    #expect(error?.code == .unavailable)
  }

  @Test func whatIsNoURLIsRefusedAtOnce() {
    #expect(throws: SDError.self) { try OTLPSpanExporter(.init(base: "localhost:4318"), transport: CurlTransport()) }
  }
}
