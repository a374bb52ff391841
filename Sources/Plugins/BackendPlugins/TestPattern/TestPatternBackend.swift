public import SDCore
import Synchronization

/// The engine for development, demonstrations and tests: it draws its pictures itself, from the request alone.
///
/// It takes every type of task, in the web UIs' terms and, for pipelines, in ComfyUI's. The same request gives the same
/// bytes; picture `i` of a task has the seed `seed + i`. It can be told to be slow, to fail and to hang, by its
/// ``Configuration`` or by a task's `test_pattern` member.
public final class TestPatternBackend: InferenceBackend {
  private struct Running {
    var began: MonotonicInstant
    var orders: TestPatternOrders
    var pattern: TestPattern?
    var interruption: AsyncStream<Never>.Continuation
    var isInterrupted = false
  }

  /// The kind of engine.
  public let kind = "test-pattern"
  private let configuration: Configuration
  private let clocks: Clocks
  private let running = Mutex<[String: Running]>([:])

  /// An engine; nothing is started.
  public init(configuration: Configuration = .init(), clocks: Clocks = .system) {
    (self.configuration, self.clocks) = (configuration, clocks)
  }

  public func status() async -> EngineStatus { .ready(busy: running.withLock { !$0.isEmpty }) }

  public func describe() async throws -> EngineDescription {
    EngineDescription(
      name: "test-pattern", types: Set(TaskType.allCases), loadedModel: configuration.model,
      models: [configuration.model], reportsProgress: true, interrupts: true)
  }

  @concurrent
  public func prepare(_ request: InferenceRequest) async throws -> PreparedInference {
    _ = try TestPatternOrders(configuration, content: request.content)
    _ = try TestPatternJob(request, model: configuration.model)
    return PreparedInference(
      request: TestPatternJob.seeded(request), payload: [], name: "\(request.key)#\(request.attempt)")
  }

  @concurrent
  public func run(_ prepared: PreparedInference, onAnswer: @escaping @Sendable () -> Void) async throws
    -> InferenceAnswer
  {
    let request = prepared.request
    let orders = try TestPatternOrders(configuration, content: request.content)
    let job = try TestPatternJob(request, model: configuration.model)
    let (interrupted, interruption) = AsyncStream.makeStream(of: Never.self)
    running.withLock {
      $0[prepared.name] = Running(
        began: clocks.instant, orders: orders, pattern: job.patterns.first, interruption: interruption)
    }
    defer { running.withLock { _ = $0.removeValue(forKey: prepared.name) } }
    try await pass(orders, interrupted)
    if let code = orders.failure(ofAttempt: request.attempt) {
      throw TaskError(code, .infer, "the test-pattern engine failed as it was told to, attempt \(request.attempt)")
    }
    let result = try draw(job, prepared.name)
    onAnswer()
    return InferenceAnswer(byteCount: result.outputs.reduce(0) { $0 + $1.bytes.count }) { result }
  }

  /// Lets the task's time pass, unless it is interrupted before.
  private func pass(_ orders: TestPatternOrders, _ interrupted: AsyncStream<Never>) async throws {
    guard orders.hangs || orders.duration > .zero else { return try Task.checkCancellation() }
    let clocks = clocks
    let isInterrupted = try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        for await _ in interrupted {}
        // The stream ends when it is cancelled, too.
        try Task.checkCancellation()
        return true
      }
      if !orders.hangs {
        group.addTask {
          try await clocks.sleep(for: orders.duration)
          return false
        }
      }
      defer { group.cancelAll() }
      return try await group.next() ?? false
    }
    if isInterrupted { throw Self.interruption }
  }

  private static let interruption = TaskError(.cancelled, .infer, "the test-pattern engine was interrupted")

  private func draw(_ job: TestPatternJob, _ name: String) throws -> InferenceResult {
    let outputs = try job.patterns.map { pattern in
      try Task.checkCancellation()
      if running.withLock({ $0[name]?.isInterrupted }) == true { throw Self.interruption }
      do {
        return InferenceOutput(
          bytes: try pattern.png()[...], role: .image, contentType: "image/png", fileExtension: ".png",
          width: pattern.width, height: pattern.height, seed: job.tellsSeeds ? pattern.seed : nil)
      } catch {
        throw TaskError(.engineFailed, .infer, "the test pattern could not be drawn: \(error)")
      }
    }
    let first = job.patterns.first
    return InferenceResult(
      outputs: outputs, parameters: job.parameters, info: job.info, htmlInfo: job.htmlInfo, model: first?.model,
      modelHash: first?.modelHash, sampler: first?.sampler)
  }

  @concurrent
  public func progress(of prepared: PreparedInference, withPreview: Bool) async throws -> TaskProgress? {
    guard let running = running.withLock({ $0[prepared.name] }) else { return nil }
    let steps = running.pattern?.steps ?? 1
    // What hangs stands still.
    let passed = running.orders.hangs ? 0 : running.began.duration(to: clocks.instant).seconds
    let whole = running.orders.duration.seconds
    let fraction = whole > 0 ? min(1, max(0, passed / whole)) : 0
    let step = Int(fraction * Double(steps))
    let preview = running.pattern.flatMap { Self.preview($0, step: step) }
    return TaskProgress(
      fraction: fraction, step: step, steps: steps, eta: running.orders.hangs ? nil : max(0, whole - passed),
      preview: preview, previewType: preview == nil ? nil : "image/png")
  }

  /// The picture, small, as far as it has come.
  private static func preview(_ pattern: TestPattern, step: Int) -> [UInt8]? {
    let scale = max(1, max(pattern.width, pattern.height) / 128)
    var small = pattern
    (small.width, small.height) = (max(1, pattern.width / scale), max(1, pattern.height / scale))
    small.steps = step
    return try? small.png()
  }

  public func interrupt(_ prepared: PreparedInference) async throws {
    running.withLock { running in
      running[prepared.name]?.isInterrupted = true
      return running[prepared.name]?.interruption
    }?.finish()
  }

  public func stop() async throws -> Bool {
    let interruptions = running.withLock { running in
      for name in running.keys { running[name]?.isInterrupted = true }
      return running.values.map(\.interruption)
    }
    for interruption in interruptions { interruption.finish() }
    return true
  }
}
