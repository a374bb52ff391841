public import SDCore

/// What a front door needs.
public struct ComposedDoor: Sendable {
  /// What takes tasks.
  public let submissions: SubmissionService
  /// Where task records are kept.
  public let ledger: any TaskLedger
  /// Where objects are kept.
  public let store: any ObjectStore
  /// Where ends are announced.
  public let events: any EventTopic
  /// The queues by the names of the runtimes that they feed.
  public let queues: [String: any MessageQueue]
  /// The clocks.
  public let clocks: Clocks
  /// The runtimes that tasks can be sent to.
  public let catalog: RuntimeCatalog
}

extension Composition {
  /// What a front door needs, its topic's subscriptions made where the topic keeps them itself.
  public func door(catalog: RuntimeCatalog) async throws -> ComposedDoor {
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
    return ComposedDoor(
      submissions: submissions, ledger: ledger, store: store, events: try await events(), queues: queues,
      clocks: context.clocks, catalog: catalog)
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
