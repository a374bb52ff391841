public import Logging
public import Metrics
public import ServiceLifecycle
import Synchronization

/// Takes tasks from a queue, has an engine do them, stores what it makes, and tells of the end.
///
/// Its rules are those of a task's life: nothing is completed before it is durable and announced, nothing is done twice
/// where that can be known, and the engine never waits for work that could have been prepared.
///
/// Graceful shutdown drains: nothing new is begun, what runs may end within the grace. Cancelling the task that runs it
/// gives everything back at once.
public final class Worker: Service {
  private let queue: any MessageQueue
  private let configuration: WorkerConfiguration
  private let clocks: Clocks
  private let logger: Logger
  private let drain: Drain
  private let hindrance = Hindrance()
  private let gate: EngineGate
  private let engine: EngineWatch
  private let keeper: LeaseKeeper
  private let tally: Tally
  private let memory: MemoryBudget
  private let leaseTimeIsKnown = Flag()
  private let pipeline: TaskPipeline
  /// Receives that take one message each after one that failed.
  private static let cautiousReceives = 20

  /// A worker; it begins with `run`.
  ///
  /// - Parameter other: a worker that drives the same engine: the two take turns, and end together.
  public init(
    queue: any MessageQueue, ledger: any TaskLedger, store: any ObjectStore, events: any EventTopic = SilentTopic(),
    backend: any InferenceBackend, inputs: any InputSource = NoInputs(),
    outputs: any OutputFinisher = NoOutputChanges(),
    configuration: WorkerConfiguration, clocks: Clocks = .system, logger: Logger = Logger(label: "worker"),
    metricsFactory: any MetricsFactory = MetricsSystem.factory, beside other: Worker? = nil
  ) {
    let metrics = WorkerMetrics(runtime: configuration.runtime, factory: metricsFactory)
    self.queue = queue
    self.configuration = configuration
    self.clocks = clocks
    self.logger = logger
    drain = Drain(clocks: clocks, grace: configuration.grace)
    tally = Tally(metrics: metrics)
    memory = MemoryBudget(configuration.memoryBudget)
    gate =
      other?.gate
      ?? EngineGate(
        prefersLoadedModel: configuration.prefersLoadedModel && configuration.dynamicModel, clocks: clocks,
        metrics: metrics)
    engine = EngineWatch(backend, configuration: configuration, clocks: clocks, logger: logger, metrics: metrics)
    keeper = LeaseKeeper(
      queue: queue, visibility: configuration.visibility, clocks: clocks, logger: logger, metrics: metrics)
    pipeline = TaskPipeline(
      claimer: Claimer(
        ledger: ledger, store: store, configuration: configuration, clocks: clocks, metrics: metrics),
      preparer: Preparer(backend: backend, inputs: inputs, configuration: configuration),
      inferrer: Inferrer(
        backend: backend, ledger: ledger, configuration: configuration, clocks: clocks, drain: drain, logger: logger),
      finisher: outputs,
      deliverer: Deliverer(
        store: store, ledger: ledger, announcer: Announcer(store: store, events: events), clocks: clocks,
        patience: Patience(clocks: clocks, drain: drain, logger: logger, metrics: metrics), logger: logger,
        metrics: metrics),
      events: events, engine: engine, drain: drain, hindrance: hindrance, tally: tally, configuration: configuration,
      clocks: clocks,
      logger: logger, metrics: metrics)
  }

  /// What has come of the tasks so far.
  public var summary: WorkerSummary { tally.summary }

  /// Whether tasks are being taken: the engine is there, and nothing is being shut down.
  public var isReady: Bool { engine.isReady && !drain.isDraining }

  /// Whether a task is in its hands, in whatever stage.
  public var isBusy: Bool { tally.held > 0 }

  /// Bytes of the requests, inputs, answers and outputs in its hands or on their way, and of what changing them takes.
  var heldBytes: Int { memory.load.bytes }

  /// Works until drained or cancelled, or until there is nothing left to do where the configuration says so.
  public func run() async throws {
    await withGracefulShutdownHandler {
      await withTaskGroup(of: Void.self) { group in
        group.addTask { await self.keeper.run() }
        group.addTask {
          async let _ = self.learnLeaseTime()
          await withDiscardingTaskGroup { tasks in await self.receive(into: &tasks) }
        }
        // The receiving ends when every task has; the heartbeat goes on until then.
        await group.next()
        group.cancelAll()
      }
    } onGracefulShutdown: {
      self.beginDrain()
    }
    try Task.checkCancellation()
  }

  /// Begins to drain, as a graceful shutdown does: nothing new is begun, what runs may end within the grace, and then `run`
  /// returns. For notices that the machine is about to go.
  public func beginDrain() {
    drain.begin()
    gate.close()
  }

  /// Finds out how long leases run: no longer than the queue's own, so that what a killed worker held is soon handed out
  /// again.
  private func learnLeaseTime() async {
    defer {
      leaseTimeIsKnown.raise()
      gate.announceChange()
    }
    var pause = Duration.milliseconds(100)
    while !drain.isDraining, !Task.isCancelled {
      do {
        let own = max(try await queue.visibility, .seconds(1))
        guard own < keeper.visibility else { return }
        keeper.visibility = own
        leaseTimeIsKnown.raise()
        gate.announceChange()
        await keeper.extendDue()
        // The heartbeat that goes already sleeps as long as it knew to; from here on this one keeps the pace.
        return await keeper.run()
      } catch {
        let mayPass = (error as? SDError)?.isRetryable ?? false
        logger.warning(
          mayPass ? "the queue cannot be asked, trying again" : "the queue does not tell its visibility",
          metadata: ["queue": "\(queue.name)", "error": "\(error)"])
        guard mayPass else { return }
      }
      let delay = pause
      _ = try? await drain.interrupting { try await self.clocks.sleep(for: delay * Double.random(in: 0.5...1)) }
      pause = min(pause * 2, .seconds(15))
    }
  }

  /// Waits until it is known how long leases run, so that a worker that is killed in its first receive hides nothing for
  /// longer; a queue that does not tell soon is not waited for.
  private func awaitLeaseTime() async {
    let mark = gate.mark
    if !leaseTimeIsKnown.isRaised { await gate.change(since: mark, atMost: .seconds(1)) }
  }

  private func receive(into tasks: inout DiscardingTaskGroup) async {
    await awaitLeaseTime()
    var taken = 0
    var trouble = Duration.milliseconds(100)
    // What makes an answer unreadable may be a single message: the others are then had one by one.
    var oneByOne = 0
    while !drain.isDraining, !Task.isCancelled, taken < configuration.maximumTasks ?? .max {
      let pause = hindrance.takePause()
      if pause > .zero {
        _ = try? await drain.interrupting { try await self.clocks.sleep(for: pause * Double.random(in: 0.5...1)) }
        continue
      }
      let mark = gate.mark
      let wanted = min(room, (configuration.maximumTasks ?? .max) - taken, oneByOne > 0 ? 1 : .max)
      guard wanted > 0 else {
        await gate.change(since: mark, atMost: .seconds(1))
        continue
      }
      do {
        guard try await drain.interrupting({ try await self.engineComes() }) == true else { break }
        let isIdle = gate.isIdle
        let wait = isIdle ? configuration.receiveWait : .zero
        let leases = try await poll(max: wanted, wait: wait)
        trouble = .milliseconds(100)
        oneByOne = max(oneByOne - 1, 0)
        if leases.isEmpty, configuration.endsWhenEmpty, isIdle { break }
        for lease in leases {
          taken += 1
          tally.count(.taken)
          let held = HeldLease(lease, queue: queue, keeper: keeper)
          // Begun here, so that the next look sees this one.
          let way = Way(request: lease.body.count, gate: gate, memory: memory, clocks: clocks)
          tasks.addTask {
            await self.pipeline.process(held, way)
            self.tally.ended()
            self.gate.announceChange()
          }
        }
        if leases.isEmpty, !isIdle { await gate.change(since: mark, atMost: .seconds(1)) }
      } catch is CancellationError {
        break
      } catch {
        logger.warning("receiving failed, trying again", metadata: ["queue": "\(queue.name)", "error": "\(error)"])
        oneByOne = Self.cautiousReceives
        let pause = trouble
        _ = try? await drain.interrupting { try await self.clocks.sleep(for: pause * Double.random(in: 0.5...1)) }
        trouble = min(trouble * 2, .seconds(15))
      }
    }
  }

  /// Waits for the engine. A worker that ends when its queue is empty waits only while something is in it, and not for
  /// ever; `false` then.
  private func engineComes() async throws -> Bool {
    guard configuration.endsWhenEmpty else {
      try await engine.ready()
      return true
    }
    return try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        try await self.engine.ready()
        return true
      }
      group.addTask {
        try await self.waitsForNothing()
        return false
      }
      defer { group.cancelAll() }
      return try await group.next() ?? false
    }
  }

  /// Returns once there is no use in waiting for the engine. Receiving would tell more surely than two looks at the queue's
  /// counts, but each receive counts against its message.
  private func waitsForNothing() async throws {
    let end = clocks.instant.advanced(by: configuration.engineWait)
    var empties = 0
    while empties < 2 {
      try await clocks.sleep(for: min(configuration.receiveWait, configuration.engineWait))
      if clocks.instant >= end {
        tally.missEngine()
        logger.error("the engine did not come", metadata: ["limit": "\(configuration.engineWait.text)"])
        return
      }
      // A queue that cannot be asked may hold something.
      empties = (try? await queue.stats().waiting) == 0 ? empties + 1 : 0
    }
    logger.info("the queue is empty, not waiting for the engine", metadata: ["queue": "\(queue.name)"])
  }

  /// How many tasks may be taken now: soon wanted by the engine, and borne by the memory.
  private var room: Int {
    let (held, (bytes, heaviest)) = (tally.held, memory.load)
    let free = configuration.memoryBudget - bytes
    guard held == 0 || free > 0 else { return 0 }
    // What is taken at once is weighed by the heaviest so far.
    let borne = heaviest > 0 ? max(free / heaviest, 1) : 1
    let ahead =
      configuration.looksAhead
      ? gate.room(margin: configuration.lookAheadMargin, limit: configuration.maximumAhead) : gate.isIdle ? 1 : 0
    // Several of one group would be prepared beside each other, and might be done in another order.
    let most = queue.capabilities.abilities.contains(.groups) ? 1 : queue.capabilities.maximumBatch
    return min(ahead, borne, configuration.maximumHeld - held, most)
  }

  /// One receive. A poll that is under way when draining begins gets a moment to answer, since a queue in the network may
  /// have handed out a message already.
  private func poll(max: Int, wait: Duration) async throws -> [Lease] {
    let leases = try await drain.interrupting(after: .milliseconds(800)) {
      try await self.queue.receive(max: max, wait: wait, visibility: self.keeper.visibility)
    }
    guard let leases, drain.isDraining else { return leases ?? [] }
    if !leases.isEmpty { _ = try await queue.abandon(leases, after: .zero) }
    return []
  }
}

/// What has come of a worker's tasks.
public struct WorkerSummary: Sendable, Hashable {
  /// Messages taken.
  public var taken = 0
  /// Tasks ended with pictures, or as their clients wanted.
  public var succeeded = 0
  /// Tasks ended without.
  public var failed = 0
  /// Tasks given back for others to do.
  public var givenBack = 0
  /// Whether it ended since the engine did not come although there was something to do.
  public var engineWasAway = false

  /// Nothing yet.
  public init() {}
}

/// Counts of what happened, and of what is in the worker's hands.
final class Tally: Sendable {
  enum Event { case taken, succeeded, failed, givenBack }

  private let state = Mutex((summary: WorkerSummary(), held: 0))
  private let metrics: WorkerMetrics

  init(metrics: WorkerMetrics) { self.metrics = metrics }

  var summary: WorkerSummary { state.withLock { $0.summary } }
  /// Tasks in the worker's hands.
  var held: Int { state.withLock { $0.held } }

  func count(_ event: Event) {
    state.withLock {
      switch event {
      case .taken:
        $0.summary.taken += 1
        $0.held += 1
        metrics.holds($0.held)
      case .succeeded: $0.summary.succeeded += 1
      case .failed: $0.summary.failed += 1
      case .givenBack: $0.summary.givenBack += 1
      }
    }
  }

  func missEngine() { state.withLock { $0.summary.engineWasAway = true } }

  func ended() {
    state.withLock {
      $0.held -= 1
      metrics.holds($0.held)
    }
  }
}
