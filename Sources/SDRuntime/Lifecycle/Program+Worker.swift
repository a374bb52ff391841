import FoundationEssentials
import Logging
import SDCore
public import ServiceLifecycle
import Synchronization

extension Program {
  /// The services of a program that works on one runtime's tasks until it is told to end.
  public func workerServices() async throws -> [any Service] {
    try await services(around: composition.worker(), environment: ProcessInfo.processInfo.environment)
  }

  /// Runs a program that works on a number of tasks and ends.
  public static func runJob(_ name: String, options: [any ConfigurationOptions], file: String?) async -> Status {
    let composed = Mutex<ComposedWorker?>(nil)
    return await run(
      name, options: options, file: file,
      services: { program in
        let worker = try await program.composition.worker(isJob: true)
        composed.withLock { $0 = worker }
        return try program.services(
          around: worker, environment: ProcessInfo.processInfo.environment, isJob: true)
      },
      end: { program in
        guard let worker = composed.withLock({ $0 }) else { return .broken }
        return await program.end(of: worker)
      },
      broken: { configuration in
        // An engine that goes on keeps the pod of a job that never began.
        let ending = configuration.without(.queue, .topic)
        guard let composition = try? Composition(ending, logger: Logger(label: name)) else { return }
        var backend = composed.withLock { $0?.backend }
        if backend == nil { backend = try? await composition.backend() }
        await composition.stopWhatIsBeside(backend)
      })
  }

  private func services(
    around composed: ComposedWorker, environment: [String: String], isJob: Bool = false
  ) throws -> [any Service] {
    let others = try health(of: composed) + marker(of: composed, environment: environment)
    guard let watch = try spotWatch(of: composed) else { return others + [composed.worker] }
    let worker: any Service = isJob ? composed.worker : LingeringWorker(worker: composed.worker, watch: watch)
    return others + [watch, worker]
  }

  private func spotWatch(of composed: ComposedWorker) throws -> SpotWatch? {
    let wanted = composition.configuration.text(.spotNotices) ?? "off"
    guard wanted != "off" else { return nil }
    return SpotWatch(
      notices: try composition.context.spotNotices(withRebalances: wanted == "all"), clocks: composition.context.clocks,
      logger: logger,
      onNotice: { composed.worker.beginDrain() })
  }

  private func marker(of composed: ComposedWorker, environment: [String: String]) throws -> [any Service] {
    let configuration = composition.configuration
    guard configuration.boolean(.markPod) == true else { return [] }
    let api = try KubernetesAPI(
      environment: environment, folder: configuration.text(.serviceAccount) ?? KubernetesAPI.defaultFolder)
    return [
      PodMarker(
        clocks: composition.context.clocks, logger: logger, annotate: { try await api.annotate($0) },
        isBusy: { composed.worker.isBusy })
    ]
  }

  private func health(of composed: ComposedWorker) -> [any Service] {
    guard let port = composition.configuration.count(.healthPort) else { return [] }
    let answers = HealthService.Answers(
      isReady: { composed.worker.isReady }, metrics: { [metrics] in metrics.prometheusText() })
    // Shut down in reverse order: the health port outlives the drain.
    return [
      HealthService(port: port, logger: logger, answers: answers)
    ] + composed.queues.map { QueueGauge($0, clocks: composition.context.clocks, logger: logger) }
  }

  private func end(of composed: ComposedWorker) async -> Status {
    let summary = composed.worker.summary
    logger.info(
      "job ended",
      metadata: [
        "taken": "\(summary.taken)", "succeeded": "\(summary.succeeded)", "failed": "\(summary.failed)",
        "given_back": "\(summary.givenBack)",
      ])
    await composition.stopWhatIsBeside(composed.backend)
    if summary.failed > 0 { return .failed }
    if summary.engineWasAway { return .broken }
    let empty = composition.configuration.count(.emptyStatus) ?? 0
    return summary.taken == 0 ? Status(rawValue: Int32(empty)) : .fine
  }

}

extension Composition {
  /// Ends engine and sidecars, where the pod has no other means to end them.
  fileprivate func stopWhatIsBeside(_ backend: (any InferenceBackend)?) async {
    let logger = context.logger
    if configuration.boolean(.stopEngine) == true, let backend {
      do {
        let hasCall = try await backend.stop()
        logger.info(hasCall ? "the engine was asked to end" : "the engine has no call to end it")
      } catch {
        logger.warning("the engine could not be asked to end", metadata: ["error": "\(error)"])
      }
    }
    let names = (configuration.text(.stopProcesses) ?? "").split(separator: ",")
      .map { String($0).trimmingPrefix(while: \.isWhitespace) }.map(String.init).filter { !$0.isEmpty }
    guard !names.isEmpty else { return }
    let processes = PodProcesses(names: names, clocks: context.clocks, logger: logger)
    if await !processes.end() {
      logger.error("processes beside the job go on", metadata: ["names": "\(names.joined(separator: ","))"])
    }
  }
}
