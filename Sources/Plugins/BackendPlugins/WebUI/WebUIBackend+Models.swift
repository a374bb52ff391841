import HTTPTransport
import SDCore
import Synchronization

extension WebUIBackend {
  /// What is known of the engine, as fresh as the request needs it.
  ///
  /// Throws `engine_unreachable` if it has to be asked and does not answer.
  func knowledge(for request: InferenceRequest) async throws -> WebUIKnowledge {
    var known: WebUIKnowledge
    if let present = state.withLock({ $0.knowledge }) { known = present } else { known = try await learn() }
    guard let asked = request.model else { return known }
    // A model that does not seem to be there may have come since.
    let isKnown = known.model(called: asked) != nil
    let isLoaded = known.loaded.map { ModelName($0).resembles(ModelName(asked)) } ?? false
    if !known.models.isEmpty, !(isKnown && isLoaded) { known = try await learnModels(known) }
    if request.mayLoadModel, !known.models.isEmpty, !known.isStableDiffusionCpp, known.model(called: asked) == nil {
      // Nor does the engine look into its folder by itself. This waits for the running job; who gives up first, the
      // engine has looked by the next attempt.
      _ = try? await client.post("refresh-checkpoints", timeout: Limit.refresh)
      known = try await learnModels(known)
    }
    return known
  }

  /// The title to have loaded for a request; `nil` to leave the model alone.
  ///
  /// - Throws: `model_not_found` where the request cannot be done with the model that it asks for.
  func modelOverride(for request: InferenceRequest, _ known: WebUIKnowledge) throws(TaskError) -> String? {
    guard let asked = request.model else { return nil }
    if request.mayLoadModel, !known.models.isEmpty, !known.isStableDiffusionCpp {
      guard let model = known.model(called: asked) else {
        throw TaskError(.modelNotFound, .prepare, "the engine has no model \(asked); \(known.modelList)")
      }
      let isLoaded = known.loaded.map(model.isCalled) ?? false
      return isLoaded && !state.withLock { $0.hasChangedModels } ? nil : model.title
    }
    try Self.refuseOther(than: asked, known)
    return nil
  }

  /// Refuses an engine that certainly works with another model.
  static func refuseOther(than asked: String, _ known: WebUIKnowledge) throws(TaskError) {
    guard let loaded = known.loaded, known.isCertainlyOther(loaded, than: asked) else { return }
    throw TaskError(
      .modelNotFound, .prepare,
      "the engine has the model \(loaded) loaded, not \(asked), and may not load another; \(known.modelList)")
  }

  /// Asks the engine for everything that matters of it.
  func learn() async throws -> WebUIKnowledge {
    // All at once: the first task waits for the answers.
    async let options = ask("options", isVital: true)
    async let models = ask("sd-models")
    async let samplers = ask("samplers")
    async let schedulers = ask("schedulers")
    async let upscalers = ask("upscalers")
    async let latentModes = ask("latent-upscale-modes")
    async let progress = ask("progress?skip_current_image=true")
    // Asked in a way that does nothing: a route that there is refuses GET with 405, one that is not gives 404.
    async let interrupts = hasRoute("interrupt")
    async let extras = hasRoute("extra-single-image")
    var known = WebUIKnowledge()
    known.loaded = Self.loadedModel(in: try await options)
    known.models = WebUIKnowledge.models(in: try await models ?? .null)
    known.samplers = WebUIKnowledge.samplers(in: try await samplers ?? .null)
    known.schedulers = WebUIKnowledge.schedulers(in: try await schedulers ?? .null)
    known.upscalers = WebUIKnowledge.names(in: try await upscalers ?? .null)
    known.latentModes = WebUIKnowledge.names(in: try await latentModes ?? .null)
    known.tellsProgress = try await progress?["progress"]?.double != nil
    let hasInterrupt = try await interrupts
    known.canInterrupt = hasInterrupt || known.tellsProgress
    known.doesExtras = try await extras
    let learnt = known
    state.withLock { $0.knowledge = learnt }
    return learnt
  }

  private func learnModels(_ old: WebUIKnowledge) async throws -> WebUIKnowledge {
    var known = old
    known.loaded = Self.loadedModel(in: try await ask("options"))
    if let models = try await ask("sd-models") { known.models = WebUIKnowledge.models(in: models) }
    let learnt = known
    state.withLock { $0.knowledge = learnt }
    return learnt
  }

  private static func loadedModel(in options: JSONValue?) -> String? {
    options?["sd_model_checkpoint"]?.string.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The answer to a question; `nil` where the engine has none to it.
  private func ask(_ route: String, isVital: Bool = false) async throws -> JSONValue? {
    let what = "GET \(route)"
    do {
      let answer = try await client.get(route, timeout: Limit.question)
      if answer.isSuccess { return answer.json }
      guard isVital, answer.status != 404 else { return nil }
      var error = EngineFault.refused(status: answer.status, body: answer.body, route: route)
      error.stage = .prepare
      throw error
    } catch let error as TransportError {
      throw error.asEngineAbsence(what, .prepare)
    }
  }

  private func hasRoute(_ route: String) async throws -> Bool {
    do {
      let status = try await client.get(route, timeout: Limit.question).status
      return status == 405 || (200..<300).contains(status)
    } catch {
      throw error.asEngineAbsence("GET \(route)", .prepare)
    }
  }
}
