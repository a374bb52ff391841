public import MemoryPlugins
public import SDCore

// `memory:SYSTEM`, the same system for every role; a queue is `memory:QUEUE` of the nameless system or
// `memory:SYSTEM?queue=QUEUE`.

extension PluginRegistry {
  mutating func registerMemoryPlugins() {
    queues.register("memory", usage: "memory:NAME") { uri, context in
      let place = try Self.memoryQueue(uri)
      var letters: String?
      if let value = context.configuration[.deadLetter] {
        guard let target = PluginURI(value.text), target.scheme == "memory" else { throw Self.elsewhere(value) }
        let lettersPlace = try Self.memoryQueue(target)
        guard lettersPlace.system == place.system else { throw Self.elsewhere(value) }
        letters = lettersPlace.queue
      }
      return context.memory(of: uri, name: place.system)
        .queue(place.queue, configuration: .init(deadLetters: .named(letters)))
    }
    stores.register("memory", usage: "memory:") { uri, context in
      context.memory(of: uri).store(uri["bucket"] ?? context.configuration.text(.bucket) ?? "memory")
    }
    ledgers.register("memory", usage: "memory:") { uri, context in context.memory(of: uri).ledger }
    topics.register("memory", usage: "memory:") { uri, context in context.memory(of: uri).topic(uri["topic"] ?? "tasks")
    }
    events.register("memory", usage: "memory:") { uri, context in
      context.memory(of: uri).topic(uri["topic"] ?? "events")
    }
    keepsLettersBeside.insert("memory")
    queueNaming["memory"] = { topic, queue in
      "memory:\(StateDirectory.encoded(topic.path))?queue=\(StateDirectory.encoded(queue))"
    }
  }

  private static func memoryQueue(_ uri: PluginURI) throws(SDError) -> (system: String, queue: String) {
    if let queue = uri["queue"], !queue.isEmpty { return (uri.path, queue) }
    guard !uri.path.isEmpty else { throw SDError(.configuration, "it must name a queue, as in memory:NAME") }
    return ("", uri.path)
  }

  static func elsewhere(_ value: ConfigurationValue) -> SDError {
    SDError(
      .configuration,
      "its dead letters cannot go to \(Redaction.redacted(value.text)) (\(value.source)), which is not beside it")
  }
}

extension MemoryTopic: SubscribingTopic {
  public func replaceSubscriptions(_ subscriptions: [Subscription]) async throws {
    let wanted = Set(subscriptions.map(\.queue))
    for old in self.subscriptions where !wanted.contains(old.queue) { unsubscribe(queue: old.queue) }
    for subscription in subscriptions { subscribe(subscription) }
  }
}
