import Logging
import Synchronization

/// Whether the engine is there. Nothing is received while it is not, so that no receive count climbs for its absence.
final class EngineWatch: Sendable {
  private struct State {
    var isReady = false
    /// Whether it may still work on something that we have given up.
    var isSuspect = false
    /// Counts suspicions, so that news from before one is not taken for an answer to it.
    var suspicions = 0
    /// When it was last seen to be well; old news is asked anew.
    var seenAt: MonotonicInstant?
    var description: EngineDescription?
  }

  private let backend: any InferenceBackend
  private let interval: Duration
  private let clocks: Clocks
  private let logger: Logger
  private let metrics: WorkerMetrics
  private let state = Mutex(State())
  /// News this young is believed.
  private static let freshness = Duration.seconds(5)

  init(
    _ backend: any InferenceBackend, interval: Duration, clocks: Clocks, logger: Logger, metrics: WorkerMetrics
  ) {
    (self.backend, self.interval, self.clocks, self.logger) = (backend, interval, clocks, logger)
    self.metrics = metrics
  }

  /// Whether the engine was there when last asked.
  var isReady: Bool { state.withLock { $0.isReady } }
  /// Whether it tells progress.
  var reportsProgress: Bool { state.withLock { $0.description?.reportsProgress ?? false } }

  /// Returns once the engine is there.
  func ready() async throws {
    let isFresh = state.withLock {
      $0.isReady && $0.seenAt.map { $0.duration(to: clocks.instant) < Self.freshness } == true
    }
    if isFresh { return }
    var pause = Duration.milliseconds(20)
    var hasTold = false
    while true {
      let suspicions = state.withLock { $0.suspicions }
      guard let reason = await reasonToWait() else {
        if try await welcome(suspicions) { return }
        continue
      }
      try Task.checkCancellation()
      if !hasTold { logger.notice("waiting for the engine", metadata: ["reason": "\(reason)"]) }
      hasTold = true
      try await clocks.sleep(for: pause)
      pause = min(pause * 2, interval)
    }
  }

  /// Whether the engine is there for a task that is ready for it; given a moment where something went wrong before.
  func isWell(within limit: Duration) async throws -> Bool {
    if isReady { return true }
    do {
      try await limited(to: limit, "waiting for the engine", clocks: clocks) { try await self.ready() }
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      return false
    }
    return true
  }

  /// Something went wrong with it: the next task waits until it answers, and until it is idle where it tells.
  func suspect() {
    state.withLock {
      ($0.isReady, $0.isSuspect, $0.seenAt, $0.description) = (false, true, nil, nil)
      $0.suspicions += 1
      metrics.engine(isReady: false)
    }
  }

  private func reasonToWait() async -> String? {
    switch await backend.status() {
    case .ready(let busy):
      let isSuspect = state.withLock { $0.isSuspect }
      return isSuspect && busy == true ? "it still works on what was given up" : nil
    case .unavailable(let reason):
      state.withLock {
        ($0.isReady, $0.seenAt, $0.description) = (false, nil, nil)
        metrics.engine(isReady: false)
      }
      return reason
    }
  }

  /// Takes note of an engine that is there; `false` if something went wrong with it meanwhile.
  private func welcome(_ suspicions: Int) async throws -> Bool {
    if state.withLock({ $0.description == nil }) {
      let description = try await backend.describe()
      state.withLock { $0.description = description }
      logger.info(
        "the engine is ready",
        metadata: ["engine": "\(description.name)", "model": "\(description.loadedModel ?? "unknown")"])
    }
    return state.withLock {
      guard $0.suspicions == suspicions else { return false }
      ($0.isReady, $0.isSuspect, $0.seenAt) = (true, false, clocks.instant)
      metrics.engine(isReady: true)
      return true
    }
  }
}
