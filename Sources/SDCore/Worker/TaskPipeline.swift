import Logging
import Synchronization
import Tracing

/// A task's way through the worker, from its receive to its end.
struct TaskPipeline: Sendable {
  let claimer: Claimer
  let preparer: Preparer
  let inferrer: Inferrer
  let deliverer: Deliverer
  let gate: EngineGate
  let engine: EngineWatch
  let drain: Drain
  let tally: Tally
  let configuration: WorkerConfiguration
  let clocks: Clocks
  let logger: Logger

  /// Works on one message to whatever end. Never throws: what cannot be ended comes back after its visibility.
  func process(_ held: HeldLease) async {
    let way = Way(gate: gate, clocks: clocks)
    defer {
      way.leave()
      held.letGo()
    }
    do {
      let task: ReceivedTask
      do { task = try await ReceivedTask(held.lease, ledger: claimer.ledger) } catch let problem as RequestProblem {
        return try await bury(held, DeadLetterReason(code: "poison", message: "\(problem)"))
      }
      var context = ServiceContext.topLevel
      context.trace = TraceContext(attributes: task.attributes)
      try await withSpan("task", context: context, ofKind: .consumer) { span in
        span.attributes["task.id"] = task.request.key.id
        span.attributes["task.type"] = task.request.type.rawValue
        try await process(task, held, way)
      }
    } catch {
      logger.warning(
        "a message could not be worked on, giving it back",
        metadata: ["message": "\(held.lease.messageID)", "error": "\(error)"])
      await giveBack(held, after: backoff(held.lease.receiveCount))
    }
  }

  private func process(_ task: ReceivedTask, _ held: HeldLease, _ way: Way) async throws {
    switch try await claimer.claim(task, lease: held.lease) {
    case .surplus(let entry):
      log(entry, "a surplus message of a run that another carries")
      try await finish(held)
    case .announce(let entry):
      try await deliverer.announce(entry, result: nil)
      try await finish(held)
    case .exhausted(let entry):
      try await deliverer.announce(entry, result: nil)
      tally.count(.failed)
      try await bury(held, DeadLetterReason(code: "attempts_exhausted", message: entry.record.error?.message ?? ""))
    case .work(let entry):
      guard let run = ClaimedRun(entry, ledger: claimer.ledger, clocks: clocks) else { return held.letGo() }
      try await work(task, run, held, way)
    }
  }

  // MARK: A claimed run

  private func work(_ task: ReceivedTask, _ run: ClaimedRun, _ held: HeldLease, _ way: Way) async throws {
    var stage = Stopwatch(clocks)
    do {
      let record = await run.entry.record
      let prepared = try await withSpan("prepare") { _ in
        try await drain.interrupting { try await preparer.prepare(task.request, record) }
      }
      guard let prepared, try await takeEngine(way) else { return await handBack(run, held, begun: false) }
      stage.lap("prepare")
      switch try await run.standing(notOlderThan: .seconds(2)) {
      case .superseded: return superseded(run, held)
      case .cancelled: throw Inferrer.Interruption.cancelled
      case .ours: break
      }
      log(await run.entry, "engine started")
      let answer = try await withSpan("infer", ofKind: .client) { _ in try await infer(prepared, run, way) }
      stage.lap("infer")
      let result = try await answer.finish()
      stage.lap("decode")
      let laps = stage.laps
      let outcome = try await withSpan("deliver") { _ in try await deliverer.deliver(result, run, timings: laps) }
      try await conclude(outcome, result, run, held)
    } catch let interruption as Inferrer.Interruption {
      switch interruption {
      case .superseded: superseded(run, held)
      case .drained: await handBack(run, held, begun: true)
      case .cancelled:
        let error = TaskError(.cancelled, .infer, "the task was cancelled")
        try await conclude(try await deliverer.close(run, .cancelled, error), nil, run, held)
      }
    } catch is CancellationError {
      await handBack(run, held, begun: way.hadEngine)
    } catch {
      try await failed(TaskError(error, code: .storeFailed, stage: .deliver), run, held, way)
    }
  }

  private func infer(_ prepared: PreparedInference, _ run: ClaimedRun, _ way: Way) async throws -> InferenceAnswer {
    try await withThrowingTaskGroup(of: Void.self) { group in
      let record = await run.entry.record
      if configuration.announcesStart || record.options.webhook?.whenRunning == true {
        // Told beside the engine's work; a start that could not be told is no failure.
        group.addTask {
          guard let notice = Notices(record, store: deliverer.store).running() else { return }
          _ = try? await deliverer.events.publish(notice.publication)
        }
      }
      let answer = try await inferrer.run(prepared, run, reportsProgress: engine.reportsProgress) { way.engineIsFree() }
      way.engineIsFree()
      return answer
    }
  }

  /// Waits for the engine; `false` when draining began first.
  private func takeEngine(_ way: Way) async throws -> Bool {
    guard try await drain.interrupting({ try await way.takeEngine() }) != nil else { return false }
    if drain.isDraining { return false }
    return true
  }

  private func conclude(
    _ outcome: Deliverer.Outcome, _ result: InferenceResult?, _ run: ClaimedRun, _ held: HeldLease
  ) async throws {
    guard case .ended(let entry) = outcome else { return superseded(run, held) }
    tally.count(entry.record.state == .failed ? .failed : .succeeded)
    log(entry, "ended")
    try await deliverer.announce(entry, result: result)
    try await finish(held)
  }

  private func failed(_ error: TaskError, _ run: ClaimedRun, _ held: HeldLease, _ way: Way) async throws {
    let attempts = await run.entry.record.attempts
    logger.warning(
      "attempt failed",
      metadata: [
        "task": "\(run.key)", "attempt": "\(attempts)", "code": "\(error.code.rawValue)",
        "stage": "\(error.stage.rawValue)", "error": "\(error.message)",
      ])
    if error.code == .engineTimeout || error.code == .engineUnreachable { engine.suspect() }
    guard error.retryable, attempts < configuration.maximumAttempts else {
      let outcome = try await deliverer.close(run, .failed, error)
      guard case .ended(let entry) = outcome, error.retryable else {
        return try await conclude(outcome, nil, run, held)
      }
      tally.count(.failed)
      try await deliverer.announce(entry, result: nil)
      return try await bury(held, DeadLetterReason(code: error.code.rawValue, message: error.message))
    }
    _ = try? await run.write { record in
      record.state = .queued
      record.claim?.messageID = ""  // whoever receives any message of this run may go on with it
      record.error = error
      if !way.hadEngine { record.attempts -= 1 }
    }
    await giveBack(held, after: backoff(attempts))
  }

  // MARK: Ends of leases

  /// The run goes on elsewhere or later: the claim is taken off, the message is due at once.
  private func handBack(_ run: ClaimedRun, _ held: HeldLease, begun: Bool) async {
    tally.count(.givenBack)
    await shielded(limit: .seconds(5), clocks: clocks) {
      _ = try? await run.write { record in
        record.state = .queued
        record.claim?.messageID = ""
        record.startedAt = nil
        // An attempt that we broke off ourselves says nothing about the task.
        record.attempts -= 1
      }
      _ = try await held.abandon(after: .zero)
    }
    logger.info("given back", metadata: ["task": "\(run.key)", "begun": "\(begun)"])
  }

  private func superseded(_ run: ClaimedRun, _ held: HeldLease) {
    logger.notice("another worker has taken over", metadata: ["task": "\(run.key)"])
    held.letGo()
  }

  private func giveBack(_ held: HeldLease, after delay: Duration) async {
    let delay = drain.isDraining ? .zero : delay
    await shielded(limit: .seconds(5), clocks: clocks) { _ = try await held.abandon(after: delay) }
  }

  private func finish(_ held: HeldLease) async throws {
    let outcome = try await deliverer.patience.trying("completing \(held.lease.messageID)") {
      try await held.complete()
    }
    if outcome != .done {
      logger.notice(
        "the lease had run out before its message was completed",
        metadata: ["message": "\(held.lease.messageID)", "outcome": "\(outcome)"])
    }
  }

  private func bury(_ held: HeldLease, _ reason: DeadLetterReason) async throws {
    logger.error(
      "to the dead-letter queue",
      metadata: ["message": "\(held.lease.messageID)", "code": "\(reason.code)", "reason": "\(reason.message)"])
    _ = try await held.deadLetter(reason)
  }

  private func backoff(_ attempt: Int) -> Duration {
    let delay = configuration.retryDelay * (1 << min(max(attempt - 1, 0), 10))
    return min(delay, configuration.maximumRetryDelay) * Double.random(in: 0.5...1)
  }

  private func log(_ entry: LedgerEntry, _ message: Logger.Message) {
    let record = entry.record
    logger.info(
      message,
      metadata: [
        "task": "\(record.key)", "state": "\(record.state.rawValue)", "attempt": "\(record.attempts)",
        "outputs": "\(record.outputs.count)",
      ])
  }
}

/// One task's way past the engine: what it took is given up once, whatever happens.
final class Way: Sendable {
  private struct State {
    var receivedAt: MonotonicInstant
    var engineSince: MonotonicInstant?
    var hadEngine = false
    var departed = false
  }

  private let gate: EngineGate
  private let clocks: Clocks
  private let state: Mutex<State>

  init(gate: EngineGate, clocks: Clocks) {
    (self.gate, self.clocks) = (gate, clocks)
    state = Mutex(State(receivedAt: clocks.instant))
  }

  /// Whether the task had the engine.
  var hadEngine: Bool { state.withLock { $0.hadEngine } }

  func takeEngine() async throws {
    let readyAt = clocks.instant
    try await gate.take()
    let prepared: Duration? = state.withLock {
      $0.engineSince = clocks.instant
      $0.hadEngine = true
      if $0.departed { return nil }
      $0.departed = true
      return $0.receivedAt.duration(to: readyAt)
    }
    gate.depart(prepared: prepared)
  }

  /// The engine can take the next.
  func engineIsFree() {
    let ran: Duration? = state.withLock { state in
      defer { state.engineSince = nil }
      return state.engineSince?.duration(to: clocks.instant)
    }
    if let ran { gate.giveUp(ran: ran) }
  }

  /// The task is through, one way or another.
  func leave() {
    let (hadEngine, departed) = state.withLock { state in
      defer { (state.engineSince, state.departed) = (nil, true) }
      return (state.engineSince != nil, state.departed)
    }
    if hadEngine { gate.giveUp(ran: nil) }
    if !departed { gate.depart(prepared: nil) }
  }
}

/// Seconds by stage.
struct Stopwatch: Sendable {
  private let clocks: Clocks
  private var since: MonotonicInstant
  private(set) var laps: [String: Double] = [:]

  init(_ clocks: Clocks) { (self.clocks, since) = (clocks, clocks.instant) }

  mutating func lap(_ name: String) {
    let now = clocks.instant
    laps[name] = since.duration(to: now).seconds
    since = now
  }
}
