import FoundationEssentials
import MemoryPlugins
import SDCore

/// An engine of one's own, in the process: one that answers every prompt with the same pixel.
struct PixelEngine: InferenceBackend {
  let kind = "pixel"
  func run(_ prepared: PreparedInference, onAnswer: @escaping @Sendable () -> Void) async throws -> InferenceAnswer {
    print("drawing: \(prepared.request.content["prompt"]?.string ?? "nothing")")
    return InferenceAnswer([.png(Array(pixel), width: 1, height: 1, seed: prepared.request.seed)])
  }
}
let pixel = Data(
  base64Encoded: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAA"
    + "AADElEQVR42mO46aENAANKAU3zdSIWAAAAAElFTkSuQmCC")!

// A system in memory: what a runtime subscribes to reaches its queue.
let system = MemorySystem()
let catalog = RuntimeCatalog([RuntimeDescription(name: "pixels", engine: "pixel")])
for subscription in try catalog.subscriptions { system.topic("tasks").subscribe(subscription) }

// The front door submits a task ...
let door = SubmissionService(
  ledger: system.ledger, topic: system.topic("tasks"), store: system.store(), catalog: catalog)
let task = try V1Door.decode(
  ["runtime": "pixels", "type": "text-to-image", "content": ["prompt": "a lighthouse"]], now: Clocks.system.timestamp)
let submitted = try await door.submit(task).entry.record

// ... a worker does it ...
var configuration = WorkerConfiguration(name: "example")
configuration.maximumTasks = 1
try await Worker(
  queue: system.queue("pixels"), ledger: system.ledger, store: system.store(), backend: PixelEngine(),
  configuration: configuration
).run()

// ... and the record tells what came of it.
let record = try await system.ledger.latest(submitted.key.task)?.record
print("task \(submitted.key): \(record?.state.rawValue ?? "lost")")
for output in record?.outputs ?? [] {
  let object = try await system.store().get(output.key)
  print("\(output.key): \(object.bytes.count) bytes of \(output.contentType)")
}
