import FoundationEssentials
import SDCore
import SDTestKit
import Testing
import Tracing

@Suite struct SDTracerTests {
  private let clock = ManualClock()
  private let exporter = RecordingSpanExporter()

  private func tracer(rate: Double = 1) -> (tracer: SDTracer, batcher: SpanBatcher) {
    let batcher = SpanBatcher(exporter: exporter, clocks: clock.clocks)
    return (SDTracer(service: "test", batcher: batcher, samplingRate: rate, clocks: clock.clocks), batcher)
  }

  @Test("Spans nest by the task's context, and carry what they were told")
  func nesting() async throws {
    let (tracer, batcher) = tracer()
    tracer.withSpan("outer", ofKind: .consumer) { outer in
      outer.attributes["sd.task"] = "t1"
      outer.attributes["sd.steps"] = 20
      clock.advance(by: .milliseconds(250))
      tracer.withSpan("inner") { inner in
        clock.advance(by: .milliseconds(500))
        inner.attributes["cfg"] = 7.5
        inner.attributes["list"] = ["a", "b"]
        inner.addEvent(SpanEvent(name: "half", attributes: ["ok": true]))
        inner.addLink(outer)
        inner.setStatus(.init(code: .ok))
        inner.setStatus(.init(code: .error))
        inner.operationName = "renamed"
      }
    }
    await batcher.flush()
    let spans = exporter.spans
    #expect(spans.map(\.name) == ["renamed", "outer"])
    let (inner, outer) = (spans[0], spans[1])
    #expect(inner.traceID == outer.traceID && inner.parentID == outer.spanID && outer.parentID == nil)
    #expect(outer.kind == .consumer && outer.service == "test" && inner.kind == .internal)
    #expect(outer.attributes == ["sd.task": "t1", "sd.steps": 20] && outer.status == .unset)
    #expect(inner.attributes == ["cfg": .double(7.5), "list": .array(["a", "b"])] && inner.status == .ok)
    #expect(inner.events.map(\.name) == ["half"] && inner.events.first?.attributes == ["ok": true])
    #expect(inner.links == [.init(traceID: outer.traceID, spanID: outer.spanID)])
    #expect(outer.duration == .milliseconds(750) && inner.duration == .milliseconds(500))
    #expect(inner.startNanoseconds - outer.startNanoseconds == 250_000_000)
    #expect(outer.startNanoseconds == UInt64(1_767_225_600_000) * 1_000_000)
  }

  @Test("An error that passes through a span is kept with it")
  func errors() async throws {
    let (tracer, batcher) = tracer()
    #expect(throws: SDError.self) {
      try tracer.withSpan("fails") { _ in throw SDError(.timeout, "waiting for Godot") }
    }
    await batcher.flush()
    let span = try #require(exporter.spans.first)
    #expect(span.status == .error(nil))
    let event = try #require(span.events.first)
    #expect(event.name == "exception" && event.attributes["exception.type"] == "SDError")
    #expect(event.attributes["exception.message"] == "timeout: waiting for Godot")
    #expect(event.nanoseconds == span.startNanoseconds)
  }

  @Test("The wall clock may jump: durations stay what the monotonic clock measured")
  func jumps() async throws {
    let (tracer, batcher) = tracer()
    tracer.withSpan("s") { _ in
      clock.advance(by: .seconds(2))
      clock.jumpWall(by: .seconds(-3600))
    }
    await batcher.flush()
    #expect(exporter.spans.first?.duration == .seconds(2))
  }

  @Test("Instants that a caller chose count as they are, and no span ends before it began")
  func explicitInstants() async throws {
    let (tracer, batcher) = tracer()
    let start = DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 1_000_000_007)
    tracer.startSpan("a", at: start).end(at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 3_000_000_009))
    tracer.startSpan("b", at: start).end(at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 5))
    await batcher.flush()
    #expect(exporter.spans.map(\.startNanoseconds) == [1_000_000_007, 1_000_000_007])
    #expect(exporter.spans.map(\.endNanoseconds) == [3_000_000_009, 1_000_000_007])
  }

  @Test("A context travels from one program to another, and its span is the parent there")
  func propagation() async throws {
    let (tracer, batcher) = tracer()
    var headers: [String: String] = [:]
    tracer.withSpan("caller", ofKind: .client) { span in
      tracer.inject(span.context, into: &headers, using: Headers())
    }
    #expect(Set(headers.keys) == ["traceparent", "X-Amzn-Trace-Id"])
    for carried in [headers.filter { $0.key == "traceparent" }, headers.filter { $0.key == "X-Amzn-Trace-Id" }] {
      var context = ServiceContext.topLevel
      tracer.extract(carried, into: &context, using: Headers())
      tracer.withSpan("callee", context: context, ofKind: .server) { _ in tracer.withSpan("below") { _ in } }
    }
    await batcher.flush()
    let spans = exporter.spans
    #expect(Set(spans.map(\.traceID)).count == 1)
    for callee in spans where callee.name == "callee" {
      #expect(callee.parentID == spans[0].spanID && callee.hasRemoteParent)
    }
    #expect(spans.filter { $0.name == "below" }.allSatisfy { !$0.hasRemoteParent })
    #expect(spans.count == 5)
  }

  @Test("The sender's decision counts, whatever the rate here")
  func carriedDecision() async throws {
    for (rate, sampled) in [(0.0, true), (1.0, false)] {
      let (tracer, batcher) = tracer(rate: rate)
      var context = ServiceContext.topLevel
      let sent = TraceContext(traceID: .make(at: clock.timestamp), spanID: .make(), isSampled: sampled, isRemote: true)
      context.trace = sent
      let before = exporter.spans.count
      tracer.withSpan("s", context: context) { span in
        #expect(span.isRecording == sampled)
        #expect(span.context.trace?.traceID == sent.traceID && span.context.trace?.isSampled == sampled)
        span.attributes["a"] = 1
        span.recordError(CancellationError())
      }
      await batcher.flush()
      #expect(exporter.spans.count - before == (sampled ? 1 : 0))
    }
  }

  @Test("New traces are sampled at the rate, each in all its spans or in none, and all processes decide alike")
  func sampling() async throws {
    let (tracer, batcher) = tracer(rate: 0.25)
    let other = self.tracer(rate: 0.25).tracer
    var recorded = 0
    for _ in 0..<2000 {
      tracer.withSpan("root") { root in
        if root.isRecording { recorded += 1 }
        tracer.withSpan("child") { child in #expect(child.isRecording == root.isRecording) }
        var open = ServiceContext.topLevel
        open.trace = root.context.trace
        open.trace?.isSampled = nil
        #expect(other.startSpan("elsewhere", context: open).isRecording == root.isRecording)
      }
    }
    await batcher.flush()
    // 12 standard deviations wide on either side: 500 ± 12 * 19.4.
    #expect((267...733).contains(recorded))
    #expect(exporter.spans.count == 2 * recorded)
    for rate in [-1, .nan] { #expect(!self.tracer(rate: rate).tracer.startSpan("s").isRecording) }
    #expect(self.tracer(rate: .infinity).tracer.startSpan("s").isRecording)
  }

  @Test("Without a batcher nothing is recorded, and what comes in goes out again")
  func propagatingOnly() {
    let tracer = SDTracer(service: "test", batcher: nil)
    let headers = ["traceparent": TraceContextTests.parent, "tracestate": "a=b"]
    var context = ServiceContext.topLevel
    tracer.extract(headers, into: &context, using: Headers())
    tracer.withSpan("s", context: context) { span in
      #expect(!span.isRecording)
      #expect(TraceContext.current?.traceparent == TraceContextTests.parent)
      var out: [String: String] = [:]
      tracer.inject(ServiceContext.current ?? .topLevel, into: &out, using: Headers())
      #expect(out == headers.merging(["X-Amzn-Trace-Id": TraceContextTests.xray]) { a, _ in a })
    }
    tracer.withSpan("s") { span in #expect(span.context.trace == nil) }
  }

  @Test("What is told to a span after its end is passed over, and it ends once")
  func afterEnd() async {
    let (tracer, batcher) = tracer()
    let span = tracer.startSpan("s")
    span.end()
    span.attributes["late"] = 1
    span.operationName = "late"
    span.addEvent("late")
    span.end()
    await batcher.flush()
    #expect(!span.isRecording)
    #expect(exporter.spans.map(\.name) == ["s"] && exporter.spans.first?.attributes == [:])
  }

  @Test("A span stays within its limits, and says how much it left out")
  func limits() async throws {
    let (tracer, batcher) = tracer()
    let long = String(repeating: "é", count: 5000)
    let span = tracer.startSpan(long)
    span.updateAttributes { attributes in for n in 0..<100 { attributes["a\(1000 + n)"] = long } }
    for _ in 0..<200 { span.addEvent(SpanEvent(name: "e", attributes: ["text": .string(long)])) }
    for _ in 0..<50 { span.addLink(span) }
    span.end()
    await batcher.flush()
    let made = try #require(exporter.spans.first)
    #expect(made.name == String(repeating: "é", count: 128))
    #expect(made.json.serialized().count < 64 << 10)
    #expect(made.attributes.count + made.events.count + made.links.count + made.droppedCount == 350)
    #expect(made.attributes["a1000"] == .string(String(repeating: "é", count: 1024)))
  }

  @Test("Many threads may tell one span, and all of what fits is kept")
  func concurrency() async throws {
    let (tracer, batcher) = tracer()
    let span = tracer.startSpan("s")
    await withTaskGroup { group in
      for n in 0..<8 {
        group.addTask {
          for k in 0..<8 {
            span.addEvent(SpanEvent(name: "\(n)-\(k)"))
            tracer.withSpan("child", context: span.context) { $0.attributes["n"] = n }
          }
        }
      }
      for _ in 0..<4 { group.addTask { while span.isRecording { await Task.yield() } } }
      for _ in 0..<8 { await group.next() }
      span.end()
    }
    await batcher.flush()
    let own = try #require(exporter.spans.first { $0.name == "s" })
    #expect(Set(own.events.map(\.name)).count == 64)
    #expect(exporter.spans.count == 65)
    #expect(Set(exporter.spans.map(\.spanID)).count == 65)
  }

  @Test("A span's JSON says everything, and what makes no sense in it is refused or left out")
  func json() async throws {
    let (tracer, batcher) = tracer()
    let span = tracer.startSpan("s", ofKind: .producer)
    span.updateAttributes { attributes in
      attributes["s"] = "line\nbreak \" \u{1}"
      attributes["i"] = Int64.max
      attributes["d"] = 3.0
      attributes["b"] = false
      attributes["l"] = [1, 2]
    }
    span.addEvent("e")
    span.addLink(span)
    span.setStatus(.init(code: .error, message: "why"))
    span.end()
    await batcher.flush()
    let made = try #require(exporter.spans.first)
    let line = made.json.text
    #expect(!line.contains("\n"))
    #expect(FinishedSpan(try JSONValue(parsing: line)) == made)
    var whole = made
    whole.attributes["d"] = nil
    let coded = try JSONDecoder().decode(FinishedSpan.self, from: try JSONEncoder().encode(whole))
    #expect(coded == whole)
    #expect(FinishedSpan([:]) == nil && FinishedSpan(nil) == nil)
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(FinishedSpan.self, from: Data("{}".utf8)) }
    var odd = try JSONValue(parsing: line)
    (odd["kind"], odd["attributes"], odd["events"], odd["dropped"]) = ("?", ["x": [:]], [1, [:]], -5)
    let read = try #require(FinishedSpan(odd))
    #expect(read.kind == .internal && read.attributes == [:] && read.events == [] && read.droppedCount == 0)
    var infinite = made
    infinite.attributes["n"] = .double(.nan)
    #expect((try? JSONValue(parsing: infinite.json.text)) != nil)
  }
}

/// Headers by name.
private struct Headers: Injector, Extractor {
  func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }
  func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
}
