import Logging
import SDCore
public import ServiceLifecycle
import Synchronization

extension Program {
  /// The services of a program that works on one runtime's tasks until it is told to end.
  public func workerServices() async throws -> [any Service] {
    try await services(around: composition.worker())
  }

  /// Runs a program that works on a number of tasks and ends.
  public static func runJob(_ name: String, options: [any ConfigurationOptions], file: String?) async -> Status {
    let composed = Mutex<ComposedWorker?>(nil)
    return await run(
      name, options: options, file: file,
      services: { program in
        let worker = try await program.composition.worker(isJob: true)
        composed.withLock { $0 = worker }
        return program.services(around: worker)
      },
      end: { program in
        guard let worker = composed.withLock({ $0 }) else { return .broken }
        return await program.end(of: worker)
      })
  }

  private func services(around composed: ComposedWorker) -> [any Service] {
    guard let port = composition.configuration.count(.healthPort) else { return [composed.worker] }
    // Shut down in reverse order: the health port outlives the drain.
    return [HealthService(port: port, logger: logger) { composed.worker.isReady }, composed.worker]
  }

  private func end(of composed: ComposedWorker) async -> Status {
    let summary = composed.worker.summary
    logger.info(
      "job ended",
      metadata: [
        "taken": "\(summary.taken)", "succeeded": "\(summary.succeeded)", "failed": "\(summary.failed)",
        "given_back": "\(summary.givenBack)",
      ])
    if composition.configuration.boolean(.stopEngine) == true {
      do {
        let stopped = try await composed.backend.stop()
        logger.info(stopped ? "engine stopped" : "the engine has no call to stop it")
      } catch {
        logger.warning("stopping the engine failed", metadata: ["error": "\(error)"])
      }
    }
    return summary.failed > 0 ? .failed : .fine
  }
}
