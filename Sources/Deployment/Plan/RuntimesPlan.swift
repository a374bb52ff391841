public import SDCore

extension DeploymentPlan {
  /// What the gateway has to know of the runtimes, the stacks' outputs being known.
  public func catalog(_ outputs: [String: [String: String]]) -> RuntimeCatalog {
    RuntimeCatalog(
      zip(configuration.runtimes, runtimes).map { runtime, stack in
        let queues = outputs[stack.name] ?? [:]
        return RuntimeDescription(
          name: runtime.name, engine: runtime.engine.kind, model: runtime.modelFilename,
          dynamicModel: runtime.dynamicModel, isJob: runtime.extraValues["mode"]?.string == "job",
          queue: queues["QueueUrl"].map(Self.queueName), priorityQueue: queues["PriorityQueueUrl"].map(Self.queueName),
          routing: runtime.routing)
      })
  }

  /// A queue's name is the end of its address.
  private static func queueName(_ url: String) -> String { url.split(separator: "/").last.map(String.init) ?? url }
}
