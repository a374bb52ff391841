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
    let answering = Flag()
    let watch = self
    return try await withThrowingTaskGroup(of: InferenceAnswer?.self) { group in
      group.addTask {
        try await watch.backend.run(prepared) {
          answering.raise()
          onFree()
        }
      }
      group.addTask {
        try await watch.guardRun(prepared, run, reportsProgress: reportsProgress, answering: answering)
        return nil
      }
      defer { group.cancelAll() }
      do {
        while let answer = try await group.next() { if let answer { return answer } }
        throw CancellationError()
      } catch {
        // Once the answer has begun, the engine works on the next task, which is none of ours to stop. The exchange goes
        // on meanwhile, so that the engine is known to be at this task still.
        if !answering.isRaised { await interrupt(prepared, because: error) }
        throw error
      }
    }
  }

  /// Returns never; throws what ends the run.
  private func guardRun(
    _ prepared: PreparedInference, _ run: ClaimedRun, reportsProgress: Bool, answering: Flag
  ) async throws {
    let begun = clocks.instant
    let deadline = begun.advanced(by: configuration.inferenceTimeout)
    var moved = (at: begun, fraction: -1.0)
    while true {
      var next = clocks.instant.advanced(by: configuration.cancelInterval)
      next = min(next, deadline)
      if let end = drain.deadline { next = min(next, end) }
      let step = next
      _ = try await interruptedByDrain { try await clocks.monotonic.sleep(until: step, tolerance: nil) }
      let now = clocks.instant
      if let end = drain.deadline, now >= end { throw Interruption.drained }
      if now >= deadline {
        throw TaskError(.engineTimeout, .infer, "the engine did not end within \(configuration.inferenceTimeout.text)")
      }
      // A ledger that cannot be asked now is asked at the commit.
      switch try? await run.standing(notOlderThan: .zero) {
      case .cancelled where !answering.isRaised: throw Interruption.cancelled
      case .superseded: throw Interruption.superseded
      default: break
      }
      guard reportsProgress, !answering.isRaised else { continue }
      let isWatched = (try? await ledger.isWatched(run.key)) == true
      let progress = try? await backend.progress(of: prepared, withPreview: isWatched)
      if let progress, progress.fraction != moved.fraction { moved = (clocks.instant, progress.fraction) }
      if progress != nil, moved.at.duration(to: clocks.instant) > configuration.stallTimeout {
        throw TaskError(
          .engineTimeout, .infer, "the engine has made no progress for \(configuration.stallTimeout.text)")
      }
      if let progress, isWatched { try? await ledger.setProgress(progress, of: run.key) }
    }
  }

  /// Sleeps, but wakes when draining begins, so that a grace shorter than the interval holds.
  private func interruptedByDrain(_ sleep: @escaping @Sendable () async throws -> Void) async throws {
    if drain.isDraining { return try await sleep() }
    _ = try await drain.interrupting { try await sleep() }
  }

  private func interrupt(_ prepared: PreparedInference, because error: any Error) async {
    let stops: Bool =
      switch error {
      case let error as TaskError: error.code == .engineTimeout
      default: true
      }
    guard stops else { return }
    logger.info("interrupting the engine", metadata: ["task": "\(prepared.request.key)"])
    await shielded(limit: .seconds(5), clocks: clocks) { try await backend.interrupt(prepared) }
  }
}

extension Duration {
  /// For messages: `90 s`, `1.5 s`.
  var text: String {
    let value = seconds
    return value == value.rounded() ? "\(Int(value)) s" : "\(value) s"
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

/// Does clean-up work that a cancelled task must still do, for a bounded time. It is an unstructured task for that reason
/// alone, and is awaited.
func shielded(
  limit: Duration, clocks: Clocks, _ body: @escaping @Sendable () async throws -> Void
) async {
  await Task {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { try? await body() }
      group.addTask { try? await clocks.sleep(for: limit) }
      await group.next()
      group.cancelAll()
    }
  }.value
}
