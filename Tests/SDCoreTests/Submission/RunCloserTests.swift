import Logging
import MemoryPlugins
import SDCore
import SDTestKit
import Testing

@Suite("Ending runs that no worker is at") struct RunCloserTests {
  private func closer(_ harness: WorkerHarness) -> RunCloser {
    RunCloser(
      ledger: harness.ledger, store: harness.store, events: harness.events, clocks: harness.system.clocks,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  @Test("A run whose message was damaged is failed and announced, once")
  func stranded() async throws {
    let harness = try WorkerHarness()
    let entry = try await harness.submit("t1")
    let failed = try #require(try await closer(harness).failStranded(entry))
    #expect(failed.record.state == .failed && failed.record.error?.code == .internal && failed.record.announced)
    #expect(try await closer(harness).failStranded(entry) == nil)
    #expect(try await harness.heard().map(\.id) == ["t1/1/failed"])
  }

  @Test("A run whose message was removed is cancelled and announced, once, and one that has ended is left")
  func withdrawn() async throws {
    let harness = try WorkerHarness()
    let entry = try await harness.submit("t1")
    let cancelled = try #require(try await closer(harness).withdraw(entry))
    #expect(cancelled.record.state == .cancelled && cancelled.record.announced)
    #expect(try await closer(harness).withdraw(entry) == nil)
    // Its message, if it is met after all, runs nothing.
    try await harness.work()
    #expect(try await harness.record("t1")?.state == .cancelled && harness.backend.started.isEmpty)
    #expect(try await harness.heard().map(\.id) == ["t1/1/cancelled"])
    let other = try await harness.submit("t2")
    try await harness.work()
    #expect(try await closer(harness).withdraw(other) == nil)
  }

  @Test("A run that a worker has begun by another message, or ended, is left to it")
  func begun() async throws {
    let harness = try WorkerHarness()
    let entry = try await harness.submit("t1")
    try await harness.work()
    #expect(try await closer(harness).failStranded(entry) == nil)
    #expect(try await harness.record("t1")?.state == .succeeded)
    // Given back: another worker goes on with it.
    let again = try await harness.submit("t2")
    harness.backend.script(.fail(TaskError(.engineFailed, .infer, "no")), for: "t2")
    try await harness.work { $0.retryDelay = .seconds(60) }
    #expect(try await harness.record("t2")?.state == .queued)
    #expect(try await closer(harness).failStranded(again) == nil)
    #expect(try await harness.record("t2")?.state == .queued)
  }
}
