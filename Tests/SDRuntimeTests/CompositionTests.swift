import Foundation
import Logging
import SDCore
import SDTestKit
import Testing

@testable import SDRuntime

@Suite(.timeLimit(.minutes(5))) struct CompositionTests {
  private let directory: TemporaryDirectory
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  init() throws { directory = try TemporaryDirectory() }

  private func composition(_ flags: [ConfigurationKey: String]) throws -> Composition {
    try Composition(Configuration(flags: flags), logger: logger)
  }

  private func submit(_ id: String, to runtime: String, through door: GatewayServices) async throws -> RunKey {
    let body: JSONValue = [
      "id": .string(id), "runtime": .string(runtime), "type": "text-to-image",
      "content": ["prompt": "a lighthouse", "width": 64, "height": 64, "seed": 7],
    ]
    let outcome = try await door.submissions.submit(V1Door.decode(body, now: Clocks.system.timestamp))
    guard case .created(let entry) = outcome else { throw SDError(.internal, "not a new task") }
    return entry.record.key
  }

  @Test func doorAndJobOnOneDirectoryDoATask() async throws {
    let door = try await composition([.state: directory.path]).door(catalog: .standard)
    let keys = [
      try await submit("one", to: "sdruntime-job", through: door),
      try await submit("two", to: "sdruntime", through: door),
    ]
    let job = try await composition([.state: directory.path, .runtime: "sdruntime-job", .backend: "test-pattern:"])
      .worker(isJob: true)
    try await within(.seconds(60), "the job") { try await job.worker.run() }
    let summary = job.worker.summary
    #expect((summary.taken, summary.succeeded, summary.failed, summary.givenBack) == (1, 1, 0, 0))
    let done = try #require(try await door.ledger.read(keys[0]))
    #expect(done.record.state == .succeeded)
    let output = try #require(done.record.outputs.first)
    let image = try await door.store.get(output.key)
    #expect(image.bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    let waiting = try #require(try await door.ledger.read(keys[1]))
    #expect(waiting.record.state == .queued)
    let queue = try #require(door.queues["sdruntime"])
    let stats = try await queue.stats()
    #expect(stats.waiting == 1)
  }

  @Test func aJobWithoutTasksEnds() async throws {
    let job = try await composition([.state: directory.path, .runtime: "sdruntime-job", .backend: "test-pattern:"])
      .worker(isJob: true)
    try await within(.seconds(60), "the job") { try await job.worker.run() }
    #expect(job.worker.summary.taken == 0)
  }

  @Test func aWorkerIsWhatWasConfiguredThenItsRuntimeThenTheDefaults() throws {
    let runtime = RuntimeDescription(name: "r", engine: "webui", model: "m.safetensors", dynamicModel: true)
    let standard = WorkerConfiguration(name: "w")
    let plain = try composition([:]).workerConfiguration("w", runtime, isJob: false)
    #expect((plain.runtime, plain.model, plain.dynamicModel) == ("r", "m.safetensors", true))
    #expect((plain.grace, plain.maximumTasks, plain.looksAhead) == (standard.grace, nil, true))
    let told = try composition([
      .model: "x", .dynamicModel: "false", .grace: "5s", .maximumTasks: "3", .lookAhead: "false", .visibility: "1m",
      .maximumAttempts: "2", .inferenceTimeout: "1h", .stallTimeout: "10s", .announceStart: "true",
      .memoryBudget: "1MiB", .modelAffinity: "true", .warmUp: "640x480", .engineMemoryLimit: "8GiB",
    ]).workerConfiguration("w", runtime, isJob: false)
    #expect((told.model, told.dynamicModel, told.announcesStart) == ("x", false, true))
    #expect(
      (told.grace, told.visibility, told.inferenceTimeout, told.stallTimeout) == (
        .seconds(5), .seconds(60), .seconds(3600), .seconds(10)
      ))
    #expect(
      (told.prefersLoadedModel, told.warmUp, told.engineMemoryLimit) == (
        true, PixelSize(width: 640, height: 480), 8 << 30
      ))
    #expect((plain.prefersLoadedModel, plain.warmUp, plain.engineMemoryLimit) == (false, nil, nil))
    #expect((told.maximumTasks, told.looksAhead, told.maximumAttempts, told.memoryBudget) == (3, false, 2, 1 << 20))
    let job = try composition([:]).workerConfiguration("w", nil, isJob: true)
    #expect((job.maximumTasks, job.looksAhead, job.endsWhenEmpty) == (1, false, true))
  }

  @Test func aWorkerTakesUrgentTasksFirstWhereItsRuntimeHasAQueueForThem() async throws {
    let catalog = RuntimeCatalog([.init(name: "r", engine: "test-pattern", model: "m", priorityQueue: "r-high")])
    let door = try await composition([.state: directory.path]).door(catalog: catalog)
    _ = try RuntimesFile(directory.path + "/runtimes.yaml").read(orCreate: catalog)
    for (id, priority) in [("a", "normal"), ("b", "high")] {
      let body: JSONValue = [
        "id": .string(id), "runtime": "r", "type": "text-to-image", "priority": .string(priority),
        "content": ["prompt": "a lighthouse", "width": 64, "height": 64],
      ]
      _ = try await door.submissions.submit(V1Door.decode(body, now: Clocks.system.timestamp))
    }
    let job = try await composition([.state: directory.path, .runtime: "r", .backend: "test-pattern:"])
      .worker(isJob: true)
    #expect(job.queues.map(\.name) == ["r", "r-high"])
    try await within(.seconds(60), "the job") { try await job.worker.run() }
    let states = try await door.ledger.page(LedgerQuery()).records.sorted { $0.key.task.id < $1.key.task.id }.map(
      \.state)
    #expect(states == [.queued, .succeeded])
  }

  @Test func aNamedPriorityQueueNeedsATopicToStandBeside() async throws {
    let catalog = RuntimeCatalog([.init(name: "r", engine: "test-pattern", model: "m", priorityQueue: "r-high")])
    _ = try RuntimesFile(directory.path + "/own.yaml").read(orCreate: catalog)
    let flags: [ConfigurationKey: String] = [
      .runtimes: directory.path + "/own.yaml", .runtime: "r", .queue: "memory:r", .store: "memory:",
      .backend: "test-pattern:",
    ]
    let error = await #expect(throws: SDError.self) { try await composition(flags).worker() }
    #expect(error?.code == .configuration && error?.message.contains("priority-queue") == true)
    let told = try await composition(flags.merging([.priorityQueue: "memory:urgent"]) { $1 }).worker()
    #expect(told.queues.map(\.name) == ["r", "urgent"])
  }

  @Test func aRuntimesFileThatMakesNoSenseIsFatalToAWorkerToo() async throws {
    let path = "\(directory.path)/runtimes.yaml"
    try Data("runtimes:\n- nam: r\n".utf8).write(to: URL(filePath: path))
    let composition = try composition([.state: directory.path, .runtime: "r", .backend: "test-pattern:"])
    let error = await #expect(throws: SDError.self) { try await composition.worker() }
    #expect(error?.code == .configuration && error?.message.contains(path) == true)
    try Data("runtimes:\n- name: other\n".utf8).write(to: URL(filePath: path))
    _ = try await composition.worker()
  }

  @Test func queueAndTopicOfDifferentPlacesAreRefused() async throws {
    for (queue, topic) in [
      ("file:\(directory.path)/a?queue=q", "file:\(directory.path)/b"), ("memory:a?queue=q", "memory:b"),
      ("memory:q", "memory:b"),
    ] {
      let error = #expect(throws: SDError.self) { try composition([.queue: queue, .topic: topic]) }
      #expect(error?.code == .configuration)
      #expect(error?.message.contains("--queue") == true && error?.message.contains("--topic") == true)
    }
    _ = try composition([.queue: "file:\(directory.path)?queue=q", .topic: "file:\(directory.path)/."])
    let catalog = RuntimeCatalog([.init(name: "r", engine: "webui", queue: "file:\(directory.path)/other?queue=q")])
    let apart = try composition([.state: directory.path])
    await #expect(throws: SDError.self) { try await apart.door(catalog: catalog) }
  }

  @Test func aTopicKeepsTheSubscriptionsOfTheCatalogAlone() async throws {
    let composition = try composition([.state: directory.path])
    _ = try await composition.door(catalog: .standard)
    let door = try await composition.door(catalog: RuntimeCatalog([.init(name: "only", engine: "webui", queue: "q")]))
    let key = try await submit("x", to: "only", through: door)
    #expect(key.run == 1)
    let queue = try #require(door.queues["only"])
    #expect(queue.name == "q")
    let leases = try await queue.receive(max: 1, wait: .seconds(5), visibility: nil)
    #expect(leases.count == 1)
    await #expect(throws: RequestProblem.self) { try await submit("y", to: "sdruntime", through: door) }
  }

  @Test func inputsOfTheOwnStoreAreReadAndNothingElseIs() async throws {
    let composition = try composition([.state: directory.path])
    let store = try await composition.store()
    let inputs = try composition.registry.inputs(store, composition.context)
    try await store.put(".sd/secret", [1, 2, 3])
    let picture = FakeImage.png(1)
    try await store.put("in/a.png", picture)
    let read = try await inputs.fetch("s3://local/in/a.png")
    #expect(read == picture)
    for reference in ["s3://local/.sd/secret", "s3://other/in/a.png", "http://127.0.0.1:1/x.png", "file:///etc/passwd"]
    {
      await #expect(throws: TaskError.self, "\(reference)") { try await inputs.fetch(reference) }
    }
  }

  @Test func clientsAreToldAnAddressThatTheyCanReach() throws {
    func address(_ flags: [ConfigurationKey: String]) throws -> String {
      Listening(try Configuration(flags: flags)).address(port: 99)
    }
    #expect(try address([:]) == "http://127.0.0.1:99")
    #expect(try address([.host: "0.0.0.0"]) == "http://127.0.0.1:99")
    #expect(try address([.host: "::1"]) == "http://[::1]:99")
    #expect(try address([.publicURL: "https://sd.example/"]) == "https://sd.example")
  }
}
