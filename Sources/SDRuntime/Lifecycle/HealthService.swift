import Logging
import SDCore
import ServiceLifecycle
import Synchronization

/// Answers `GET /healthz`, `/readyz` and `/metrics` on every address: all that a worker serves, without a server library.
///
/// One thread waits on all connections at once and gives each two seconds: whoever connects and says nothing keeps no probe
/// waiting. Alive means that the process answers.
struct HealthService: Service {
  /// What is answered.
  struct Answers: Sendable {
    /// 200 or 503.
    var isReady: @Sendable () -> Bool
    /// Prometheus' text.
    var metrics: @Sendable () -> String
  }

  private let port: Int
  private let logger: Logger
  private let answers: Answers
  private let onReady: @Sendable (Int) -> Void

  init(port: Int, logger: Logger, answers: Answers, onReady: @escaping @Sendable (Int) -> Void = { _ in }) {
    (self.port, self.logger, self.answers, self.onReady) = (port, logger, answers, onReady)
  }

  func run() async throws {
    let listener = try HealthListener(port: port)
    logger.info("health", metadata: ["port": "\(listener.port)"])
    onReady(listener.port)
    let answers = answers
    await withTaskCancellationOrGracefulShutdownHandler {
      await withCheckedContinuation { continuation in
        HealthListener.startThread {
          listener.serve(answers)
          continuation.resume()
        }
      }
    } onCancelOrGracefulShutdown: {
      listener.stop()
    }
  }
}
