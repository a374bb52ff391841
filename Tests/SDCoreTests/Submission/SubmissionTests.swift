import MemoryPlugins
import SDCore
import SDTestKit
import Testing

@Suite struct SubmissionTests {
  private let harness: WorkerHarness
  private let topic: TappedTopic
  private let submissions: SubmissionService

  init() throws {
    harness = try WorkerHarness()
    topic = TappedTopic(harness.system.topic("tasks"))
    // Of another kind than the ledger, as on AWS: record and publication are two steps.
    submissions = SubmissionService(
      ledger: harness.ledger, topic: topic, store: harness.store, catalog: harness.submissions.catalog)
  }

  private func task(_ prompt: String = "a", v1: Bool = true) throws -> TaskRequest {
    if v1 {
      return try V1Door.decode(
        ["id": "t1", "runtime": "sdruntime", "type": "text-to-image", "content": ["prompt": .string(prompt)]],
        now: Timestamp(milliseconds: 0))
    }
    let body: JSONValue = [
      "alwayson_scripts": ["task": "text-to-image", "id_task": "t1", "sd_model_checkpoint": "model.safetensors"],
      "prompt": .string(prompt), "sdname": "sdruntimeAddon",
    ]
    return try LegacyDoor.v1alpha1(body.serialized(), isReferencePath: true)
  }

  private func runs() async throws -> [Int] {
    try await harness.ledger.page(LedgerQuery()).records.map(\.key.run).sorted()
  }

  @Test("A door that dies between record and publication loses nothing: the repeat publishes, and it is run once")
  func diesBetween() async throws {
    topic.tap.on("") { number in if number == 1 { throw SDError(.unavailable, "killed") } }
    let task = try task()
    await #expect(throws: SDError.self) { try await submissions.submit(task, idempotencyKey: "k") }
    #expect(try await harness.record("t1")?.state == .queued)
    #expect(try await harness.queue.stats().waiting == 0)
    for _ in 1...2 {
      guard case .known = try await submissions.submit(task, idempotencyKey: "k") else {
        throw SDError(.internal, "new")
      }
    }
    // Once for each repeat; the worker sees that it is one run.
    #expect(try await harness.queue.stats().waiting == 2)
    try await harness.workUntilEmpty()
    #expect(harness.backend.started.count == 1)
    #expect(try await runs() == [1])
    #expect(try await Set(harness.heard().map(\.id)) == ["t1/1/succeeded"])
    #expect(try await harness.isDrained())
  }

  @Test("Many who submit one id at once through the older doors get a run each, or join the same")
  func racing() async throws {
    let prompts = ["a", "b", "a", "b", "c", "c"]
    try await withThrowingTaskGroup(of: Void.self) { group in
      for prompt in prompts {
        let task = try task(prompt, v1: false)
        group.addTask { _ = try await submissions.submit(task) }
      }
      try await group.waitForAll()
    }
    let numbers = try await runs()
    #expect(numbers == Array(1...numbers.count) && (3...6).contains(numbers.count))
    try await harness.workUntilEmpty()
    #expect(harness.backend.started.count == numbers.count)
    for number in numbers { #expect(try await harness.record("t1", run: number)?.state == .succeeded) }
    #expect(try await Set(harness.heard().map(\.id)).count == numbers.count)
  }

  @Test("Many who submit one id at once through v1 get one task, and other requests are refused")
  func racingOwn() async throws {
    let outcomes = try await withThrowingTaskGroup(of: Bool.self) { group in
      for prompt in ["a", "b", "a", "b"] {
        let task = try task(prompt)
        group.addTask {
          if case .taken = try await submissions.submit(task) { false } else { true }
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes.count { $0 } == 2 && outcomes.count { !$0 } == 2)
    #expect(try await runs() == [1])
  }

  @Test("The same again after its end is the next run through the older doors, and the same task through v1")
  func again() async throws {
    for (isOwn, expected) in [(false, [1, 2]), (true, [1])] {
      let harness = try WorkerHarness()
      for _ in 1...2 {
        _ = try await harness.submissions.submit(try task(v1: isOwn))
        try await harness.workUntilEmpty()
      }
      #expect(try await harness.ledger.page(LedgerQuery()).records.map(\.key.run).sorted() == expected)
      #expect(harness.backend.started.count == expected.count)
    }
  }

  @Test("A task goes to the runtime that it names, else to the one with its model, else it is refused with the choice")
  func runtimes() async throws {
    let unknown: JSONValue = ["id": "t1", "runtime": "nobody", "type": "text-to-image", "content": [:]]
    let other: JSONValue = ["id": "t1", "model": "other", "type": "text-to-image", "content": [:]]
    for (body, word) in [(unknown, "sdruntime"), (other, "model.safetensors")] {
      let task = try V1Door.decode(body, now: Timestamp(milliseconds: 0))
      let problem = await #expect(throws: RequestProblem.self) { try await submissions.submit(task) }
      #expect(problem?.fields.first?.detail.contains(word) == true)
    }
    #expect(try await runs().isEmpty)
  }
}
