import Logging
import MemoryPlugins
import Metrics
import SDCore
import SDTestKit

/// A whole system in memory: door, topic, queue, worker, and an engine that does what a test says.
struct WorkerHarness: Sendable {
  let system: MemorySystem
  let backend = FakeBackend()
  let inputs: FakeInputs
  let queue: MemoryQueue
  let letters: MemoryQueue
  let notices: MemoryQueue
  let store: MemoryObjectStore
  let events: MemoryTopic
  let submissions: SubmissionService
  var configuration: WorkerConfiguration

  init(
    visibility: Duration = .seconds(30), maximumLease: Duration = .seconds(12 * 3600),
    inputs: FakeInputs = FakeInputs(),
    clocks: Clocks = .system
  ) throws {
    self.inputs = inputs
    system = MemorySystem(name: RandomName.make(), clocks: clocks)
    queue = system.queue("sdruntime", configuration: .init(visibility: visibility, maximumLease: maximumLease))
    letters = system.queue("sdruntime-dlq")
    notices = system.queue("heard")
    store = system.store("out")
    events = system.topic("events")
    events.subscribe(Subscription(queue: "heard"))
    let catalog = RuntimeCatalog([.init(name: "sdruntime", engine: "fake", model: "model.safetensors")])
    let tasks = system.topic("tasks")
    for subscription in try catalog.subscriptions { tasks.subscribe(subscription) }
    submissions = SubmissionService(
      ledger: system.ledger, topic: tasks, store: store, catalog: catalog, clocks: system.clocks)
    configuration = WorkerConfiguration(name: "worker")
    configuration.runtime = "sdruntime"
    configuration.visibility = visibility
    configuration.receiveWait = .milliseconds(200)
    configuration.cancelInterval = .milliseconds(20)
    configuration.retryDelay = .milliseconds(1)
    configuration.grace = .seconds(20)
  }

  var ledger: MemoryTaskLedger { system.ledger }

  func worker(
    _ name: String = "worker", backend: (any InferenceBackend)? = nil, store: (any ObjectStore)? = nil,
    events: (any EventTopic)? = nil, queue: (any MessageQueue)? = nil, ledger: (any TaskLedger)? = nil,
    outputs: any OutputFinisher = NoOutputChanges(),
    metricsFactory: any MetricsFactory = NOOPMetricsHandler.instance, beside other: Worker? = nil,
    _ change: (inout WorkerConfiguration) -> Void = { _ in }
  ) -> Worker {
    var configuration = configuration
    configuration.name = name
    change(&configuration)
    return Worker(
      queue: queue ?? self.queue, ledger: ledger ?? self.ledger, store: store ?? self.store,
      events: events ?? self.events,
      backend: backend ?? self.backend, inputs: inputs, outputs: outputs,
      configuration: configuration, clocks: system.clocks,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, metricsFactory: metricsFactory, beside: other)
  }

  /// Works on so many messages.
  func work(
    _ count: Int = 1, backend: (any InferenceBackend)? = nil, store: (any ObjectStore)? = nil,
    events: (any EventTopic)? = nil, queue: (any MessageQueue)? = nil, ledger: (any TaskLedger)? = nil,
    _ change: (inout WorkerConfiguration) -> Void = { _ in }
  ) async throws {
    let worker = worker(backend: backend, store: store, events: events, queue: queue, ledger: ledger) {
      $0.maximumTasks = count
      change(&$0)
    }
    try await within(.seconds(60), "\(count) messages to be worked on") { try await worker.run() }
  }

  /// Works until the queue is empty.
  func workUntilEmpty(_ change: (inout WorkerConfiguration) -> Void = { _ in }) async throws {
    let worker = worker {
      $0.endsWhenEmpty = true
      change(&$0)
    }
    try await within(.seconds(60), "the queue to be worked empty") { try await worker.run() }
  }

  @discardableResult
  func submit(_ id: String, prompt: String = "a lighthouse", seed: Int? = nil) async throws -> LedgerEntry {
    var content: JSONValue = ["prompt": .string(prompt)]
    if let seed { content["seed"] = .int(seed) }
    return try await submit(["id": .string(id), "runtime": "sdruntime", "type": "text-to-image", "content": content])
  }

  @discardableResult
  func submit(_ body: JSONValue) async throws -> LedgerEntry {
    let request = try V1Door.decode(body, now: system.clocks.timestamp)
    switch try await submissions.submit(request) {
    case .created(let entry), .known(let entry), .taken(let entry): return entry
    }
  }

  /// Publishes straight to the queue, as the reference's door does: in an envelope, without a ticket.
  func send(_ payload: JSONValue, messageID: String) async throws {
    let envelope: JSONValue = [
      "Type": "Notification", "MessageId": .string(messageID), "Message": .string(payload.text),
    ]
    try await queue.send(OutgoingMessage(body: envelope.serialized()))
  }

  func record(_ id: String, run: Int = 1) async throws -> TaskRecord? {
    try await ledger.read(RunKey(TaskKey(id: id), run: run))?.record
  }

  func keys() async throws -> [String] {
    try await store.list(prefix: "", after: nil, limit: 1000).objects.map(\.key)
  }

  /// What lies in the dead-letter queue, by the codes of the reasons.
  func letterCodes() async throws -> [String?] {
    try await letters.receive(max: 10, wait: .zero, visibility: .zero).map { DeadLetterReason($0.attributes)?.code }
  }

  /// Whether the queue holds nothing, neither waiting nor in anybody's hands.
  func isDrained() async throws -> Bool {
    let stats = try await queue.stats()
    return (stats.waiting, stats.inFlight, stats.delayed) == (0, 0, 0)
  }

  /// Every notice heard so far, with its id.
  func heard() async throws -> [(id: String, body: JSONValue)] {
    var all: [(String, JSONValue)] = []
    while true {
      let leases = try await notices.receive(max: 10, wait: .zero, visibility: nil)
      if leases.isEmpty { return all }
      for lease in leases {
        all.append((lease.attributes["notice_id"]?.text ?? "", try JSONValue(parsing: lease.body)))
      }
      _ = try await notices.complete(leases)
    }
  }
}
