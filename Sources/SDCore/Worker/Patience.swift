import Logging

/// How long steps are tried again that must not be lost: what the engine made is dear, and the lease is kept alive.
struct Patience: Sendable {
  let clocks: Clocks
  let drain: Drain
  let logger: Logger
  let metrics: WorkerMetrics
  /// Tries of one step; with the delays below about two minutes.
  private static let tries = 12
  private static let longestDelay = Duration.seconds(20)

  /// Does a step, again and again while it fails in ways that pass.
  @discardableResult
  func trying<Value>(_ what: String, _ step: () async throws -> Value) async throws -> Value {
    var delay = Duration.milliseconds(100)
    for attempt in 1... {
      do { return try await step() } catch let error as SDError where error.isRetryable && attempt < Self.tries {
        if let deadline = drain.deadline, clocks.instant.advanced(by: delay) > deadline { throw error }
        metrics.retried(error.code.rawValue)
        logger.warning("\(what) failed, trying again", metadata: ["try": "\(attempt)", "error": "\(error)"])
      }
      try await clocks.sleep(for: delay * Double.random(in: 0.5...1))
      delay = min(delay * 2, Self.longestDelay)
    }
    throw SDError(.internal, "\(what) was never done")
  }
}
