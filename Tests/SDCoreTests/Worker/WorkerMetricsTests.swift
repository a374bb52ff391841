import MemoryPlugins
import Metrics
import MetricsTestKit
import SDCore
import SDTestKit
import Testing

@Suite("A worker's metrics", .timeLimit(.minutes(1)))
struct WorkerMetricsTests {
  private let metrics = TestMetrics()

  private func work(_ harness: WorkerHarness, tasks: Int) async throws {
    let worker = harness.worker(metricsFactory: metrics) { $0.maximumTasks = tasks }
    try await within(.seconds(20), "\(tasks) tasks") { try await worker.run() }
  }

  private func tasks(_ state: String, _ code: String) throws -> Int64 {
    try metrics.expectCounter("sd_tasks_total", [("runtime", "sdruntime"), ("state", state), ("code", code)]).totalValue
  }

  @Test("count ends by state and code, attempts that are tried again, and stages")
  func ends() async throws {
    let harness = try WorkerHarness()
    harness.backend.script(.fail(TaskError(.engineFailed, .infer, "once")))
    harness.backend.script(.succeed(images: 1))
    harness.backend.script(.fail(TaskError(.engineRejected, .infer, "no")))
    try await harness.submit("t1")
    try await work(harness, tasks: 2)
    try await harness.submit("t2")
    try await work(harness, tasks: 1)

    #expect(try tasks("succeeded", "ok") == 1)
    #expect(try tasks("failed", "engine_rejected") == 1)
    #expect(try metrics.expectCounter("sd_retries_total", [("cause", "engine_failed")]).totalValue == 1)
    for stage in ["prepare", "wait", "infer", "decode", "deliver"] {
      #expect(try metrics.expectRecorder("sd_stage_seconds", [("stage", stage)]).values.count == 1, "\(stage)")
    }
    #expect(try metrics.expectMeter("sd_tasks_held", [("runtime", "sdruntime")]).lastValue == 0)
    #expect(try metrics.expectMeter("sd_engine_ready", [("runtime", "sdruntime")]).lastValue == 1)
  }

  @Test("count a task that was cancelled before it ran")
  func endsWithoutAnEngine() async throws {
    let harness = try WorkerHarness()
    let entry = try await harness.submit("t1")
    var cancelled = entry
    cancelled.record.cancelRequested = true
    cancelled.record.nonce = "n"
    _ = try await harness.ledger.update(cancelled)
    try await work(harness, tasks: 1)
    #expect(try tasks("cancelled", "cancelled") == 1)
    #expect(harness.backend.started.isEmpty)
  }
}
