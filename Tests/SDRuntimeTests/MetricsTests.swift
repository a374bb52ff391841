import FoundationEssentials
import Logging
import MemoryPlugins
import Metrics
import SDCore
import SDTestKit
import ServiceLifecycle
import Testing

@testable import SDRuntime

@Suite("Metrics", .timeLimit(.minutes(1)))
struct MetricsTests {
  private let registry = MetricsRegistry()

  private var lines: [String] { registry.prometheusText().split(separator: "\n").map(String.init) }

  @Test("are told in Prometheus' text, counters of equal labels being one")
  func counters() {
    for _ in 0..<2 {
      Counter(
        label: "sd_tasks_total", dimensions: [("state", "failed"), ("code", "internal"), ("runtime", "a")],
        factory: registry
      ).increment()
    }
    FloatingPointCounter(label: "sd_engine_busy_seconds_total", factory: registry).increment(by: 1.25)
    #expect(lines.contains("# TYPE sd_tasks_total counter"))
    #expect(lines.contains(#"sd_tasks_total{code="internal",runtime="a",state="failed"} 2"#))
    #expect(lines.contains("sd_engine_busy_seconds_total 1.25"))
  }

  @Test("escape what labels hold, and mend names that the format has not")
  func escaping() {
    Meter(label: "other.gauge", dimensions: [("na-me", "a\"b\\c\nd")], factory: registry).set(3.0)
    #expect(lines.contains(#"other_gauge{na_me="a\"b\\c\nd"} 3"#))
  }

  @Test("sum observations up into buckets")
  func histograms() {
    let stage = Recorder(
      label: "sd_stage_seconds", dimensions: [("stage", "infer")], aggregate: true, factory: registry)
    for seconds in [0.004, 0.005, 0.02, 4000] { stage.record(seconds) }
    #expect(lines.contains(#"sd_stage_seconds_bucket{stage="infer",le="0.005"} 2"#))
    #expect(lines.contains(#"sd_stage_seconds_bucket{stage="infer",le="0.025"} 3"#))
    #expect(lines.contains(#"sd_stage_seconds_bucket{stage="infer",le="1800"} 3"#))
    #expect(lines.contains(#"sd_stage_seconds_bucket{stage="infer",le="+Inf"} 4"#))
    #expect(lines.contains(#"sd_stage_seconds_count{stage="infer"} 4"#))
  }

  @Test("drop what labels from the wire would fill the memory with, and say so")
  func bounded() {
    for number in 0..<(MetricsRegistry.maximumSeries + 5) {
      Counter(label: "sd_retries_total", dimensions: [("cause", "\(number)")], factory: registry).increment()
    }
    #expect(lines.contains("sd_metrics_dropped_total 5"))
    #expect(lines.filter { $0.hasPrefix("sd_retries_total") }.count == MetricsRegistry.maximumSeries)
  }

  @Test("tell of the process itself", .enabled(if: FileManager.default.fileExists(atPath: "/proc/self/stat")))
  func process() throws {
    let memory = try #require(lines.first { $0.hasPrefix("process_resident_memory_bytes ") })
    let bytes = try #require(memory.split(separator: " ").last.flatMap { Double($0) })
    #expect((1e6...1e11).contains(bytes))
    #expect(lines.contains { $0.hasPrefix("process_start_time_seconds ") })
    #expect(lines.contains { $0.hasPrefix("process_open_fds ") })
  }

  @Test("say how full the queue is")
  func queue() async throws {
    let queue = MemorySystem(name: RandomName.make()).queue("q")
    for _ in 0..<3 { try await queue.send(OutgoingMessage(body: [1])) }
    _ = try await queue.receive(max: 1, wait: .zero, visibility: nil)
    let gauge = QueueGauge(
      queue, clocks: .system, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, factory: registry)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await gauge.run() }
      try await eventually("the gauge to be set") {
        lines.contains(#"sd_queue_messages{queue="q",state="waiting"} 2"#)
          && lines.contains(#"sd_queue_messages{queue="q",state="in_flight"} 1"#)
      }
      group.cancelAll()
    }
  }

  @Test("are each explained in docs/metrics.md")
  func documentation() throws {
    let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "docs/metrics.md")
    let text = String(decoding: try Data(contentsOf: page), as: UTF8.self)
    for metric in MetricDescription.all { #expect(text.contains("`\(metric.name)"), "\(metric.name)") }
  }
}
