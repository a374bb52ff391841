import AWSPlugins
import SDCore
import Testing

/// Spans as a daemon hears them.
@Suite struct XRayTests {
  private static func span(parent: String? = nil, isRemote: Bool = false) throws -> FinishedSpan {
    var span = FinishedSpan(
      traceID: try #require(TraceID("5759e988bd862e3fe1be46a994272793")),
      spanID: try #require(SpanID("53995c3f42cd8ad8")), parentID: parent.flatMap { SpanID($0) },
      service: "sd-agent", name: "infer: a <task>", startNanoseconds: 1_767_225_600_123_456_789,
      endNanoseconds: 1_767_225_601_000_000_001)
    span.hasRemoteParent = isRemote
    span.attributes = ["task.id": "307", "attempt": 2, "ok": true, "list": .array(["a", 1])]
    return span
  }

  @Test func aSpanOfAnotherProcessesTraceIsASegmentOfTheService() async throws {
    let daemon = try XRayListener()
    try await XRaySpanExporter(address: daemon.address).export([
      try Self.span(parent: "b7ad6b7169203331", isRemote: true)
    ])
    let (header, segment) = try daemon.receive()
    #expect(header == ["format": "json", "version": 1])
    #expect(segment["name"] == "sd-agent" && segment["type"] == nil)
    #expect(segment["id"] == "53995c3f42cd8ad8" && segment["parent_id"] == "b7ad6b7169203331")
    #expect(segment["trace_id"] == "1-5759e988-bd862e3fe1be46a994272793")
    #expect(segment["start_time"]?.text == "1767225600.123456" && segment["end_time"]?.text == "1767225601.000000")
    #expect(segment["annotations"] == ["operation": "infer: a <task>", "attempt": 2, "ok": true, "task_id": "307"])
    #expect(segment["metadata"] == ["default": ["list": ["a", 1]]])
  }

  @Test func aPartOfOursIsASubsegmentWithItsFault() async throws {
    let daemon = try XRayListener()
    var span = try Self.span(parent: "b7ad6b7169203331")
    span.kind = .client
    span.status = .error("no luck")
    try await XRaySpanExporter(address: daemon.address).export([span])
    let segment = try daemon.receive().segment
    #expect(segment["name"] == "infer: a task" && segment["type"] == "subsegment" && segment["namespace"] == "remote")
    #expect(segment["fault"] == true)
    #expect(segment["cause"]?["exceptions"]?.array?.first?["message"] == "no luck")
  }

  @Test func whatADatagramDoesNotHoldIsLeftOut() async throws {
    let daemon = try XRayListener()
    var span = try Self.span()
    span.attributes["long"] = .array([.string(String(repeating: "x", count: 70_000))])
    try await XRaySpanExporter(address: daemon.address).export([span])
    let segment = try daemon.receive().segment
    #expect(segment["metadata"] == nil && segment["annotations"]?["task_id"] == "307")
  }

  @Test func aDaemonThatIsNotThereIsNoFailure() async throws {
    let exporter = try XRaySpanExporter(address: "127.0.0.1:1")
    for _ in 0..<3 { try await exporter.export([try Self.span()]) }
  }

  @Test(arguments: ["", ":", "host:port", "host:0", "host:70000"]) func whatIsNoAddressIsRefused(_ text: String) {
    #expect(throws: SDError.self) { try XRaySpanExporter(address: text) }
  }
}
