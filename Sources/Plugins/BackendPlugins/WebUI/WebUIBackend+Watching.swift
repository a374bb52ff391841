import HTTPTransport
public import SDCore
import Synchronization

extension WebUIBackend {
  public func status() async -> EngineStatus {
    do {
      let answer = try await client.get("options", timeout: Limit.question)
      switch answer.status {
      case 200..<300: return .ready(busy: await isBusy())
      case 401, 403: return .unavailable("the engine refuses the credentials (\(answer.status))")
      case 404:
        // Some have no options but are there all the same.
        let other = try await client.get("sd-models", timeout: Limit.question)
        return other.isSuccess
          ? .ready(busy: await isBusy()) : .unavailable("the server has no web UI API (\(other.status))")
      default: return .unavailable("the engine answered \(answer.status) when asked for its options")
      }
    } catch {
      return .unavailable(error.message)
    }
  }

  /// Whether the engine works on something; `nil` where it does not tell.
  private func isBusy() async -> Bool? {
    let (isOurs, knowledge) = state.withLock { ($0.running.contains { !$0.value }, $0.knowledge) }
    if isOurs { return true }
    if let knowledge, !knowledge.tellsProgress { return nil }
    guard let told = try? await askProgress() else { return nil }
    return !told.isIdle
  }

  @concurrent
  public func describe() async throws -> EngineDescription {
    let known = try await learn()
    var types: Set<TaskType> = [.textToImage, .imageToImage]
    if known.doesExtras { types.formUnion([.extraSingleImage, .extraBatchImages]) }
    return EngineDescription(
      name: known.name, types: types, loadedModel: known.loaded,
      models: known.models.map(\.title), reportsProgress: known.tellsProgress, interrupts: known.canInterrupt)
  }

  public func verify(model: String) async throws {
    let known: WebUIKnowledge
    if let present = state.withLock({ $0.knowledge }) { known = present } else { known = try await learn() }
    try Self.refuseOther(than: model, known)
  }

  public func progress(of prepared: PreparedInference, withPreview: Bool) async throws -> TaskProgress? {
    let (isRunning, knowledge) = state.withLock { ($0.running[prepared.name] == false, $0.knowledge) }
    guard isRunning, knowledge?.tellsProgress != false else { return nil }
    do {
      guard let told = try await askProgress(withPreview: withPreview), !told.isIdle else { return nil }
      return state.withLock { state in
        // It may have begun to answer, and then to work on another, meanwhile.
        guard state.running[prepared.name] == false else { return nil }
        if told.isInterrupted, state.interrupted[prepared.name] == nil { state.interrupted[prepared.name] = false }
        return told.progress
      }
    } catch let error as TransportError {
      throw error.asEngineAbsence("GET progress", .infer)
    }
  }

  private struct Told {
    var progress: TaskProgress
    var isIdle: Bool
    var isInterrupted: Bool
  }

  private func askProgress(withPreview: Bool = false) async throws -> Told? {
    let answer = try await client.get("progress?skip_current_image=\(!withPreview)", timeout: Limit.question)
    guard answer.isSuccess, let json = answer.json, let fraction = json["progress"]?.double else { return nil }
    let state = json["state"]
    let isIdle = fraction <= 0 && (state?["job"]?.string ?? "").isEmpty && (state?["job_count"]?.int ?? 0) <= 0
    var progress = TaskProgress(
      fraction: min(1, max(0, fraction)), step: state?["sampling_step"]?.int, steps: state?["sampling_steps"]?.int,
      eta: json["eta_relative"]?.double.flatMap { $0 > 0 ? $0 : nil })
    if withPreview, let text = json["current_image"]?.string, let preview = EmbeddedImage.preview(text) {
      (progress.preview, progress.previewType) = preview
    }
    return Told(progress: progress, isIdle: isIdle, isInterrupted: state?["interrupted"]?.bool ?? false)
  }

  public func interrupt(_ prepared: PreparedInference) async throws {
    let mayBeSent = state.withLock { state in
      // An interrupt hits whatever runs, so it may only be sent while that can be nothing but this request.
      let isOurs = state.running[prepared.name] == false || state.abandoned == prepared.name
      guard isOurs, state.knowledge?.canInterrupt != false else { return false }
      if state.abandoned == nil { state.interrupted[prepared.name] = true }
      state.abandoned = nil
      return true
    }
    guard mayBeSent else { return }
    do {
      let answer = try await client.post("interrupt", timeout: Limit.question)
      if answer.status == 404 { state.withLock { $0.knowledge?.canInterrupt = false } }
      guard !answer.isSuccess else { return }
      // Nothing was interrupted, so what comes is whole.
      state.withLock { $0.interrupted[prepared.name] = nil }
      guard answer.status != 404, answer.status != 405 else { return }
      throw EngineFault.refused(status: answer.status, body: answer.body, route: "interrupt")
    } catch let error as TransportError {
      throw error.asEngineAbsence("POST interrupt", .infer)
    }
  }

  public func stop() async throws -> Bool {
    do {
      return try await client.post("server-stop", timeout: Limit.question).isSuccess
    } catch {
      // It may end before it has answered.
      if error.code == .connectionLost { return true }
      throw error.asEngineAbsence("POST server-stop", .infer)
    }
  }
}
