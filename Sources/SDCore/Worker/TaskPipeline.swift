import Logging
import Tracing

/// A task's way through the worker, from its receive to its end.
struct TaskPipeline: Sendable {
  let claimer: Claimer
  let preparer: Preparer
  let inferrer: Inferrer
  let finisher: any OutputFinisher
  let deliverer: Deliverer
  let events: any EventTopic
  let engine: EngineWatch
  let drain: Drain
  let hindrance: Hindrance
  let tally: Tally
  let configuration: WorkerConfiguration
  let clocks: Clocks
  let logger: Logger
  let metrics: WorkerMetrics

  /// Works on one message to whatever end. Never throws: what cannot be ended comes back after its visibility.
  func process(_ held: HeldLease, _ way: Way) async {
    defer {
      way.leave()
      held.letGo()
    }
    do {
      let task: ReceivedTask
      do { task = try await ReceivedTask(held.lease, ledger: claimer.ledger) } catch let problem as RequestProblem {
        way.leave()
        return try await bury(held, DeadLetterReason(code: "poison", message: "\(problem)"))
      }
      var context = ServiceContext.topLevel
      context.trace = TraceContext(attributes: task.attributes)
      try await withSpan("task", context: context, ofKind: .consumer) { span in
        span.attributes["task.id"] = task.request.key.id
        span.attributes["task.type"] = task.request.type.rawValue
        try await process(task, held, way)
      }
    } catch let error as SDError where error.code == .corrupt {
      way.leave()
      // No try will make it whole again, and there may be more to be had from the rest.
      do { try await bury(held, DeadLetterReason(code: "corrupt", message: error.message)) } catch {
        await giveBack(held, after: backoff(held.lease.receiveCount))
      }
    } catch {
      way.leave()
      logger.warning(
        "a message could not be worked on, giving it back",
        metadata: ["message": "\(held.lease.messageID)", "error": "\(error)"])
      let delay = backoff(held.lease.receiveCount)
      if Hindrance.mayBe(error) { hindrance.isMet() }
      let mayPass = (error as? SDError)?.isRetryable == true
      await giveBack(held, after: mayPass ? min(delay, Hindrance.longest) : delay)
    }
  }

  /// Closes the run whose letter opened the present one, where nobody has: the queue itself had moved its message, since
  /// its consumers died or gave it back too often.
  private func closeRun(before entry: LedgerEntry) async throws {
    let key = entry.record.key
    guard key.run > 1, let before = try await claimer.ledger.read(RunKey(key.task, run: key.run - 1)),
      !before.record.state.isTerminal
    else { return }
    let closer = RunCloser(
      ledger: claimer.ledger, store: claimer.store, events: events, clocks: clocks, logger: logger)
    _ = try await closer.fail(
      before,
      TaskError(
        .attemptsExhausted, .receive,
        "the task was handed out too often and never ended; an operator sent it back, as run \(key.run)"))
  }

  private func process(_ task: ReceivedTask, _ held: HeldLease, _ way: Way) async throws {
    // What another may hold by now is not to be claimed from it.
    guard held.isOurs(at: clocks.instant) else { return tooLate(held) }
    let decision = try await claimer.claim(task, lease: held.lease)
    hindrance.isOver()
    if task.isRedriven { try await closeRun(before: decision.entry) }
    // Whatever else is to be done needs no engine: the next message need not wait for it.
    if case .work = decision {} else { way.leave() }
    switch decision {
    case .surplus(let entry):
      log(entry, "a surplus message of a run that another carries")
      try await finish(held)
    case .announce(let entry):
      try await deliverer.announce(entry, result: nil)
      try await finish(held)
    case .exhausted(let entry):
      try await deliverer.announce(entry, result: nil)
      tally.count(.failed)
      try await bury(held, entry)
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
      let ready = try await withSpan("prepare") { _ in
        try await drain.interrupting { try await preparer.prepare(task.request, record, way) }
      }
      guard let ready else { return await handBack(run, held, begun: false) }
      way.weigh(ready.prepared.payload.count)
      stage.lap("prepare")
      async let _ = keepFresh(run, way)
      let hasEngine = try await takeEngine(way, for: ready.prepared.request.model)
      stage.lap("wait")
      // Where it is to be given back, what is known already will do.
      switch try await run.standing(notOlderThan: hasEngine ? .seconds(2) : .seconds(3600)) {
      case .superseded: return superseded(run, held)
      case .cancelled: throw Inferrer.Interruption.cancelled
      case .ours where !hasEngine || !held.isOurs(at: clocks.instant):
        return await handBack(run, held, begun: false)
      case .ours: break
      }
      let (outcome, result) = try await make(ready, run, way, stage)
      try await conclude(outcome, result, run, held)
    } catch let interruption as Inferrer.Interruption {
      way.leaveEngine()
      switch interruption {
      case .superseded: superseded(run, held)
      case .drained: await handBack(run, held, begun: true)
      case .cancelled:
        let error = TaskError(.cancelled, way.hasBegun ? .infer : .prepare, "the task was cancelled")
        try await conclude(try await deliverer.close(run, .cancelled, error), nil, run, held)
      }
    } catch is CancellationError {
      await handBack(run, held, begun: way.hasBegun)
    } catch {
      try await failed(TaskError(error, code: .storeFailed, stage: .deliver), run, held, way)
    }
  }

  /// Has the engine do it, and stores what it makes.
  ///
  /// The start is told beside that: it holds nothing up, a start that cannot be told is no failure, and once the end is
  /// at hand it is not told any more.
  private func make(
    _ ready: ReadyTask, _ run: ClaimedRun, _ way: Way, _ stage: Stopwatch
  ) async throws -> (Deliverer.Outcome, InferenceResult) {
    let record = await run.entry.record
    return try await withThrowingTaskGroup(of: Void.self) { group in
      defer { group.cancelAll() }
      let isAskedFor = configuration.announcesStart || record.options.webhook?.whenRunning == true
      if isAskedFor, let notice = Notices(record, store: deliverer.store).running() {
        group.addTask { _ = try? await events.publish(notice.publication) }
      }
      var stage = stage
      way.begin()
      await run.begin()
      log(await run.entry, "engine started")
      let answer = try await withSpan("infer", ofKind: .client) { _ in
        try await inferrer.run(ready.prepared, run, reportsProgress: engine.reportsProgress) { way.engineIsFree() }
      }
      way.engineIsFree()
      stage.lap("infer")
      way.weigh(answer.byteCount)
      var result = try await answer.finish()
      stage.lap("decode")
      let wishes = ready.making.outputs
      if !wishes.changesNothing {
        let memory = finisher.memory(for: result, wishes)
        guard memory / 2 <= configuration.memoryBudget else { throw Self.tooLarge(memory, configuration.memoryBudget) }
        way.weigh(answer.byteCount + memory)
        result = try await finisher.finish(result, wishes)
        // Pictures that were made anew have taken the answer's place; others are still a part of it.
        way.weigh(max(answer.byteCount, result.byteCount))
        stage.lap("convert")
      }
      let (made, laps) = (result, stage.laps)
      let outcome = try await withSpan("deliver") { _ in
        try await deliverer.deliver(made, ready.making, run, timings: laps)
      }
      stage.lap("deliver")
      for (name, seconds) in stage.laps { metrics.stage(name, took: seconds) }
      return (outcome, made)
    }
  }

  /// A worker has its budget, and as much again for what is on the way: what needs more would end it, and others' tasks.
  private static func tooLarge(_ memory: Int, _ budget: Int) -> TaskError {
    TaskError(
      .outputInvalid, .deliver,
      "storing the pictures as the task wants them may take \(memory >> 20) MiB of memory, more than twice the worker's "
        + "memory-budget of \(budget >> 20) MiB: raise it, or ask for another format", retryable: false)
  }

  /// Waits for the engine; `false` when draining began first, or when it is not to be had.
  private func takeEngine(_ way: Way, for model: String?) async throws -> Bool {
    guard try await way.takeEngine(for: model) else { return false }
    // From here to the engine's start nothing is asked of anybody, unless something went wrong before.
    if !engine.isReady {
      let isThere = try await drain.interrupting { try await engine.isWell(within: configuration.engineSettling) }
      guard isThere == true else { return false }
    }
    if configuration.engineMemoryLimit != nil { _ = try await drain.interrupting { await engine.recycleMemory() } }
    return !drain.isDraining
  }

  /// Looks at the record while the task waits for the engine, so that no look holds its start up, and that one which is
  /// wanted no longer ends at once, however long the engine has others.
  ///
  /// One that waits much longer than it was taken ahead for waits behind a task that takes much longer than those before:
  /// it is sent away, for others to do.
  private func keepFresh(_ run: ClaimedRun, _ way: Way) async {
    let interval = configuration.cancelInterval * 3 / 4
    let end = clocks.instant.advanced(by: configuration.lookAheadMargin * 3)
    while !way.hasBegun {
      do { try await clocks.sleep(for: interval) } catch { return }
      if clocks.instant > end { way.stopWaiting() }
      guard !way.hasBegun, let standing = try? await run.standing(notOlderThan: interval / 2) else { continue }
      if standing != .ours { way.stopWaiting() }
    }
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
    let record = await run.entry.record
    // Only engine starts are attempts; what goes wrong before one is borne longer.
    let (tries, limit) =
      way.hasBegun
      ? (record.attempts, configuration.maximumAttempts)
      : ((record.setbacks ?? 0) + 1, configuration.maximumAttempts * 2)
    logger.warning(
      "attempt failed",
      metadata: [
        "task": "\(run.key)", "try": "\(tries)", "of": "\(limit)", "code": "\(error.code.rawValue)",
        "stage": "\(error.stage.rawValue)", "error": "\(error.message)",
      ])
    if error.code == .engineTimeout || error.code == .engineUnreachable { engine.suspect() }
    way.leaveEngine()
    guard error.retryable, tries < limit else {
      let outcome = try await deliverer.close(run, .failed, error)
      guard case .ended(let entry) = outcome, entry.record.error?.leavesLetter == true else {
        return try await conclude(outcome, nil, run, held)
      }
      tally.count(.failed)
      try await deliverer.announce(entry, result: nil)
      return try await bury(held, entry)
    }
    metrics.retried(error.code.rawValue)
    let hasBegun = way.hasBegun
    _ = try? await run.write { record in
      record.state = .queued
      record.claim?.messageID = ""  // whoever receives any message of this run may go on with it
      record.error = error
      if !hasBegun { record.setbacks = tries }
    }
    await giveBack(held, after: backoff(tries))
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
        if begun { record.attempts -= 1 }
      }
      _ = try await held.abandon(after: .zero)
    }
    logger.info("given back", metadata: ["task": "\(run.key)", "begun": "\(begun)"])
  }

  private func superseded(_ run: ClaimedRun, _ held: HeldLease) {
    logger.notice("another worker has taken over", metadata: ["task": "\(run.key)"])
    held.letGo()
  }

  private func tooLate(_ held: HeldLease) {
    tally.count(.givenBack)
    logger.notice("the lease had run out before its task was claimed", metadata: ["message": "\(held.lease.messageID)"])
    held.extended(.lost, until: held.lease.deadline)
    held.letGo()
  }

  private func giveBack(_ held: HeldLease, after delay: Duration) async {
    let delay = drain.isDraining || Task.isCancelled ? .zero : delay
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

  /// Keeps the letter of a run that has ended; without a dead-letter queue its record tells all there is to tell.
  private func bury(_ held: HeldLease, _ entry: LedgerEntry) async throws {
    guard held.canBeDeadLettered else { return try await finish(held) }
    let error = entry.record.error
    try await bury(held, DeadLetterReason(code: error?.code.rawValue ?? "failed", message: error?.message ?? ""))
  }

  private func bury(_ held: HeldLease, _ reason: DeadLetterReason) async throws {
    logger.error(
      "to the dead-letter queue",
      metadata: ["message": "\(held.lease.messageID)", "code": "\(reason.code)", "reason": "\(reason.message)"])
    try await deliverer.patience.trying("dead-lettering \(held.lease.messageID)") { try await held.deadLetter(reason) }
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
