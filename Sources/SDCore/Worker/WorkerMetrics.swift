import Metrics

/// What a worker measures; `docs/metrics.md` says what each figure means.
final class WorkerMetrics: Sendable {
  private let factory: any MetricsFactory
  private let runtime: String
  private let busy: FloatingPointCounter
  private let lost: Counter
  private let recycled: Counter
  private let held: Meter
  private let ready: Meter

  init(runtime: String?, factory: any MetricsFactory = MetricsSystem.factory) {
    (self.factory, self.runtime) = (factory, runtime ?? "")
    busy = FloatingPointCounter(label: "sd_engine_busy_seconds_total", dimensions: [], factory: factory)
    lost = Counter(label: "sd_leases_lost_total", dimensions: [], factory: factory)
    recycled = Counter(label: "sd_engine_recycles_total", dimensions: [], factory: factory)
    // Apart by runtime, since one process may serve several.
    let dimensions = [("runtime", runtime ?? "")]
    held = Meter(label: "sd_tasks_held", dimensions: dimensions, factory: factory)
    ready = Meter(label: "sd_engine_ready", dimensions: dimensions, factory: factory)
    // Rates of what has not happened yet are zero, not unknown.
    busy.increment(by: 0)
    lost.increment(by: 0)
    recycled.increment(by: 0)
    held.set(0)
    ready.set(0)
  }

  /// A record was ended by this worker.
  func ended(_ record: TaskRecord) {
    let labels = [
      ("runtime", record.runtime ?? runtime), ("state", record.state.rawValue),
      ("code", record.error?.code.rawValue ?? "ok"),
    ]
    Counter(label: "sd_tasks_total", dimensions: labels, factory: factory).increment()
  }

  /// A stage of a task is through.
  func stage(_ name: String, took seconds: Double) {
    Recorder(label: "sd_stage_seconds", dimensions: [("stage", name)], aggregate: true, factory: factory)
      .record(seconds)
  }

  /// The engine was at work for so long.
  func engineWorked(_ duration: Duration) { busy.increment(by: duration.seconds) }

  /// A lease was found to be another's.
  func leaseLost() { lost.increment() }

  /// The engine was made to let go of memory.
  func engineRecycled() { recycled.increment() }

  /// Something failed and is tried again.
  func retried(_ cause: String) {
    Counter(label: "sd_retries_total", dimensions: [("cause", cause)], factory: factory).increment()
  }

  /// So many tasks are in the worker's hands.
  func holds(_ count: Int) { held.set(Int64(count)) }

  /// The engine takes requests, or does not.
  func engine(isReady: Bool) { ready.set(isReady ? 1.0 : 0.0) }
}
