import Logging
import MemoryPlugins
import SDCore
import SDTestKit
import Synchronization

/// A whole system in memory: door, topic, queue, worker, and an engine that does what a test says.
struct WorkerHarness: Sendable {
  let system: MemorySystem
  let backend = FakeBackend()
  let inputs = FakeInputs()
  let queue: MemoryQueue
  let letters: MemoryQueue
  let notices: MemoryQueue
  let store: MemoryObjectStore
  let events: MemoryTopic
  let submissions: SubmissionService
  var configuration: WorkerConfiguration

  init(visibility: Duration = .seconds(30), clocks: Clocks = .system) throws {
    system = MemorySystem(name: RandomName.make(), clocks: clocks)
    queue = system.queue("sdruntime", configuration: .init(visibility: visibility))
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
    events: (any EventTopic)? = nil, queue: (any MessageQueue)? = nil,
    _ change: (inout WorkerConfiguration) -> Void = { _ in }
  ) -> Worker {
    var configuration = configuration
    configuration.name = name
    change(&configuration)
    return Worker(
      queue: queue ?? self.queue, ledger: ledger, store: store ?? self.store, events: events ?? self.events,
      backend: backend ?? self.backend, inputs: inputs, configuration: configuration, clocks: system.clocks,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  /// Works until the queue is empty.
  func workUntilEmpty(_ change: (inout WorkerConfiguration) -> Void = { _ in }) async throws {
    let worker = worker {
      $0.endsWhenEmpty = true
      change(&$0)
    }
    try await within(.seconds(30), "the queue to be worked empty") { try await worker.run() }
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

/// A queue that counts how often leases on it were extended.
final class CountingQueue: MessageQueue {
  private let inner: any MessageQueue
  private let count = Mutex(0)

  init(_ inner: any MessageQueue) { self.inner = inner }

  var extensions: Int { count.withLock { $0 } }
  var name: String { inner.name }
  var visibility: Duration { get async throws { try await inner.visibility } }
  var capabilities: QueueCapabilities { inner.capabilities }

  func extend(_ leases: [Lease], visibility: Duration) async throws -> [LeaseOutcome] {
    let outcomes = try await inner.extend(leases, visibility: visibility)
    count.withLock { $0 += leases.count }
    return outcomes
  }

  func send(_ messages: [OutgoingMessage]) async throws -> [SendOutcome] { try await inner.send(messages) }
  func receive(max: Int, wait: Duration, visibility: Duration?) async throws -> [Lease] {
    try await inner.receive(max: max, wait: wait, visibility: visibility)
  }
  func complete(_ leases: [Lease]) async throws -> [LeaseOutcome] { try await inner.complete(leases) }
  func abandon(_ leases: [Lease], after delay: Duration) async throws -> [LeaseOutcome] {
    try await inner.abandon(leases, after: delay)
  }
  func deadLetter(_ leases: [Lease], reason: DeadLetterReason) async throws -> [LeaseOutcome] {
    try await inner.deadLetter(leases, reason: reason)
  }
  func stats() async throws -> QueueStats { try await inner.stats() }
}
