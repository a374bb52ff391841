public import Logging
public import ServiceLifecycle
import Synchronization

/// Gathers ended spans and hands them to an exporter in batches, aside from the code that is traced.
///
/// `add` never waits: when the exporter does not keep up and the buffer is full, spans are dropped and counted. A batch
/// that fails for a passing reason is tried again, a bounded number of times. On graceful shutdown or cancellation of
/// `run` what is buffered is still exported, within `shutdownTimeout`; so let it be the first of a `ServiceGroup`'s
/// services, which are shut down last to first.
public final class SpanBatcher: Service {
  /// How spans are gathered.
  public struct Configuration: Sendable, Hashable {
    /// Spans that may wait; more are dropped.
    public var capacity = 4096
    /// The most spans of one export.
    public var batchSize = 256
    /// How long a span may wait for others.
    public var interval = Duration.seconds(1)
    /// The longest that one export may take.
    public var exportTimeout = Duration.seconds(10)
    /// How often a batch is tried, and how long it waits before the second time; doubled each time.
    public var tries = 3
    public var retryDelay = Duration.milliseconds(500)
    /// The longest that the last exports may take in all.
    public var shutdownTimeout = Duration.seconds(5)

    /// The defaults.
    public init() {}
  }

  /// What became of the spans so far.
  public struct Statistics: Sendable, Hashable {
    /// Handed over.
    public var exported = 0
    /// Not taken, since the buffer was full or the batcher had ended.
    public var dropped = 0
    /// Given up after the exporter failed.
    public var failed = 0
    /// Waiting.
    public var buffered = 0

    /// Nothing yet.
    public init() {}
  }

  private enum Phase { case idle, running, ended }

  private struct State {
    var buffer: [FinishedSpan] = []
    var statistics = Statistics()
    var phase = Phase.idle
    var flushes: [CheckedContinuation<Bool, Never>] = []
    var lastFailure: String?
    var told = 0
    var toldAt: MonotonicInstant?
  }

  private let exporter: any SpanExporter
  private let configuration: Configuration
  private let clocks: Clocks
  private let logger: Logger
  private let state = Mutex(State())
  private let signals: AsyncStream<Void>
  private let signal: AsyncStream<Void>.Continuation
  private let stops: AsyncStream<Void>
  private let stop: AsyncStream<Void>.Continuation

  /// A batcher for an exporter; spans are taken from now on and exported while it runs.
  public init(
    exporter: any SpanExporter, configuration: Configuration = .init(), clocks: Clocks = .system,
    logger: Logger = Logger(label: "traces")
  ) {
    var configuration = configuration
    configuration.capacity = max(1, configuration.capacity)
    configuration.batchSize = min(max(1, configuration.batchSize), configuration.capacity)
    (self.exporter, self.configuration, self.clocks, self.logger) = (exporter, configuration, clocks, logger)
    (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    (stops, stop) = AsyncStream.makeStream(of: Void.self)
  }

  /// What became of the spans so far.
  public var statistics: Statistics {
    state.withLock { state in
      var statistics = state.statistics
      statistics.buffered = state.buffer.count
      return statistics
    }
  }

  /// Takes a span, or drops it.
  public func add(_ span: FinishedSpan) {
    let isBatch = state.withLock { state in
      guard state.phase != .ended, state.buffer.count < configuration.capacity else {
        state.statistics.dropped += 1
        return false
      }
      state.buffer.append(span)
      return state.buffer.count == configuration.batchSize
    }
    if isBatch { signal.yield() }
  }

  /// Exports until it is shut down or cancelled, and then what is left. To be called once.
  public func run() async throws {
    let isFirst = state.withLock { state in
      guard state.phase == .idle else { return false }
      state.phase = .running
      return true
    }
    guard isFirst else { throw SDError(.invalid, "running a span batcher a second time") }
    // Unstructured, so that cancelling the service does not cut the export in hand and those that are still to come:
    // they have a deadline of their own.
    let work = Task { await self.work() }
    await withTaskCancellationOrGracefulShutdownHandler {
      await work.value
    } onCancelOrGracefulShutdown: {
      self.signal.finish()
      self.stop.finish()
    }
  }

  /// Exports what is buffered, and returns when that is done or has failed: for programs that may be frozen or end.
  ///
  /// It returns within the time that exports and their repetitions may take. While the batcher does not run, it exports
  /// in the caller's task.
  public func flush() async {
    let isServed = await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
      let waits = state.withLock { state in
        guard state.phase == .running else { return false }
        state.flushes.append(continuation)
        return true
      }
      if waits { signal.yield() } else { continuation.resume(returning: false) }
    }
    guard !isServed, state.withLock({ $0.phase == .idle }) else { return }
    await drain()
    try? await exporter.flush()
  }
}

extension SpanBatcher {
  private func work() async {
    await withTaskGroup { group in
      group.addTask {
        for await _ in self.signals { await self.serve() }
        await self.serve()
        return true
      }
      group.addTask {
        await self.tick()
        return false
      }
      group.addTask {
        for await _ in self.stops {}
        try? await self.clocks.sleep(for: self.configuration.shutdownTimeout)
        return true
      }
      while let ends = await group.next() {
        if ends { group.cancelAll() }
      }
    }
    let flushes = state.withLock { state in
      state.phase = .ended
      state.statistics.dropped += state.buffer.count
      state.buffer = []
      defer { state.flushes = [] }
      return state.flushes
    }
    await exporter.shutdown()
    tell(after: .zero)
    for flush in flushes { flush.resume(returning: true) }
  }

  private func tick() async {
    while (try? await clocks.sleep(for: configuration.interval)) != nil {
      if state.withLock({ !$0.buffer.isEmpty }) { signal.yield() }
    }
  }

  private func serve() async {
    let flushes = state.withLock { state in
      defer { state.flushes = [] }
      return state.flushes
    }
    await drain()
    if !flushes.isEmpty {
      try? await exporter.flush()
      for flush in flushes { flush.resume(returning: true) }
    }
    tell(after: .seconds(60))
    // What came meanwhile may have passed a batch's size unseen.
    if state.withLock({ $0.buffer.count >= configuration.batchSize }) { signal.yield() }
  }

  /// Exports what is buffered now; what comes meanwhile is for the next time.
  private func drain() async {
    var left = state.withLock { $0.buffer.count }
    while left > 0, !Task.isCancelled {
      let batch = state.withLock { state in
        let batch = Array(state.buffer.prefix(min(left, configuration.batchSize)))
        state.buffer.removeFirst(batch.count)
        return batch
      }
      guard !batch.isEmpty else { return }
      left -= batch.count
      await export(batch)
    }
  }

  private func export(_ batch: [FinishedSpan]) async {
    var delay = configuration.retryDelay
    for attempt in 1...max(1, configuration.tries) {
      do {
        try await limited(to: configuration.exportTimeout, "exporting spans", clocks: clocks) {
          try await self.exporter.export(batch)
        }
        state.withLock { $0.statistics.exported += batch.count }
        return
      } catch {
        let mayPass = (error as? SDError)?.isRetryable ?? false
        if mayPass, attempt < configuration.tries, (try? await clocks.sleep(for: delay)) != nil {
          delay *= 2
          continue
        }
        state.withLock { state in
          state.statistics.failed += batch.count
          state.lastFailure = "\(error)"
        }
        return
      }
    }
  }

  /// Says in the log what was lost, not too often.
  private func tell(after pause: Duration) {
    let now = clocks.instant
    let lost: (Statistics, String?)? = state.withLock { state in
      let sum = state.statistics.dropped + state.statistics.failed
      if let last = state.toldAt, last.duration(to: now) < pause { return nil }
      guard sum > state.told else { return nil }
      (state.told, state.toldAt) = (sum, now)
      return (state.statistics, state.lastFailure)
    }
    guard let (statistics, failure) = lost else { return }
    var metadata: Logger.Metadata = [
      "dropped": "\(statistics.dropped)", "failed": "\(statistics.failed)", "exported": "\(statistics.exported)",
    ]
    if let failure { metadata["error"] = "\(failure)" }
    logger.warning("spans were lost", metadata: metadata)
  }
}
