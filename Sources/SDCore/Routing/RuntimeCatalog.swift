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

  /// A runtime; the queue bears its name unless said otherwise.
  public init(
    name: String, engine: String, model: String? = nil, dynamicModel: Bool = false, isJob: Bool = false,
    queue: String? = nil
  ) {
    self.name = name
    self.engine = engine
    self.model = model
    self.dynamicModel = dynamicModel
    self.isJob = isJob
    self.queue = queue ?? name
  }
}

/// The runtimes that a door knows.
public struct RuntimeCatalog: Sendable, Hashable {
  /// In the order of their configuration. Where several have one model, the first gets the tasks that name only that.
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

  /// What each queue subscribes to: tasks that name its runtime, and tasks that name none but its model.
  public var subscriptions: [Subscription] {
    runtimes.map { runtime in
      var choices: [JSONValue] = [["runtime": [.string(runtime.name)]]]
      if let model = runtime.model, !runtime.dynamicModel, self.runtime(forModel: model) == runtime {
        choices.append(["sd_model_checkpoint": [.string(model)], "runtime": [["exists": false]]])
      }
      if runtime.dynamicModel, runtimes.first(where: \.dynamicModel) == runtime {
        let fixed = runtimes.filter { !$0.dynamicModel }.compactMap(\.model).map(JSONValue.string)
        let others: JSONValue = fixed.isEmpty ? ["exists": true] : ["anything-but": .array(fixed)]
        choices.append(["sd_model_checkpoint": [others], "runtime": [["exists": false]]])
      }
      let policy: JSONValue = choices.count == 1 ? choices[0] : ["$or": .array(choices)]
      return Subscription(queue: runtime.queue, filter: FilterPolicy(scope: .attributes, source: policy))
    }
  }
}
