/// A runtime: an engine with its model, and the queue that feeds its agents.
public struct RuntimeDescription: Sendable, Hashable, Codable {
  /// Its name, by which clients ask for it.
  public var name: String
  /// The kind of engine: `webui`, `comfyui`, `openai`, `test-pattern`.
  public var engine: String
  /// The model file that it has loaded; `nil` for engines whose requests name it.
  public var model: String?
  /// Whether it loads whatever model a task names, save those that others have loaded.
  public var dynamicModel: Bool
  /// Whether its workers take one task each and end (`sd-job`).
  public var isJob: Bool
  /// The queue that feeds it.
  public var queue: String
  /// The queue for tasks of high priority; `nil` where it has none, so that such tasks are refused.
  public var priorityQueue: String?
  /// Which tasks the queue's subscription lets through.
  public var routing: Routing

  /// A runtime; the queue bears its name unless said otherwise.
  public init(
    name: String, engine: String, model: String? = nil, dynamicModel: Bool = false, isJob: Bool = false,
    queue: String? = nil, priorityQueue: String? = nil, routing: Routing = .attributes
  ) {
    self.name = name
    self.engine = engine
    self.model = model
    self.dynamicModel = dynamicModel
    self.isJob = isJob
    self.queue = queue ?? name
    self.priorityQueue = priorityQueue
    self.routing = routing
  }

  /// The filter policies that a queue's subscription may have.
  public enum Routing: String, Sendable, Hashable, Codable, CaseIterable {
    /// Tasks that name the runtime, and tasks that name its model and no runtime.
    case attributes
    /// The successor's: the runtime or its model, whatever else there is.
    case successor
    /// The reference's: runtime and model in the body of a v1alpha1 task; the model's attribute for a dynamic one.
    case reference
  }

  /// Why the topic would not hand a task to this runtime's queue; `nil` where it does.
  public func refusal(of request: TaskRequest) -> String? {
    switch (routing, dynamicModel) {
    case (.attributes, _), (.successor, false): nil
    case (.successor, true): request.api == .legacy ? "runtime \(name) gets tasks that name it only" : nil
    case (.reference, false):
      request.api == .v1alpha1 && request.model == model
        ? nil : "runtime \(name) gets tasks of /v1alpha1 only, with the model \(model ?? "that it has")"
    case (.reference, true):
      (request.api == .v1alpha1 || request.api == .legacy) && request.model != nil
        ? nil : "runtime \(name) gets tasks of /v1alpha1 only, which name a model"
    }
  }
}

/// The runtimes that a door knows.
public struct RuntimeCatalog: Sendable, Hashable {
  /// In the order of their configuration.
  ///
  /// Where several have one model, the first gets the tasks that name only that.
  public var runtimes: [RuntimeDescription]

  /// The runtimes that a door knows.
  public init(_ runtimes: [RuntimeDescription]) { self.runtimes = runtimes }

  /// The runtimes of a fresh installation: those that the references' examples are written for.
  public static let standard = RuntimeCatalog([
    .init(name: "sdruntime", engine: "test-pattern", model: "v1-5-pruned-emaonly.safetensors"),
    .init(name: "sdruntime-job", engine: "test-pattern", model: "v1-5-pruned-emaonly.safetensors", isJob: true),
  ])

  /// A runtime by name; the reference lowers the names that it is given.
  public func runtime(named name: String) -> RuntimeDescription? {
    runtimes.first { $0.name == name } ?? runtimes.first { $0.name.lowercased() == name.lowercased() }
  }

  /// The runtime for tasks that name only a model: the first that has it, else the first dynamic one.
  public func runtime(forModel model: String) -> RuntimeDescription? {
    runtimes.first { $0.model == model && !$0.dynamicModel } ?? runtimes.first(where: \.dynamicModel)
  }

  /// What each queue subscribes to: tasks that name its runtime, and tasks that name none but its model; where a runtime
  /// has a queue for urgent tasks, these go there and to no other.
  ///
  /// Throws `.tooLarge` for a catalog of so many models that the filter policy of the dynamic runtime is refused.
  public var subscriptions: [Subscription] {
    get throws(SDError) {
      var subscriptions: [Subscription] = []
      for runtime in runtimes {
        let choices = choices(of: runtime)
        let isUrgent: JSONValue = ["priority": ["high"]]
        let isOrdinary: JSONValue = ["priority": [["exists": false]]]
        let ordinary = runtime.priorityQueue == nil ? choices : choices.map { $0.merging(isOrdinary) }
        try subscriptions.append(Self.subscription(runtime.queue, ordinary))
        guard let urgent = runtime.priorityQueue else { continue }
        try subscriptions.append(Self.subscription(urgent, choices.map { $0.merging(isUrgent) }))
      }
      return subscriptions
    }
  }

  private static func subscription(_ queue: String, _ choices: [JSONValue]) throws(SDError) -> Subscription {
    let policy: JSONValue = choices.count == 1 ? choices[0] : ["$or": .array(choices)]
    return Subscription(queue: queue, filter: try FilterPolicy(policy, scope: .attributes))
  }

  /// The tasks that a runtime gets, any of these.
  private func choices(of runtime: RuntimeDescription) -> [JSONValue] {
    var choices: [JSONValue] = [["runtime": [.string(runtime.name)]]]
    if let model = runtime.model, !runtime.dynamicModel, self.runtime(forModel: model) == runtime {
      choices.append(["sd_model_checkpoint": [.string(model)], "runtime": [["exists": false]]])
    }
    if runtime.dynamicModel, runtimes.first(where: \.dynamicModel) == runtime {
      let fixed = runtimes.filter { !$0.dynamicModel }.compactMap(\.model).map(JSONValue.string)
      let others: JSONValue = fixed.isEmpty ? ["exists": true] : ["anything-but": .array(fixed)]
      choices.append(["sd_model_checkpoint": [others], "runtime": [["exists": false]]])
    }
    return choices
  }
}

extension JSONValue {
  fileprivate func merging(_ other: JSONValue) -> JSONValue {
    (other.object?.members ?? []).reduce(into: self) { $0[$1.name] = $1.value }
  }
}
