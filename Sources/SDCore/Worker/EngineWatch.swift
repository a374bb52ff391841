import Logging
import Synchronization

/// Whether the engine is there. Nothing is received while it is not, so that no receive count climbs for its absence.
final class EngineWatch: Sendable {
  private struct State {
    var isReady = false
    /// Whether it may still work on something that we have given up.
    var isSuspect = false
    /// Whether it has to be warmed up: at the start, and when it was away.
    var isCold = true
    /// Counts suspicions, so that news from before one is not taken for an answer to it.
    var suspicions = 0
    /// When it was last seen to be well; old news is asked anew.
    var seenAt: MonotonicInstant?
    var description: EngineDescription?
    /// When its memory is to be looked at next.
    var memoryDueAt: MonotonicInstant?
  }

  private let backend: any InferenceBackend
  private let configuration: WorkerConfiguration
  private let clocks: Clocks
  private let logger: Logger
  private let metrics: WorkerMetrics
  private let state = Mutex(State())
  /// News this young is believed.
  private static let freshness = Duration.seconds(5)
  /// How much more rarely an engine that works with another model than ours is asked than one that is away.
  private static let modelPatience = 20
  /// How often the engine's memory is looked at, and how long an engine is left alone that could not let go of enough.
  private static let memoryInterval = Duration.seconds(30)
  private static let memoryPause = Duration.seconds(600)

  init(
    _ backend: any InferenceBackend, configuration: WorkerConfiguration, clocks: Clocks, logger: Logger,
    metrics: WorkerMetrics
  ) {
    (self.backend, self.configuration, self.clocks, self.logger) = (backend, configuration, clocks, logger)
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
    var told = ""
    while true {
      let suspicions = state.withLock { $0.suspicions }
      var (reason, least) = (await reasonToWait(), Duration.zero)
      if reason == nil {
        do {
          if try await welcome(suspicions) { return }
          continue
        } catch let error as TaskError where error.code == .modelNotFound {
          (reason, least) = (error.message, configuration.enginePollInterval * Self.modelPatience)
        }
      }
      try Task.checkCancellation()
      if let reason, told.isEmpty || (least > .zero && told != reason) {
        logger.log(level: least > .zero ? .error : .notice, "waiting for the engine", metadata: ["reason": "\(reason)"])
        told = reason
      }
      try await clocks.sleep(for: max(pause, least))
      pause = min(pause * 2, configuration.enginePollInterval)
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
        ($0.isReady, $0.isCold, $0.seenAt, $0.description) = (false, true, nil, nil)
        metrics.engine(isReady: false)
      }
      return reason
    }
  }

  /// Takes note of an engine that is there; `false` if something went wrong with it meanwhile.
  ///
  /// - Throws: `model_not_found` where it works with another model than the runtime's.
  private func welcome(_ suspicions: Int) async throws -> Bool {
    if state.withLock({ $0.description == nil }) {
      let description = try await backend.describe()
      if let model = configuration.model, !configuration.dynamicModel { try await backend.verify(model: model) }
      if configuration.warmUp != nil, state.withLock({ $0.isCold }) { try await warmUp() }
      state.withLock { ($0.description, $0.isCold) = (description, false) }
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

  // MARK: Its care

  /// Has it make a small picture, so that no client waits for a model to be loaded. An engine that cannot make this one may
  /// well make others: that is told, and no reason to wait.
  private func warmUp() async throws {
    guard let size = configuration.warmUp else { return }
    let request = InferenceRequest(
      key: RunKey(TaskKey(id: "warm-up"), run: 1), attempt: 1, type: .textToImage, model: configuration.model,
      mayLoadModel: configuration.dynamicModel,
      content: [
        "prompt": "a lighthouse", "steps": 1, "width": .int(size.width), "height": .int(size.height), "seed": 1,
      ], seed: 1)
    logger.info("warming the engine up", metadata: ["size": "\(size.width)x\(size.height)"])
    do {
      try await limited(to: configuration.inferenceTimeout, "warming the engine up", clocks: clocks) { [backend] in
        _ = try await backend.run(try await backend.prepare(request), onAnswer: {}).finish()
      }
    } catch is CancellationError {
      throw CancellationError()
    } catch let error as TaskError where error.code == .engineUnreachable {
      throw error
    } catch {
      logger.warning("the engine could not be warmed up, going on without", metadata: ["error": "\(error)"])
    }
  }

  /// Has an engine that has grown too large let go of what it holds; to be called by whoever has the engine, before its
  /// task is begun.
  func recycleMemory() async {
    guard let limit = configuration.engineMemoryLimit else { return }
    let isDue = state.withLock { state in
      let now = clocks.instant
      if let due = state.memoryDueAt, now < due { return false }
      state.memoryDueAt = now.advanced(by: Self.memoryInterval)
      return true
    }
    guard isDue, let memory = await backend.recycleMemory(above: limit) else { return }
    let isEnough = memory.after <= limit
    if !isEnough { state.withLock { $0.memoryDueAt = clocks.instant.advanced(by: Self.memoryPause) } }
    metrics.engineRecycled()
    logger.log(
      level: isEnough ? .notice : .warning,
      isEnough
        ? "the engine let go of memory" : "the engine holds more than its limit although it let go of its model",
      metadata: ["bytes": "\(memory.after)", "before": "\(memory.before)", "limit": "\(limit)"])
  }
}
