import HTTPTypes
import Logging
import MemoryPlugins
import SDCore
import SDTestKit

@testable import SDGateway

/// A system in memory behind a front door, and a worker's part played by the test.
struct House: Sendable {
  let system: MemorySystem
  let topic: MemoryTopic
  let events: MemoryTopic
  let queue: MemoryQueue
  let notices: MemoryQueue
  let store: any ObjectStore
  let services: GatewayServices
  let logger: Logger

  /// - Parameter secret: what webhooks are signed with; `nil` for a deployment without.
  init(
    catalog: RuntimeCatalog = .standard, store: (any ObjectStore)? = nil, events: (any EventTopic)? = nil,
    keys: [APIKey]? = nil, secret: WebhookSecret? = nil, clocks: Clocks = .system
  ) throws {
    let system = MemorySystem(clocks: clocks)
    self.system = system
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    self.logger = logger
    topic = system.topic("tasks")
    for subscription in try catalog.subscriptions { topic.subscribe(subscription) }
    self.events = system.topic("events")
    self.events.subscribe(Subscription(queue: "notices"))
    queue = system.queue("sdruntime")
    notices = system.queue("notices")
    self.store = store ?? system.store("bucket")
    let ring = try keys.map { try APIKeyRing($0) }
    var services = GatewayServices(
      submissions: SubmissionService(
        ledger: system.ledger, topic: topic, store: self.store, catalog: catalog, clocks: clocks,
        reserves: { ring?.isTenants($0) ?? false }),
      ledger: system.ledger, store: self.store, events: events ?? self.events, queues: ["sdruntime": queue],
      clocks: clocks)
    if let ring { services.keys = { ring } }
    services.letters["sdruntime"] = queue.deadLetters
    if let secret {
      let webhooks = system.queue("webhooks")
      let filter = try FilterPolicy(.object([Notice.webhookAttribute: ["true"]]), scope: .attributes)
      self.events.subscribe(Subscription(queue: "webhooks", filter: filter))
      services.webhooks = WebhookServices(queue: webhooks, secret: secret)
    }
    self.services = services
  }

  func door(_ configuration: GatewayConfiguration = .init(host: "0.0.0.0")) -> FrontDoor {
    FrontDoor(configuration: configuration, services: services, logger: logger)
  }

  /// Messages that wait in the runtime's queue.
  func received() async throws -> [Lease] { try await queue.receive(max: 10, wait: .zero, visibility: nil) }

  /// What was announced.
  func announced() async throws -> [JSONValue] {
    try await notices.receive(max: 10, wait: .zero, visibility: nil).map { try JSONValue(parsing: $0.body) }
  }

  /// Changes the record of a task's newest run, as a worker would.
  @discardableResult
  func work(_ id: String, _ change: (inout TaskRecord) -> Void) async throws -> TaskRecord {
    guard let entry = try await system.ledger.latest(TaskKey(id: id)) else { throw SDError(.notFound, id) }
    return try await RecordWriter(system.ledger).apply(to: entry) { record in
      change(&record)
      return true
    }.entry.record
  }

  /// Ends a task with one output of these bytes.
  func succeed(_ id: String, with bytes: [UInt8]) async throws {
    let key = "\(id)/\(id)-1.png"
    try await store.put(key, bytes, options: PutOptions(contentType: "image/png"))
    try await work(id) { record in
      record.state = .succeeded
      record.attempts = 1
      record.outputs = [
        TaskOutput(
          key: key, role: .image, contentType: "image/png", bytes: bytes.count, sha256: "abc", width: 2, height: 3,
          seed: 18_446_744_073_709_551_615)
      ]
    }
  }
}

/// Runs a body while a door watches its tasks.
func withDoor<Value: Sendable>(
  _ house: House, _ configuration: GatewayConfiguration = .init(host: "0.0.0.0"),
  _ body: @Sendable (FrontDoor) async throws -> Value
) async throws -> Value {
  let door = house.door(configuration)
  return try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { await door.watch.run() }
    defer { group.cancelAll() }
    return try await body(door)
  }
}

extension FrontDoor {
  func post(_ path: String, _ body: JSONValue, headers: HTTPFields = [:]) async -> GatewayResponse {
    await respond(to: GatewayRequest(.post, path, headers: headers, body: body.serialized()))
  }
  func get(_ path: String, headers: HTTPFields = [:]) async -> GatewayResponse {
    await respond(to: GatewayRequest(.get, path, headers: headers))
  }
  func delete(_ path: String, headers: HTTPFields = [:]) async -> GatewayResponse {
    await respond(to: GatewayRequest(.delete, path, headers: headers))
  }
}

extension GatewayResponse {
  /// The whole body.
  var content: [UInt8] {
    get async throws {
      switch body {
      case .none: return []
      case .bytes(let bytes): return bytes
      case .stream(_, let next):
        var bytes: [UInt8] = []
        while let chunk = try await next() { bytes += chunk }
        return bytes
      case .events: return []
      }
    }
  }
  var text: String { get async throws { String(decoding: try await content, as: UTF8.self) } }
  var json: JSONValue { get async throws { try JSONValue(parsing: try await content) } }
}

let lighthouse: JSONValue = ["runtime": "sdruntime", "type": "text-to-image", "content": ["prompt": "a lighthouse"]]

extension JSONValue {
  /// The value with some members set, or removed where `nil`.
  func with(_ changes: [String: JSONValue?]) -> JSONValue {
    var value = self
    for (name, change) in changes { value[name] = change }
    return value
  }
}
