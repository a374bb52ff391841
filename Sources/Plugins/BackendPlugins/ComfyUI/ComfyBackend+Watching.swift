import HTTPTransport
import Logging
public import SDCore
import Synchronization

extension ComfyBackend {
  /// How often what is known of a job is looked at: soon at first, for graphs whose nodes are all cached.
  private static let firstPause = Duration.milliseconds(50)
  private static let longestPause = Duration.seconds(1)
  /// How long ComfyUI takes from telling of a job's end to having it in its history.
  private static let writingTime = Duration.milliseconds(10)
  /// Questions in a row that may fail before the engine is given up: at the longest pause a few seconds.
  private static let patience = 5

  /// The history's entry of a job, once there is one.
  ///
  /// - Throws: `engine_unreachable` when ComfyUI is gone, or knows nothing of the job any more: it has been restarted.
  func end(of job: ComfyJob) async throws -> JSONValue {
    var (pause, delay) = (Self.firstPause, Self.writingTime)
    var failures = 0
    while true {
      do {
        if let entry = try await look(at: job) { return entry }
        failures = 0
      } catch let error as TaskError where error.code == .engineUnreachable && failures < Self.patience {
        failures += 1
      }
      if job.hasEnded {
        // It told of its end and writes its history in this moment.
        try await clocks.sleep(for: delay)
        delay = min(delay * 3 / 2, Self.longestPause)
        continue
      }
      try await job.news.wait(atMost: pause, clocks)
      pause = min(pause * 3 / 2, Self.longestPause)
    }
  }

  private func look(at job: ComfyJob) async throws -> JSONValue? {
    let id = job.promptID
    if let entry = try await client.history(of: id) { return entry }
    guard try await client.place(of: id) == .nowhere else { return nil }
    // It may have moved from the one to the other between the two looks.
    if let entry = try await client.history(of: id) { return entry }
    if job.isInterrupted { throw Self.interrupted }
    throw Lost.error
  }

  private enum Lost {
    static var error: TaskError {
      TaskError(
        .engineUnreachable, .infer,
        "ComfyUI knows nothing of the job any more: it was restarted, or somebody removed it from its queue")
    }
  }

  /// Takes in events until cancelled. Without them polling goes on alone.
  func listen(for job: ComfyJob) async {
    var pause = Duration.milliseconds(100)
    while !Task.isCancelled {
      do {
        let socket = try await client.events(of: clientID)
        pause = .milliseconds(100)
        while let message = try await socket.receive() { job.take(message) }
      } catch {
        logger.debug("no events of ComfyUI", metadata: ["error": "\(error)"])
      }
      guard (try? await clocks.sleep(for: pause)) != nil else { return }
      pause = min(pause * 2, .seconds(10))
    }
  }

  // MARK: The contract

  public func status() async -> EngineStatus {
    do {
      guard let length = try await client.queueLength() else {
        return .unavailable("the server tells no queue: it is no ComfyUI")
      }
      return .ready(busy: length > 0)
    } catch let error as TaskError {
      return .unavailable(error.message)
    } catch {
      return .unavailable("\(error)")
    }
  }

  @concurrent
  public func describe() async throws -> EngineDescription {
    let version = try await client.ask("system_stats")["system"]?["comfyui_version"]?.string
    state.withLock { $0.version = version }
    let types = TaskType.allCases.filter { $0 == .pipeline || workflows.names.contains($0.rawValue) }
    return EngineDescription(
      name: version.map { "ComfyUI \($0)" } ?? "ComfyUI", types: Set(types),
      models: (try? await checkpoints()) ?? [], reportsProgress: true, interrupts: true)
  }

  public func progress(of prepared: PreparedInference, withPreview: Bool) async throws -> TaskProgress? {
    state.withLock { $0.jobs[prepared.name] }?.progress(withPreview: withPreview)
  }

  public func interrupt(_ prepared: PreparedInference) async throws {
    let found = state.withLock { state in
      state.jobs[prepared.name] ?? (state.abandoned?.name == prepared.name ? state.abandoned?.job : nil)
    }
    guard let job = found else { return }
    job.noteInterrupt()
    try await stop(job.promptID)
  }

  /// Takes a prompt out of the queue, or stops it; and no other.
  ///
  /// ComfyUI looks for an interrupt between nodes and at steps, and forgets one that comes while it begins: so it is told
  /// until the prompt is gone, a few times.
  func stop(_ id: String) async throws {
    for _ in 0..<10 {
      switch try await client.place(of: id) {
      case .nowhere: return
      case .waiting: try await client.removeWaiting(id)
      case .running: try await client.interrupt(id)
      }
      try await clocks.sleep(for: .milliseconds(300))
    }
  }

  public func stop() async throws -> Bool { false }
}
