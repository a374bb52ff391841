public import LocalPlugins
import SDCore

extension PluginRegistry {
  mutating func registerLocalPlugins() {
    queues.register("file", usage: "file:DIR?queue=NAME") { uri, context in
      guard let name = uri["queue"], !name.isEmpty else {
        throw SDError(.configuration, "it must name a queue, as in file:DIR?queue=NAME")
      }
      let database = try context.database(of: uri)
      var settings = LocalQueue.Settings.standard(name)
      if let value = context.configuration[.deadLetter] {
        guard let target = PluginURI(value.text), target.scheme == "file", let letters = target["queue"],
          try context.database(of: target) === database
        else { throw Self.elsewhere(value) }
        settings.deadLetterQueue = letters
      }
      return LocalQueue(name, in: database, settings: settings)
    }
    stores.register("file", usage: "file:DIR") { uri, context in
      guard let directory = uri.directory else {
        throw SDError(.configuration, "it must name a directory, as in file:DIR")
      }
      return try FileObjectStore(
        directory: directory, bucket: uri["bucket"] ?? context.configuration.text(.bucket) ?? "local",
        publicURL: context.publicURL.map { $0 + "/files" }, clocks: context.clocks,
        logger: context.logger)
    }
    ledgers.register("file", usage: "file:DIR") { uri, context in LocalTaskLedger(in: try context.database(of: uri)) }
    topics.register("file", usage: "file:DIR") { uri, context in
      LocalTopic(uri["topic"] ?? "tasks", in: try context.database(of: uri))
    }
    events.register("file", usage: "file:DIR") { uri, context in
      LocalTopic(uri["topic"] ?? "events", in: try context.database(of: uri))
    }
    traces.register("file", usage: "file:PATH") { uri, _ in
      guard let path = uri.directory else { throw SDError(.configuration, "it must name a file, as in file:PATH") }
      return try JSONLinesSpanExporter(path: path)
    }
    keepsLettersBeside.insert("file")
    queueNaming["file"] = { topic, queue in
      "file:\(StateDirectory.encoded(topic.path))?queue=\(StateDirectory.encoded(queue))"
    }
  }
}

extension LocalTopic: SubscribingTopic {}
