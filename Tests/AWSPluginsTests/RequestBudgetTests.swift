import AWSKit
import AWSPlugins
import HTTPTransport
import HTTPTypes
import Logging
import SDCore
import SDTestKit
import Synchronization
import Testing

/// What a task of one image costs in requests to AWS.
///
/// Receives that find nothing, and what is asked once a process, are not the task's.
@Suite(.enabled(if: MotoAccount.isThere))
struct RequestBudgetTests {
  @Test func aTaskThroughTheDoorTakesEightRequestsAndFewRoundTripsBeforeTheEngine() async throws {
    let house = try await House()
    try await house.submit("door")
    let bill = try await house.work(on: "door")
    #expect(bill.count <= 8, "\(bill.operations)")
    #expect(bill.tripsBeforeEngine <= 4, "\(bill.operations)")
  }

  @Test func aTaskStraightFromAPublisherTakesOneMoreToBeListed() async throws {
    let house = try await House()
    try await house.publish("straight")
    let bill = try await house.work(on: "straight")
    #expect(bill.count <= 9, "\(bill.operations)")
    #expect(bill.tripsBeforeEngine <= 4, "\(bill.operations)")
    #expect(try await house.ledger.page(LedgerQuery()).records.map(\.key.task.id) == ["straight"])
  }
}

/// Door, topic, queue, worker and notices on moto, with the worker's requests counted.
private struct House {
  let transport: CountingTransport
  let queue: SQSQueue
  let ledger: ObjectTaskLedger
  let submissions: SubmissionService
  let topic: SNSTopic
  let worker: Worker

  init() async throws {
    let plain = try MotoAccount.client()
    let (store, _) = try await MotoAccount.stores()
    let tasks = try await MotoTopic.make([.init(queue: "tasks")], plain)
    let ends = try await MotoTopic.make([.init(queue: "ends")], plain)
    (topic, ledger) = (tasks.topic, ObjectTaskLedger(store: store))
    submissions = SubmissionService(
      ledger: ledger, topic: topic, store: store,
      catalog: RuntimeCatalog([.init(name: "sdruntime", engine: "fake", model: "model.safetensors")]))

    let transport = CountingTransport(CurlTransport())
    let counted = AWSClient(
      configuration: plain.configuration, credentials: plain.credentials, transport: transport)
    let countedStore = try S3ObjectStore(bucket: store.bucket, client: counted)
    queue = try SQSQueue(url: tasks.queues[0].url, client: counted, deadLetters: .none)
    var configuration = WorkerConfiguration(name: "worker")
    configuration.runtime = "sdruntime"
    configuration.maximumTasks = 1
    worker = Worker(
      queue: queue, ledger: ObjectTaskLedger(store: countedStore), store: countedStore,
      events: try SNSTopic(arn: ends.topic.arn, client: counted), backend: NotingBackend(transport),
      configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    self.transport = transport
  }

  func submit(_ id: String) async throws {
    let request = try V1Door.decode(
      ["id": .string(id), "runtime": "sdruntime", "type": "text-to-image", "content": ["prompt": "a lighthouse"]],
      now: Clocks.system.timestamp)
    _ = try await submissions.submit(request)
  }

  func publish(_ id: String) async throws {
    let payload: JSONValue = [
      "alwayson_scripts": [
        "task": "text-to-image", "id_task": .string(id), "sd_model_checkpoint": "model.safetensors",
      ],
      "prompt": "a lighthouse", "s3_output_path": .string("out/\(id)"),
    ]
    try await topic.publish(Publication(body: payload.serialized()))
  }

  func work(on id: String) async throws -> Bill {
    try await within(.seconds(60), "the task") { try await worker.run() }
    let record = try #require(try await ledger.latest(TaskKey(id: id))?.record)
    #expect(record.state == .succeeded)
    return transport.bill
  }
}

/// What was asked of AWS.
private struct Bill {
  var operations: [String] = []
  var tripsBeforeEngine = 0
  var count: Int { operations.count }
}

private final class CountingTransport: Transport {
  private struct Exchange {
    var operation: String
    var began: MonotonicInstant
    var ended: MonotonicInstant?
  }
  private struct State {
    var exchanges: [Exchange] = []
    var engineAt: MonotonicInstant?
  }

  private let inner: CurlTransport
  private let clocks = Clocks.system
  private let state = Mutex(State())

  init(_ inner: CurlTransport) { self.inner = inner }

  func noteEngine() { state.withLock { $0.engineAt = $0.engineAt ?? clocks.instant } }

  /// Receives count once, and what the process asks of the queue itself does not.
  var bill: Bill {
    let (exchanges, engineAt) = state.withLock { ($0.exchanges, $0.engineAt) }
    var bill = Bill()
    bill.operations = exchanges.map(\.operation).filter { $0 != "GetQueueAttributes" && $0 != "ReceiveMessage" }
    bill.operations.append("ReceiveMessage")
    // The longest chain of exchanges of which each began after the one before had ended.
    var free: MonotonicInstant?
    for exchange in exchanges.sorted(by: { $0.began < $1.began }) {
      guard let ended = exchange.ended, let engineAt, ended <= engineAt else { continue }
      if let busy = free, exchange.began < busy {
        free = max(busy, ended)
      } else {
        (free, bill.tripsBeforeEngine) = (ended, bill.tripsBeforeEngine + 1)
      }
    }
    return bill
  }

  func execute(
    _ request: HTTPRequest, body: RequestBody, options: TransferOptions
  ) async throws(TransportError) -> TransportResponse {
    var operation = "\(request.method.rawValue) \(request.path ?? "")"
    if case .bytes(let bytes) = body, let action = Self.action(in: bytes) { operation = action }
    let position = state.withLock { state in
      state.exchanges.append(Exchange(operation: operation, began: clocks.instant))
      return state.exchanges.count - 1
    }
    let response = try await inner.execute(request, body: body, options: options)
    state.withLock { $0.exchanges[position].ended = clocks.instant }
    return response
  }

  private static func action(in form: ArraySlice<UInt8>) -> String? {
    guard form.starts(with: "Action=".utf8) else { return nil }
    return String(decoding: form.dropFirst(7).prefix { $0 != UInt8(ascii: "&") }, as: UTF8.self)
  }
}

/// A backend that notes when its engine is first called.
private struct NotingBackend: InferenceBackend {
  private let inner = FakeBackend()
  private let transport: CountingTransport
  init(_ transport: CountingTransport) { self.transport = transport }

  var kind: String { inner.kind }
  func status() async -> EngineStatus { await inner.status() }
  func describe() async throws -> EngineDescription { try await inner.describe() }
  func prepare(_ request: InferenceRequest) async throws -> PreparedInference { try await inner.prepare(request) }
  func run(_ prepared: PreparedInference, onAnswer: @escaping @Sendable () -> Void) async throws -> InferenceAnswer {
    transport.noteEngine()
    return try await inner.run(prepared, onAnswer: onAnswer)
  }
}
