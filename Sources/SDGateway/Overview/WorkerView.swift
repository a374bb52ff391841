import SDCore

/// A worker as the tasks' records show it: who has claimed something is known, who only waits is not.
struct WorkerView: Sendable, Hashable {
  var name: String
  var runtime: String?
  /// What it works on; `nil` for nothing.
  var task: RunKey?
  /// When it began that.
  var since: Timestamp?
  /// When it was last known to do something.
  var seenAt: Timestamp
  /// How many of the tasks looked at it has ended.
  var ended: Int

  /// The workers of some records, those that work first, then by when they were seen.
  static func all(in records: [TaskRecord], at now: Timestamp) -> [WorkerView] {
    var workers: [String: WorkerView] = [:]
    for record in records {
      guard let claim = record.claim else { continue }
      let seenAt = record.finishedAt ?? claim.at
      var worker =
        workers[claim.worker]
        ?? WorkerView(name: claim.worker, runtime: record.runtime, seenAt: seenAt, ended: 0)
      worker.seenAt = max(worker.seenAt, seenAt)
      if record.state == .running, worker.since.map({ $0 < claim.at }) ?? true {
        (worker.task, worker.since, worker.runtime) = (record.key, claim.at, record.runtime)
      }
      if record.state.isTerminal { worker.ended += 1 }
      workers[claim.worker] = worker
    }
    return workers.values.sorted { a, b in
      (a.task == nil ? 1 : 0, b.seenAt.milliseconds, a.name) < (b.task == nil ? 1 : 0, a.seenAt.milliseconds, b.name)
    }
  }

  var json: JSONValue {
    var json: JSONValue = ["name": .string(name), "seen_at": .string(seenAt.description), "ended": .int(ended)]
    json["runtime"] = runtime.map(JSONValue.string)
    json["task"] = task.map { .string($0.task.id) }
    json["run"] = task.map { .int($0.run) }
    json["since"] = since.map { .string($0.description) }
    return json
  }
}
