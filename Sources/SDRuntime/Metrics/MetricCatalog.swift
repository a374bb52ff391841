/// A metric as it is told to whoever reads it: `docs/metrics.md` is the same list for people.
struct MetricDescription: Sendable {
  enum Kind: String, Sendable { case counter, gauge, histogram }
  var name: String
  var kind: Kind
  /// One line, in plain words, with the unit.
  var help: String
  /// Upper bounds of a histogram's buckets, rising.
  var buckets: [Double] = []
}

extension MetricDescription {
  /// From what a local disk takes to the longest inference.
  private static let stages: [Double] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800,
  ]
  /// What an API's answers take.
  private static let requests: [Double] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

  /// Every metric that the programs have, in the order in which they are told.
  static let all: [MetricDescription] = [
    .init(name: "sd_tasks_total", kind: .counter, help: "Tasks ended by this process, by end state and error code."),
    .init(name: "sd_tasks_held", kind: .gauge, help: "Tasks in this process's hands, in whatever stage."),
    .init(name: "sd_stage_seconds", kind: .histogram, help: "Seconds that a stage of a task took.", buckets: stages),
    .init(
      name: "sd_engine_busy_seconds_total", kind: .counter, help: "Seconds that the engine was working on tasks."),
    .init(name: "sd_engine_ready", kind: .gauge, help: "Whether the engine takes requests: 1 or 0."),
    .init(
      name: "sd_engine_recycles_total", kind: .counter, help: "How often the engine was made to let go of memory."),
    .init(name: "sd_leases_lost_total", kind: .counter, help: "Leases that ran out or went to another while held."),
    .init(name: "sd_retries_total", kind: .counter, help: "Steps and attempts that failed and were tried again."),
    .init(name: "sd_queue_messages", kind: .gauge, help: "Messages of the queue, by state; approximate on SQS."),
    .init(
      name: "sd_http_request_seconds", kind: .histogram, help: "Seconds from a request to its answer's head.",
      buckets: requests),
    .init(name: "sd_tasks_submitted_total", kind: .counter, help: "Tasks taken in, by runtime and API."),
    .init(name: "sd_webhooks_total", kind: .counter, help: "Calls of webhooks, by what came of them."),
  ]

  static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
}
