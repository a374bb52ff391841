public import SDCore

extension Composition {
  /// What a front door needs, its topic's subscriptions made where the topic keeps them itself.
  public func door(catalog: RuntimeCatalog) async throws -> GatewayServices {
    let topicValue = try configuration.required(.topic)
    let (topic, store, ledger) = (try await topic(), try await store(), try await ledger())
    var queues: [String: any MessageQueue] = [:]
    var subscribed = catalog
    for (index, runtime) in catalog.runtimes.enumerated() {
      let address = try queueAddress(of: runtime, beside: topicValue)
      try Neighbours.check(queue: address, topic: topicValue)
      let queue = try await registry.queues.make(address, in: context)
      queues[runtime.name] = queue
      subscribed.runtimes[index].queue = queue.name
    }
    if let topic = topic as? any SubscribingTopic { try await topic.replaceSubscriptions(subscribed.subscriptions) }
    let submissions = SubmissionService(
      ledger: ledger, topic: topic, store: store, catalog: catalog, clocks: context.clocks)
    return GatewayServices(
      submissions: submissions, ledger: ledger, store: store, events: try await events(), queues: queues,
      clocks: context.clocks)
  }

  /// The address of a runtime's queue: its own where it has one, else its name beside the topic.
  func queueAddress(of runtime: RuntimeDescription, beside topic: ConfigurationValue) throws(SDError)
    -> ConfigurationValue
  {
    if PluginURI(runtime.queue) != nil { return ConfigurationValue(runtime.queue, from: .runtime(runtime.name)) }
    guard let uri = PluginURI(topic.text), let naming = registry.queueNaming[uri.scheme] else {
      throw SDError(
        .configuration,
        "the queue of runtime \(runtime.name) is called \(runtime.queue); beside the topic \(Redaction.redacted(topic.text)) it must be a URI"
      )
    }
    return ConfigurationValue(naming(uri, runtime.queue), from: .runtime(runtime.name))
  }
}
