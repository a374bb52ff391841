import MemoryPlugins
import SDTestKit
import Synchronization
import Testing

@testable import SDCore

@Suite("The memory budget", .timeLimit(.minutes(5)))
struct MemoryBudgetTests {
  /// A reservation under way, and whether it has been granted.
  private func reserving(_ bytes: Int, for task: UInt64, of budget: MemoryBudget) -> (Flag, Task<Void, any Error>) {
    let flag = Flag()
    let task = Task {
      try await budget.reserve(bytes, for: task)
      flag.raise()
    }
    return (flag, task)
  }

  @Test("grants what there is room for, and the rest when there is, the oldest first")
  func waits() async throws {
    let budget = MemoryBudget(100)
    for task in 1...3 { budget.weigh(UInt64(task), 10) }
    try await budget.reserve(40, for: 2)
    let (third, waitingThird) = reserving(40, for: 3, of: budget)
    let (second, waitingSecond) = reserving(40, for: 2, of: budget)
    try await eventually("both to wait") { budget.waiting == 2 }
    budget.weigh(1, 0)
    try await waitingSecond.value
    #expect(second.isRaised && !third.isRaised && budget.load.bytes == 100)
    budget.release(40, of: 2)
    try await waitingThird.value
    #expect(budget.load.bytes == 100)
  }

  @Test("lets the oldest have more than there is, and the next when that has left")
  func oldest() async throws {
    let budget = MemoryBudget(100)
    for task in 1...2 { budget.weigh(UInt64(task), 10) }
    try await budget.reserve(60, for: 2)
    try await budget.reserve(500, for: 1)
    let (granted, waiting) = reserving(60, for: 2, of: budget)
    try await eventually("the second to wait") { budget.waiting == 1 }
    #expect(!granted.isRaised)
    budget.leave(1)
    try await waiting.value
    #expect(budget.load.bytes == 130)
  }

  @Test("forgets who is cancelled")
  func cancelled() async throws {
    let budget = MemoryBudget(100)
    budget.weigh(1, 100)
    budget.weigh(2, 0)
    let (_, waiting) = reserving(1, for: 2, of: budget)
    try await eventually("the second to wait") { budget.waiting == 1 }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    #expect(budget.waiting == 0 && budget.load.bytes == 100)
  }

  // MARK: In a worker

  private static let size = 90_000

  /// Works on a task without inputs, so that the next are taken ahead, and on so many with one input each.
  private func worker(_ harness: WorkerHarness, tasks: Int) async throws -> Worker {
    let worker = harness.worker {
      $0.memoryBudget = Self.size * 4
      $0.maximumTasks = tasks + 1
    }
    try await harness.submit("first")
    for number in 1...tasks {
      let place = "https://example.com/\(number).png"
      harness.inputs.set(place, .success([UInt8](repeating: 1, count: Self.size)))
      let content: JSONValue = ["init_images": [.string(place)]]
      try await harness.submit([
        "id": .string("t\(number)"), "runtime": "sdruntime", "type": "image-to-image", "content": content,
      ])
    }
    return worker
  }

  @Test("keeps the room of the largest input free where inputs do not tell their lengths")
  func undeclared() async throws {
    // One such input, and the same as text, take more than half of the budget.
    let harness = try WorkerHarness(inputs: FakeInputs(maximumBytes: Self.size, isDeclared: false))
    let engine = Gate()
    harness.backend.script(.hold(engine, then: .succeed), for: "t1")
    let worker = try await worker(harness, tasks: 4)
    async let running: Void = worker.run()
    try await eventually("the first to have the engine") { harness.backend.starts(of: "t1") == 1 }
    #expect(worker.heldBytes <= Self.size * 4)
    engine.open()
    try await running
    #expect(harness.inputs.mostUnderWay == Self.size && harness.inputs.fetched.count == 4)
    #expect(worker.heldBytes == 0)
  }

  @Test("frees what an input turns out not to need before it has come", arguments: [true, false])
  func declared(isDeclared: Bool) async throws {
    let coming = Gate()
    let harness = try WorkerHarness(
      inputs: FakeInputs(maximumBytes: Self.size * 4, isDeclared: isDeclared, pause: coming))
    let worker = try await worker(harness, tasks: 1)
    async let running: Void = worker.run()
    try await eventually("the input to be on its way") { coming.waiting == 1 }
    #expect(worker.heldBytes > Self.size * 2)
    #expect((worker.heldBytes > Self.size * 4) == !isDeclared)
    coming.open()
    try await running
    #expect(try await harness.record("t1")?.state == .succeeded)
  }
}
