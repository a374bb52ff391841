import Logging
import Synchronization

/// Has the engine do a prepared task, and watches it: the deadline, a stall, a cancellation, the end of the grace.
struct Inferrer: Sendable {
  /// How it went when it did not go to its end.
  enum Interruption: Error, Sendable {
    /// The client wanted it stopped.
    case cancelled
    /// Another worker has the run.
    case superseded
    /// The worker is being ended.
    case drained
  }

  let backend: any InferenceBackend
  let ledger: any TaskLedger
  let configuration: WorkerConfiguration
  let clocks: Clocks
  let drain: Drain
  let logger: Logger

  /// Runs it. `onFree` is called once, as soon as the engine can take the next.
  func run(
    _ prepared: PreparedInference, _ run: ClaimedRun, reportsProgress: Bool, onFree: @escaping @Sendable () -> Void
  ) async throws -> InferenceAnswer {
    let answering = Answering()
    let watch = self
    return try await withThrowingTaskGroup(of: InferenceAnswer?.self) { group in
      group.addTask {
        try await watch.backend.run(prepared) { if answering.begin() { onFree() } }
      }
      group.addTask {
        try await watch.keepTime()
        return nil
      }
      group.addTask {
        try await watch.look(prepared, run, reportsProgress: reportsProgress, answering: answering)
        return nil
      }
      defer { group.cancelAll() }
      do {
        while let answer = try await group.next() { if let answer { return answer } }
        throw CancellationError()
      } catch {
        // Once the answer has begun, the engine works on the next task, which is none of ours to stop. The exchange goes
        // on meanwhile, so that the engine is known to be at this task still; and an answer that begins while the engine
        // is told gives it to nobody, who would be hit: it is free once this throws.
        if stops(error), answering.giveUp() { await interrupt(prepared) }
        throw error
      }
    }
  }

  /// Throws when the time is over: the attempt's, or the grace once draining has begun. Asks nobody, so that nobody who is
  /// slow to answer makes it late.
  private func keepTime() async throws {
    let deadline = clocks.instant.advanced(by: configuration.inferenceTimeout)
    while true {
      let end = min(deadline, drain.deadline ?? deadline)
      try await interruptedByDrain { try await clocks.monotonic.sleep(until: end, tolerance: nil) }
      let now = clocks.instant
      if let end = drain.deadline, now >= end { throw Interruption.drained }
      if now >= deadline {
        throw TaskError(.engineTimeout, .infer, "the engine did not end within \(configuration.inferenceTimeout.text)")
      }
    }
  }

  /// Looks at record and engine now and then; throws when the run is not to go on.
  private func look(
    _ prepared: PreparedInference, _ run: ClaimedRun, reportsProgress: Bool, answering: Answering
  ) async throws {
    var moved = (at: clocks.instant, fraction: -1.0)
    try await tellStart(run, answering)
    while true {
      try await clocks.sleep(for: configuration.cancelInterval)
      try await judgeStanding(run, answering)
      guard reportsProgress, !answering.hasBegun else { continue }
      let isWatched = (try? await ledger.isWatched(run.key)) == true
      let asked: TaskProgress?
      do { asked = try await backend.progress(of: prepared, withPreview: isWatched) } catch is CancellationError {
        throw CancellationError()
      } catch {
        // An engine that hangs may not tell progress either.
        try judgeStall(since: moved.at)
        continue
      }
      guard let progress = asked else {
        moved.at = clocks.instant
        continue
      }
      if progress.fraction != moved.fraction { moved = (clocks.instant, progress.fraction) }
      try judgeStall(since: moved.at)
      if isWatched { try? await ledger.setProgress(progress, of: run.key) }
    }
  }

  /// Takes the first look, which tells the ledger of the start: at once where somebody has had the run before and did not
  /// bring it to its end. On its first way a run mostly ends before its start is worth a request of its own.
  private func tellStart(_ run: ClaimedRun, _ answering: Answering) async throws {
    try await clocks.sleep(for: run.claim.epoch > 1 ? .zero : configuration.cancelInterval / 8)
    if !answering.hasBegun { try await judgeStanding(run, answering) }
  }

  private func judgeStanding(_ run: ClaimedRun, _ answering: Answering) async throws {
    // A ledger that cannot be asked now is asked at the commit.
    switch try? await run.standing(notOlderThan: .zero) {
    case .cancelled where !answering.hasBegun: throw Interruption.cancelled
    case .superseded: throw Interruption.superseded
    default: break
    }
  }

  private func judgeStall(since moved: MonotonicInstant) throws(TaskError) {
    guard moved.duration(to: clocks.instant) > configuration.stallTimeout else { return }
    throw TaskError(.engineTimeout, .infer, "the engine has made no progress for \(configuration.stallTimeout.text)")
  }

  /// Sleeps, but wakes when draining begins, so that a grace shorter than the interval holds.
  private func interruptedByDrain(_ sleep: @escaping @Sendable () async throws -> Void) async throws {
    if drain.isDraining { return try await sleep() }
    _ = try await drain.interrupting { try await sleep() }
  }

  /// Whether the engine may still work on what ended so.
  private func stops(_ error: any Error) -> Bool {
    switch error {
    case let error as TaskError: error.code == .engineTimeout
    default: true
    }
  }

  private func interrupt(_ prepared: PreparedInference) async {
    logger.info("interrupting the engine", metadata: ["task": "\(prepared.request.key)"])
    await shielded(limit: .seconds(5), clocks: clocks) { try await backend.interrupt(prepared) }
  }
}

/// How an answer is awaited: it begins, which frees the engine, or it is given up before, and then frees nothing.
private final class Answering: Sendable {
  private enum Stage { case awaited, begun, givenUp }
  private let stage = Mutex(Stage.awaited)

  var hasBegun: Bool { stage.withLock { $0 == .begun } }
  /// The answer begins; answers whether that frees the engine.
  func begin() -> Bool { leave(for: .begun) }
  /// The answer is not wanted any more; answers whether it had not begun.
  func giveUp() -> Bool { leave(for: .givenUp) }

  private func leave(for next: Stage) -> Bool {
    stage.withLock { stage in
      guard stage == .awaited else { return false }
      stage = next
      return true
    }
  }
}

/// Something that happens once.
final class Flag: Sendable {
  private let state = Mutex(false)
  var isRaised: Bool { state.withLock { $0 } }
  /// Raises it; answers whether it was down.
  @discardableResult
  func raise() -> Bool {
    state.withLock { state in
      defer { state = true }
      return !state
    }
  }
}
