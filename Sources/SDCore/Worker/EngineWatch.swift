import Logging
import Synchronization

/// Whether the engine is there. Nothing is received while it is not, so that no receive count climbs for its absence.
final class EngineWatch: Sendable {
  private struct State {
    var isReady = false
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
      switch await backend.status() {
      case .ready:
        try await welcome()
        return
      case .unavailable(let reason):
        try Task.checkCancellation()
        if !hasTold { logger.notice("waiting for the engine", metadata: ["reason": "\(reason)"]) }
        hasTold = true
        suspect()
      }
      try await clocks.sleep(for: pause)
      pause = min(pause * 2, interval)
    }
  }

  /// Something went wrong with it: ask before the next task.
  func suspect() {
    state.withLock { ($0.isReady, $0.seenAt, $0.description) = (false, nil, nil) }
    metrics.engine(isReady: false)
  }

  private func welcome() async throws {
    let isKnown = state.withLock {
      ($0.isReady, $0.seenAt) = (true, clocks.instant)
      return $0.description != nil
    }
    metrics.engine(isReady: true)
    guard !isKnown else { return }
    let description = try await backend.describe()
    state.withLock { $0.description = description }
    logger.info(
      "the engine is ready",
      metadata: ["engine": "\(description.name)", "model": "\(description.loadedModel ?? "unknown")"])
  }
}
