import OutputPlugins
public import SDCore

/// Which plugin stands behind which URI scheme, for each role.
///
/// A program with plugins of its own adds them to ``standard``:
///
///     var registry = PluginRegistry.standard
///     registry.queues.register("redis", usage: "redis://host/list") { uri, context in
///       RedisQueue(uri.authority, clocks: context.clocks)
///     }
public struct PluginRegistry: Sendable {
  /// Where workers receive, and what the door counts.
  public var queues = PluginFactories<any MessageQueue>(for: .queue)
  /// Where objects are kept.
  public var stores = PluginFactories<any ObjectStore>(for: .store)
  /// Where task records are kept.
  public var ledgers = PluginFactories<any TaskLedger>(for: .ledger)
  /// Where the door publishes tasks.
  public var topics = PluginFactories<any EventTopic>(for: .topic)
  /// Where ends are announced.
  public var events = PluginFactories<any EventTopic>(for: .events)
  /// What makes pictures.
  public var backends = PluginFactories<any InferenceBackend>(for: .backend)
  /// Where spans go.
  public var traces = PluginFactories<any SpanExporter>(for: .traces)
  /// What brings in the images that requests point to, given the store that holds objects.
  public var inputs: @Sendable (any ObjectStore, PluginContext) throws -> any InputSource = { _, _ in RefusingInputs() }
  /// What makes pictures into what tasks want stored.
  public var outputs: any OutputFinisher = NoOutputChanges()
  /// How the address of a queue follows from its name and the address of the topic that feeds it, by the topic's scheme.
  public var queueNaming: [String: @Sendable (_ topic: PluginURI, _ queue: String) -> String] = [:]
  /// Whether the queues of a scheme keep their letters in a queue of their name and `-dlq` in the same place.
  public var keepsLettersBeside: Set<String> = []

  /// A registry without plugins.
  public init() {}

  /// All plugins that this package has.
  public static let standard: PluginRegistry = {
    var registry = PluginRegistry()
    registry.registerMemoryPlugins()
    registry.registerLocalPlugins()
    registry.registerAWSPlugins()
    registry.registerBackends()
    registry.outputs = PictureFinisher()
    registry.events.register("none", usage: "none:") { _, _ in SilentTopic() }
    registry.registerOTLP()
    registry.traces.register("none", usage: "none:") { _, _ in NoSpans() }
    return registry
  }()
}

/// A topic that keeps its own subscriptions, so that whoever knows the runtimes says who listens.
public protocol SubscribingTopic: EventTopic {
  /// Makes these the topic's only subscriptions.
  func replaceSubscriptions(_ subscriptions: [Subscription]) async throws
  /// Has one more queue get what a subscription says; one that the queue has already is replaced.
  func subscribe(_ subscription: Subscription) async throws
}

/// For registries without a source: no reference is followed.
struct RefusingInputs: InputSource {
  var maximumBytes: Int { 0 }
  func fetch(_ reference: String, onLength: @escaping @Sendable (Int) -> Void) async throws -> [UInt8] {
    throw TaskError(.inputRefused, .prepare, "this program fetches no inputs")
  }
}
