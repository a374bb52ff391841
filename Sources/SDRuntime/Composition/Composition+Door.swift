public import SDCore
public import ServiceLifecycle

extension Composition {
  /// What a front door needs, its topic's subscriptions made where the topic keeps them itself.
  public func door(catalog: RuntimeCatalog) async throws -> GatewayServices {
    let topicValue = try configuration.required(.topic)
    let (topic, store, ledger, events) = (try await topic(), try await store(), try await ledger(), try await events())
    var (queues, urgent, letters):
      ([String: any MessageQueue], [String: any MessageQueue], [String: any MessageQueue]) =
        ([:], [:], [:])
    var subscribed = catalog
    for (index, runtime) in catalog.runtimes.enumerated() {
      let address = try queueAddress(runtime.queue, of: runtime, beside: topicValue)
      let queue = try await self.queue(address, beside: topicValue)
      queues[runtime.name] = queue
      subscribed.runtimes[index].queue = queue.name
      letters[runtime.name] = try await lettersQueue(of: runtime, address)
      guard let name = runtime.priorityQueue else { continue }
      let hurried = try await self.queue(queueAddress(name, of: runtime, beside: topicValue), beside: topicValue)
      urgent[runtime.name] = hurried
      subscribed.runtimes[index].priorityQueue = hurried.name
    }
    if let topic = topic as? any SubscribingTopic { try await topic.replaceSubscriptions(subscribed.subscriptions) }
    let keys = try keys()
    let submissions = SubmissionService(
      ledger: ledger, topic: topic, store: store, catalog: catalog, clocks: context.clocks,
      reserves: { folder in keys?().isTenants(folder) ?? false })
    var services = GatewayServices(
      submissions: submissions, ledger: ledger, store: store, events: events, queues: queues, clocks: context.clocks)
    services.priorityQueues = urgent
    services.letters = letters
    services.keys = keys
    services.webhooks = try await webhooks(events)
    services.spans = try await spanArchive()
    return services
  }

  /// What measures the queues behind a door, those of runtimes without any agent too.
  public func gauges(of services: GatewayServices) -> [any Service] {
    let queues = Array(services.queues.values) + Array(services.priorityQueues.values)
    guard !queues.isEmpty else { return [] }
    return [
      ConcurrentServices(queues.map { QueueGauge($0, clocks: context.clocks, logger: context.logger) as any Service })
    ]
  }

  private func queue(
    _ address: ConfigurationValue, beside topic: ConfigurationValue
  ) async throws -> any MessageQueue {
    try Neighbours.check(queue: address, topic: topic)
    return try await registry.queues.make(address, in: context)
  }

  /// The address of one of a runtime's queues: its own where it has one, else its name beside the topic.
  func queueAddress(
    _ name: String, of runtime: RuntimeDescription, beside topic: ConfigurationValue
  ) throws(SDError) -> ConfigurationValue {
    if PluginURI(name) != nil { return ConfigurationValue(name, from: .runtime(runtime.name)) }
    guard let uri = PluginURI(topic.text), let naming = registry.queueNaming[uri.scheme] else {
      throw SDError(
        .configuration,
        "the queue of runtime \(runtime.name) is called \(name); beside the topic \(Redaction.redacted(topic.text)) it must be a URI"
      )
    }
    return ConfigurationValue(naming(uri, name), from: .runtime(runtime.name))
  }

  /// The dead-letter queue of a queue, where its plugin keeps it in a place that is known.
  private func lettersQueue(
    of runtime: RuntimeDescription, _ address: ConfigurationValue
  ) async throws -> (any MessageQueue)? {
    if let value = configuration[.deadLetter] { return try await registry.queues.make(value, in: context) }
    guard let uri = PluginURI(address.text), registry.keepsLettersBeside.contains(uri.scheme),
      let name = uri["queue"] ?? (uri.scheme == "memory" ? uri.path : nil),
      let naming = registry.queueNaming[uri.scheme]
    else { return nil }
    let place = uri["queue"] == nil ? PluginURI("\(uri.scheme):") ?? uri : uri
    return try await registry.queues.make(
      ConfigurationValue(naming(place, name + "-dlq"), from: .runtime(runtime.name)), in: context)
  }

  // MARK: Keys and webhooks

  private func keys() throws(SDError) -> (@Sendable () -> APIKeyRing)? {
    guard let path = configuration.text(.apiKeys) else { return nil }
    let file = try APIKeysFile(path, clocks: context.clocks, logger: context.logger)
    return { file.ring }
  }

  /// What webhooks are delivered with, their queue listening to the events where those keep their listeners themselves.
  private func webhooks(_ events: any EventTopic) async throws -> WebhookServices? {
    guard let address = webhooksAddress else { return nil }
    let secret: WebhookSecret
    if let text = configuration.text(.webhookSecret) {
      secret = try WebhookSecretFile.secret(text)
    } else if let directory = configuration.text(.state) {
      secret = try WebhookSecretFile.secret(of: directory)
    } else {
      if configuration[.webhooks] != nil {
        throw SDError(.configuration, "webhooks is configured and webhook-secret is not: say what they are signed with")
      }
      return nil
    }
    let queue = try await registry.queues.make(address, in: context)
    if let events = events as? any SubscribingTopic {
      let filter = try FilterPolicy(.object([Notice.webhookAttribute: ["true"]]), scope: .attributes)
      try await events.subscribe(Subscription(queue: queue.name, filter: filter))
    }
    return WebhookServices(
      queue: queue, secret: secret, mayStayInside: configuration.boolean(.privateWebhooks) ?? false)
  }

  private var webhooksAddress: ConfigurationValue? {
    if let value = configuration[.webhooks] { return PluginURI(value.text)?.scheme == "none" ? nil : value }
    guard let events = configuration[.events], let uri = PluginURI(events.text),
      let naming = registry.queueNaming[uri.scheme]
    else { return nil }
    return ConfigurationValue(naming(uri, "webhooks"), from: events.source)
  }
}
