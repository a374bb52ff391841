import Logging
public import SDCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A worker and the parts that its program still needs.
public struct ComposedWorker: Sendable {
  /// The service.
  public let worker: Worker
  /// What drives its engine.
  public let backend: any InferenceBackend
  /// Where it receives: its queue, and the one for urgent tasks where there is one.
  public let queues: [any MessageQueue]
}

extension Composition {
  /// The worker of a program that serves one runtime.
  ///
  /// - Parameter isJob: whether it takes a number of tasks and ends, as `sd-job` does.
  public func worker(isJob: Bool = false) async throws -> ComposedWorker {
    let runtime = try knownRuntime()
    let ordinary = try await queue()
    guard let address = try priorityQueueAddress(of: runtime) else {
      return try await worker(
        for: runtime, queue: ordinary, store: store(), ledger: ledger(), events: events(), isJob: isJob)
    }
    let urgent = try await registry.queues.make(address, in: context)
    let both = UrgentFirstQueue(urgent: urgent, ordinary: ordinary, clocks: context.clocks)
    let composed = try await worker(
      for: runtime, queue: both, store: store(), ledger: ledger(), events: events(), isJob: isJob)
    return ComposedWorker(worker: composed.worker, backend: composed.backend, queues: [ordinary, urgent])
  }

  /// The queue for urgent tasks: what was configured, else what the runtime's description names beside the topic.
  private func priorityQueueAddress(of runtime: RuntimeDescription?) throws(SDError) -> ConfigurationValue? {
    if let address = configuration[.priorityQueue] { return address }
    guard let runtime, let name = runtime.priorityQueue else { return nil }
    if PluginURI(name) != nil { return ConfigurationValue(name, from: .runtime(runtime.name)) }
    guard let topic = configuration[.topic] else {
      throw SDError(
        .configuration,
        "the urgent tasks of runtime \(runtime.name) wait in \(name): say its address in priority-queue")
    }
    return try queueAddress(name, of: runtime, beside: topic)
  }

  /// A worker of one runtime on parts that others share.
  ///
  /// - Parameter other: one that drives the same engine already, where there is one.
  public func worker(
    for runtime: RuntimeDescription?, queue: any MessageQueue, store: any ObjectStore, ledger: any TaskLedger,
    events: any EventTopic, isJob: Bool = false, beside other: ComposedWorker? = nil
  ) async throws -> ComposedWorker {
    let backend = if let other { other.backend } else { try await backend() }
    let name = [Self.hostName, "\(getpid())", runtime?.name].compactMap(\.self).joined(separator: "-")
    let worker = Worker(
      queue: queue, ledger: ledger, store: store, events: events, backend: backend,
      inputs: try registry.inputs(store, context), outputs: registry.outputs,
      configuration: workerConfiguration(name, runtime, isJob: isJob),
      clocks: context.clocks, logger: context.logger, beside: other?.worker)
    return ComposedWorker(worker: worker, backend: backend, queues: [queue])
  }

  /// How a worker goes about its work: what was configured, then what its runtime is, then the defaults.
  func workerConfiguration(_ name: String, _ runtime: RuntimeDescription?, isJob: Bool) -> WorkerConfiguration {
    var worker = WorkerConfiguration(name: name)
    worker.version = Program.version
    worker.runtime = runtime?.name ?? configuration.text(.runtime)
    worker.model = configuration.text(.model) ?? runtime?.model
    worker.dynamicModel = configuration.boolean(.dynamicModel) ?? runtime?.dynamicModel ?? false
    worker.maximumTasks = configuration.count(.maximumTasks)
    worker.looksAhead = configuration.boolean(.lookAhead) ?? worker.looksAhead
    worker.announcesStart = configuration.boolean(.announceStart) ?? worker.announcesStart
    worker.visibility = configuration.duration(.visibility) ?? worker.visibility
    worker.grace = configuration.duration(.grace) ?? worker.grace
    worker.maximumAttempts = configuration.count(.maximumAttempts) ?? worker.maximumAttempts
    worker.inferenceTimeout = configuration.duration(.inferenceTimeout) ?? worker.inferenceTimeout
    worker.stallTimeout = configuration.duration(.stallTimeout) ?? worker.stallTimeout
    worker.memoryBudget = configuration.bytes(.memoryBudget) ?? worker.memoryBudget
    worker.prefersLoadedModel = configuration.boolean(.modelAffinity) ?? worker.prefersLoadedModel
    worker.warmUp = configuration.size(.warmUp)
    worker.engineMemoryLimit = configuration.bytes(.engineMemoryLimit)
    worker.outputs.metadata = configuration.text(.outputMetadata).flatMap(OutputOptions.Metadata.init)
    if isJob {
      worker.maximumTasks = worker.maximumTasks ?? 1
      worker.looksAhead = false
      worker.endsWhenEmpty = true
      worker.receiveWait = .seconds(2)
      worker.engineWait = configuration.duration(.engineWait) ?? worker.engineWait
    }
    return worker
  }

  /// What the catalog says of the runtime, where there is one; a worker can do without.
  private func knownRuntime() throws(SDError) -> RuntimeDescription? {
    guard let name = configuration.text(.runtime), let path = configuration.text(.runtimes),
      RuntimesFile(path).exists
    else { return nil }
    let catalog = try RuntimeCatalog(contentsOf: path)
    if let runtime = catalog.runtime(named: name) { return runtime }
    let known = catalog.runtimes.map(\.name).joined(separator: ", ")
    context.logger.warning(
      "no door will send tasks to this runtime",
      metadata: ["runtime": "\(name)", "file": "\(path)", "known": "\(known)"])
    return nil
  }

  private static var hostName: String? {
    var bytes = [CChar](repeating: 0, count: 256)
    guard gethostname(&bytes, bytes.count - 1) == 0 else { return nil }
    return String(validating: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
