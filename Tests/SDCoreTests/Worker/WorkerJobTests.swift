import MemoryPlugins
import SDCore
import SDTestKit
import Testing

@Suite("A worker that ends when its queue is empty, and whose engine is away", .timeLimit(.minutes(5)))
struct WorkerJobTests {
  private let harness: WorkerHarness
  private let queue: TappedQueue

  init() throws {
    harness = try WorkerHarness()
    queue = TappedQueue(harness.queue)
    harness.backend.setStatus(.unavailable("connection refused"))
  }

  private func job(_ change: (inout WorkerConfiguration) -> Void = { _ in }) -> Worker {
    harness.worker(queue: queue) {
      $0.endsWhenEmpty = true
      $0.receiveWait = .milliseconds(5)
      change(&$0)
    }
  }

  @Test("does not wait for it for nothing")
  func empty() async throws {
    let worker = job()
    try await within(.seconds(60), "the end") { try await worker.run() }
    #expect(!worker.summary.engineWasAway && worker.summary.taken == 0)
    #expect(queue.tap.count(of: .receive) == 0)
  }

  @Test("waits while a task does, and does it once the engine is there")
  func comes() async throws {
    try await harness.submit("t1")
    let worker = job { $0.maximumTasks = 1 }
    async let running: Void = worker.run()
    try await eventually("looks at the queue") { queue.tap.count(of: .stats) >= 5 }
    #expect(queue.tap.count(of: .receive) == 0)
    harness.backend.setStatus(.ready(busy: false))
    try await running
    #expect(try await harness.record("t1")?.state == .succeeded)
    #expect(!worker.summary.engineWasAway)
  }

  @Test("waits no longer than it may, and leaves the task to others")
  func staysAway() async throws {
    try await harness.submit("t1")
    let worker = job { $0.engineWait = .milliseconds(50) }
    try await within(.seconds(60), "the end") { try await worker.run() }
    #expect(worker.summary.engineWasAway && worker.summary.taken == 0)
    #expect(try await harness.queue.stats().waiting == 1)
  }

  @Test("waits for it where the queue cannot be asked")
  func unknown() async throws {
    queue.tap.on(.stats) { number in
      if number < 5 { throw SDError(.unavailable, "no answer") }
    }
    let worker = job()
    try await within(.seconds(60), "the end") { try await worker.run() }
    #expect(queue.tap.count(of: .stats) >= 6)
  }
}
