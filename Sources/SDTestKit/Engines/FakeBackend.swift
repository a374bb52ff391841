public import SDCore
import Synchronization

/// An inference backend that does what a test says, request by request, and keeps a record of it.
///
/// Like an engine it works on one request after another: `maximumConcurrency` tells whether somebody sent two at once.
public final class FakeBackend: InferenceBackend {
  /// What becomes of one request.
  public indirect enum Behavior: Sendable {
    /// So many pictures, different for every seed and place, and the same each time.
    case succeed(images: Int)
    /// The engine's refusal, before it has answered anything.
    case fail(TaskError)
    /// An answer that turns out to be unusable once it is taken apart.
    case answerUnusably(TaskError)
    /// Nothing until it is interrupted or cancelled.
    case hang
    /// The behavior, once the gate is open; interrupted or cancelled before that.
    case hold(Gate, then: Behavior)
    /// The behavior, after a time on the backend's clock; interrupted or cancelled before that.
    case delay(Duration, then: Behavior)
    /// These outputs.
    case answer(InferenceResult)

    /// One picture.
    public static let succeed = Behavior.succeed(images: 1)
  }

  /// One call that was made.
  public enum Call: Sendable, Hashable {
    case prepare(RunKey, attempt: Int)
    case run(RunKey, attempt: Int)
    case answered(RunKey, attempt: Int)
    case finish(RunKey, attempt: Int)
    case interrupt(RunKey)
    case recycle
    case stop
  }

  private struct State {
    var status: EngineStatus = .ready(busy: false)
    var description: EngineDescription
    var usual: Behavior
    var scripted: [Behavior] = []
    var scriptedByTask: [String: [Behavior]] = [:]
    var preparation: [TaskError] = []
    var progress: TaskProgress?
    var calls: [Call] = []
    var requests: [InferenceRequest] = []
    var running: [RunKey: Gate] = [:]
    var maximumConcurrency = 0
    var stopsWhenAsked = true
    var memory: RecycledMemory?

    mutating func nextBehavior(_ key: RunKey) -> Behavior {
      if var own = scriptedByTask[key.task.id], !own.isEmpty {
        let first = own.removeFirst()
        scriptedByTask[key.task.id] = own
        return first
      }
      return scripted.isEmpty ? usual : scripted.removeFirst()
    }
  }

  public let kind: String
  private let clocks: Clocks
  private let state: Mutex<State>

  /// A backend that is ready and, unless told otherwise, succeeds.
  public init(
    kind: String = "fake", usually behavior: Behavior = .succeed, clocks: Clocks = .system,
    description: EngineDescription = .init(
      name: "fake 1.0", types: Set(TaskType.allCases), loadedModel: "model.safetensors", models: ["model.safetensors"],
      reportsProgress: true, interrupts: true)
  ) {
    (self.kind, self.clocks) = (kind, clocks)
    state = Mutex(State(description: description, usual: behavior))
  }

  // MARK: Telling it what to do

  /// What becomes of the next requests, whatever they are.
  public func script(_ behaviors: Behavior...) { state.withLock { $0.scripted += behaviors } }
  /// What becomes of the next requests of a task; these come before the others.
  public func script(_ behaviors: Behavior..., for task: String) {
    state.withLock { $0.scriptedByTask[task, default: []] += behaviors }
  }
  /// What becomes of requests that nothing was scripted for.
  public func usually(_ behavior: Behavior) { state.withLock { $0.usual = behavior } }
  /// Makes the next calls of `prepare` fail.
  public func failPreparing(_ errors: TaskError...) { state.withLock { $0.preparation += errors } }
  /// What `status` answers.
  public func setStatus(_ status: EngineStatus) { state.withLock { $0.status = status } }
  /// What `describe` answers.
  public func setDescription(_ description: EngineDescription) { state.withLock { $0.description = description } }
  /// What `progress` answers of a request that runs.
  public func setProgress(_ progress: TaskProgress?) { state.withLock { $0.progress = progress } }
  /// Whether `stop` says that the engine has such a call.
  public func setStops(_ stops: Bool) { state.withLock { $0.stopsWhenAsked = stops } }

  /// What `recycleMemory` finds and leaves.
  public func setMemory(_ memory: RecycledMemory?) { state.withLock { $0.memory = memory } }

  // MARK: Looking at what happened

  /// Every call, in order.
  public var calls: [Call] { state.withLock { $0.calls } }
  /// The requests that were prepared, in order.
  public var requests: [InferenceRequest] { state.withLock { $0.requests } }
  /// The runs that the engine was started on, in order, repeated ones too.
  public var started: [RunKey] { calls.compactMap { if case .run(let key, _) = $0 { key } else { nil } } }
  /// The runs that it was interrupted on.
  public var interrupted: [RunKey] { calls.compactMap { if case .interrupt(let key) = $0 { key } else { nil } } }
  /// The runs that it works on now.
  public var running: [RunKey] { state.withLock { Array($0.running.keys) } }
  /// The most requests that it was ever given at once.
  public var maximumConcurrency: Int { state.withLock { $0.maximumConcurrency } }
  /// How often the engine was started on a task.
  public func starts(of task: String) -> Int { started.count { $0.task.id == task } }

  /// Waits, in real time, until the engine was started so many times.
  public func untilStarted(_ count: Int, limit: Duration = .seconds(60)) async throws {
    try await eventually("\(count) engine starts", limit: limit) { self.started.count >= count }
  }

  // MARK: The contract

  public func status() async -> EngineStatus {
    state.withLock { state in
      guard case .ready(.some) = state.status else { return state.status }
      return .ready(busy: !state.running.isEmpty)
    }
  }

  public func describe() async throws -> EngineDescription { state.withLock { $0.description } }

  public func verify(model: String) async throws {
    guard let loaded = try await describe().loadedModel, loaded != model else { return }
    throw TaskError(.modelNotFound, .prepare, "the engine has \(loaded) loaded, not \(model)")
  }

  public func recycleMemory(above limit: Int) async -> RecycledMemory? {
    state.withLock { state in
      guard let memory = state.memory, memory.before > limit else { return nil }
      state.calls.append(.recycle)
      return memory
    }
  }

  public func prepare(_ request: InferenceRequest) async throws -> PreparedInference {
    try state.withLock { state throws(TaskError) in
      state.calls.append(.prepare(request.key, attempt: request.attempt))
      state.requests.append(request)
      if !state.preparation.isEmpty { throw state.preparation.removeFirst() }
    }
    return PreparedInference(
      request: request, payload: request.content.serialized(), name: "\(request.key)#\(request.attempt)")
  }

  public func run(_ prepared: PreparedInference, onAnswer: @escaping @Sendable () -> Void) async throws
    -> InferenceAnswer
  {
    let (key, attempt) = (prepared.request.key, prepared.request.attempt)
    let interruption = Gate()
    let behavior = state.withLock { state in
      state.calls.append(.run(key, attempt: attempt))
      state.running[key] = interruption
      state.maximumConcurrency = max(state.maximumConcurrency, state.running.count)
      return state.nextBehavior(key)
    }
    defer { state.withLock { _ = $0.running.removeValue(forKey: key) } }
    let result = try await outcome(of: behavior, prepared.request, interruption)
    state.withLock { state in
      state.running[key] = nil
      state.calls.append(.answered(key, attempt: attempt))
    }
    onAnswer()
    let bytes = (try? result.get())?.outputs.reduce(0) { $0 + $1.bytes.count } ?? 0
    return InferenceAnswer(byteCount: bytes) { [self] in
      state.withLock { $0.calls.append(.finish(key, attempt: attempt)) }
      return try result.get()
    }
  }

  /// What the answer holds; throws what happens instead of an answer.
  private func outcome(
    of behavior: Behavior, _ request: InferenceRequest, _ interruption: Gate
  ) async throws -> Result<InferenceResult, TaskError> {
    try Task.checkCancellation()
    switch behavior {
    case .succeed(let images): return .success(.fake(images: images, for: request))
    case .answer(let result): return .success(result)
    case .fail(let error): throw error
    case .answerUnusably(let error): return .failure(error)
    case .hang:
      try await interruptible(interruption) { try await Gate().pass() }
      return try await outcome(of: .succeed, request, interruption)
    case .hold(let gate, let next):
      try await interruptible(interruption) { try await gate.pass() }
      return try await outcome(of: next, request, interruption)
    case .delay(let duration, let next):
      try await interruptible(interruption) { [clocks] in try await clocks.sleep(for: duration) }
      return try await outcome(of: next, request, interruption)
    }
  }

  private func interruptible(_ interruption: Gate, _ body: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        try await interruption.pass()
        return true
      }
      group.addTask {
        try await body()
        return false
      }
      defer { group.cancelAll() }
      if try await group.next() == true {
        throw TaskError(.engineFailed, .infer, "the engine was interrupted")
      }
    }
  }

  public func progress(of prepared: PreparedInference, withPreview: Bool) async throws -> TaskProgress? {
    state.withLock { $0.running[prepared.request.key] == nil ? nil : $0.progress }
  }

  public func interrupt(_ prepared: PreparedInference) async throws {
    let running = state.withLock { state in
      state.calls.append(.interrupt(prepared.request.key))
      return state.running[prepared.request.key]
    }
    running?.open()
  }

  public func stop() async throws -> Bool {
    state.withLock { state in
      state.calls.append(.stop)
      return state.stopsWhenAsked
    }
  }
}
