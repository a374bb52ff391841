public import Logging
public import SDCore

/// A configuration made into plugins, and plugins into services.
public struct Composition: Sendable {
  /// What was configured.
  public let configuration: Configuration
  /// What makes plugins.
  public let registry: PluginRegistry
  /// What they share.
  public let context: PluginContext

  /// What a configuration means with the plugins of a registry.
  ///
  /// - Throws: `.configuration` when addresses do not fit each other.
  public init(
    _ configuration: Configuration, registry: PluginRegistry = .standard, clocks: Clocks = .system,
    logger: Logger = Logger(label: "sd")
  ) throws(SDError) {
    self.configuration = configuration
    self.registry = registry
    context = PluginContext(configuration: configuration, clocks: clocks, logger: logger)
    if let queue = configuration[.queue], let topic = configuration[.topic] {
      try Neighbours.check(queue: queue, topic: topic)
    }
  }

  /// Where the worker receives.
  public func queue() async throws -> any MessageQueue {
    try await registry.queues.make(configuration.required(.queue), in: context)
  }

  /// Where objects are kept.
  public func store() async throws -> any ObjectStore {
    try await registry.stores.make(configuration.required(.store), in: context)
  }

  /// Where task records are kept: beside the objects unless configured.
  public func ledger() async throws -> any TaskLedger {
    let value = try configuration[.ledger] ?? configuration.required(.store)
    return try await registry.ledgers.make(value, in: context)
  }

  /// Where tasks are published.
  public func topic() async throws -> any EventTopic {
    try await registry.topics.make(configuration.required(.topic), in: context)
  }

  /// Where ends are announced: nowhere unless configured.
  public func events() async throws -> any EventTopic {
    try await registry.events.make(configuration[.events] ?? .init("none:", from: .fallback), in: context)
  }

  /// What makes the pictures: the engine beside the worker unless configured.
  public func backend() async throws -> any InferenceBackend {
    let standard = ConfigurationValue("webui+http://localhost:8080", from: .fallback)
    return try await registry.backends.make(configuration[.backend] ?? standard, in: context)
  }

  /// What takes spans, to be run as a service; `nil` unless traces are configured.
  public func spanBatcher() async throws -> SpanBatcher? {
    guard let value = configuration[.traces], PluginURI(value.text)?.scheme != "none" else { return nil }
    let exporter = try await registry.traces.make(value, in: context)
    return SpanBatcher(exporter: exporter, clocks: context.clocks, logger: context.logger)
  }

  /// Where spans can be read again, where their exporter keeps them.
  func spanArchive() async throws -> (any SpanArchive)? {
    guard let value = configuration[.traces], PluginURI(value.text)?.scheme == "file" else { return nil }
    return try await registry.traces.make(value, in: context) as? any SpanArchive
  }

  /// The runtimes that there are: those of the `runtimes` file, or of an object of that address.
  ///
  /// - Parameter creating: what is written where there is no file yet; `nil` to make that an error. Objects are never made.
  public func catalog(creating catalog: RuntimeCatalog? = nil) async throws -> RuntimeCatalog {
    let value = try configuration.required(.runtimes)
    if let object = try RuntimesObject(value, stores: registry.stores.schemes) {
      return try await object.read(from: registry.stores.make(object.store, in: context))
    }
    guard let catalog else { return try RuntimeCatalog(contentsOf: value.text) }
    return try RuntimesFile(value.text).read(orCreate: catalog)
  }
}
