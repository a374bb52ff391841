import Logging
import SDCore
import SDTestKit
import ServiceLifecycle
import Testing

@Suite struct SpanBatcherTests {
  private let clock = ManualClock()

  private func span(_ number: Int) -> FinishedSpan {
    FinishedSpan(
      traceID: .make(at: clock.timestamp), spanID: .make(), service: "test", name: "\(number)", startNanoseconds: 1,
      endNanoseconds: 2)
  }

  private func batcher(
    _ exporter: any SpanExporter, _ change: (inout SpanBatcher.Configuration) -> Void = { _ in }
  ) -> SpanBatcher {
    var configuration = SpanBatcher.Configuration()
    change(&configuration)
    return SpanBatcher(exporter: exporter, configuration: configuration, clocks: clock.clocks, logger: quiet)
  }

  private let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

  /// Runs a batcher while a body works with it, then cancels it and waits for its end.
  private func running(_ batcher: SpanBatcher, _ body: @escaping @Sendable () async throws -> Void) async throws {
    try await within(.seconds(60), "the batcher") {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await batcher.run() }
        try await body()
        group.cancelAll()
        try await group.waitForAll()
      }
    }
  }

  @Test("What does not fit is dropped and counted, and whoever ends a span never waits")
  func bound() async throws {
    let gate = Gate()
    let exporter = RecordingSpanExporter(gate: gate)
    let batcher = batcher(exporter) { ($0.capacity, $0.batchSize) = (10, 4) }
    for n in 0..<25 { batcher.add(span(n)) }
    #expect(batcher.statistics == statistics(dropped: 15, buffered: 10))
    try await running(batcher) {
      try await clock.untilSleepers(1)
      clock.advance(by: .seconds(1))
      try await eventually("an export") { exporter.attempts == 1 }
      for n in 100..<120 { batcher.add(span(n)) }
      #expect(batcher.statistics == statistics(dropped: 15 + 16, buffered: 10))
      gate.open()
      await batcher.flush()
      let taken: [Int] = Array(0..<10) + Array(100..<104)
      #expect(exporter.spans.map(\.name) == taken.map { "\($0)" })
      #expect(exporter.batches.allSatisfy { $0.count <= 4 })
    }
    #expect(batcher.statistics == statistics(exported: 14, dropped: 31))
  }

  @Test("A backlog is worked off without waiting for the interval")
  func backlog() async throws {
    let gate = Gate()
    let exporter = RecordingSpanExporter(gate: gate)
    let batcher = batcher(exporter) { ($0.batchSize, $0.interval) = (4, .seconds(3600)) }
    for n in 0..<8 { batcher.add(span(n)) }
    try await running(batcher) {
      try await eventually("an export") { exporter.attempts == 1 }
      // The buffer goes from 4 to 8 and so never comes to a batch's size: nothing but the backlog itself tells of it.
      for n in 8..<12 { batcher.add(span(n)) }
      gate.open()
      try await eventually("the backlog") { exporter.spans.count == 12 }
    }
  }

  @Test("A full batch goes at once, a smaller one when the interval is over")
  func timing() async throws {
    let exporter = RecordingSpanExporter()
    let batcher = batcher(exporter) { $0.batchSize = 3 }
    try await running(batcher) {
      try await clock.untilSleepers(1)
      for n in 0..<3 { batcher.add(span(n)) }
      try await eventually("a full batch") { exporter.spans.count == 3 }
      batcher.add(span(3))
      try await clock.untilSleepers(1)
      clock.advance(by: .milliseconds(999))
      #expect(exporter.spans.count == 3)
      clock.advance(by: .milliseconds(1))
      try await eventually("the rest") { exporter.spans.count == 4 }
    }
  }

  /// Waits until somebody sleeps for so long: an attempt's own time may still run when it has failed.
  private func untilNext(_ pause: Duration) async throws {
    try await eventually("a pause of \(pause)") { [clock] in clock.nextDeadline == clock.now.advanced(by: pause) }
  }

  @Test("A failure that passes is tried again with growing pauses, any other is not")
  func retries() async throws {
    let exporter = RecordingSpanExporter()
    let batcher = batcher(exporter) { ($0.batchSize, $0.interval) = (1, .seconds(3600)) }
    exporter.fail(SDError(.unavailable, "x"), SDError(.throttled, "x"))
    try await running(batcher) {
      try await clock.untilSleepers(1)
      batcher.add(span(1))
      try await untilNext(.milliseconds(500))
      clock.advance(by: .milliseconds(500))
      try await eventually("the second attempt") { exporter.attempts == 2 }
      try await untilNext(.milliseconds(1000))
      clock.advance(by: .milliseconds(999))
      #expect(exporter.attempts == 2)
      clock.advance(by: .milliseconds(1))
      try await eventually("the third attempt") { exporter.spans.count == 1 }
      exporter.fail(SDError(.denied, "x"))
      batcher.add(span(2))
      try await eventually("the refusal") { batcher.statistics.failed == 1 }
      #expect(exporter.attempts == 4)
    }
    #expect(batcher.statistics == statistics(exported: 1, failed: 1))
  }

  @Test("An exporter that hangs is given up after its time, and the next batch goes")
  func hanging() async throws {
    let gate = Gate()
    let exporter = RecordingSpanExporter(gate: gate)
    let batcher = batcher(exporter) { ($0.batchSize, $0.tries, $0.interval) = (1, 1, .seconds(3600)) }
    try await running(batcher) {
      try await clock.untilSleepers(1)
      batcher.add(span(1))
      try await clock.untilSleepers(2)
      clock.advance(by: .seconds(10))
      try await eventually("the end of patience") { batcher.statistics.failed == 1 }
      gate.open()
      batcher.add(span(2))
      try await eventually("the next") { exporter.spans.map(\.name) == ["2"] }
    }
  }

  @Test("On graceful shutdown what is buffered is exported, and the exporter is ended")
  func gracefulShutdown() async throws {
    let exporter = RecordingSpanExporter()
    let batcher = batcher(exporter)
    let group = ServiceGroup(configuration: .init(services: [.init(service: batcher)], logger: quiet))
    try await within(.seconds(60), "the shutdown") {
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        try await clock.untilSleepers(1)
        for n in 0..<10 { batcher.add(span(n)) }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
      }
    }
    #expect(exporter.spans.count == 10 && exporter.isShutDown)
    batcher.add(span(11))
    await batcher.flush()
    #expect(batcher.statistics == statistics(exported: 10, dropped: 1))
    await #expect(throws: SDError.self) { try await batcher.run() }
  }

  @Test("Shutdown does not wait longer than it may for an exporter that hangs")
  func shutdownDeadline() async throws {
    let exporter = RecordingSpanExporter(gate: Gate())
    let batcher = batcher(exporter) { $0.interval = .seconds(3600) }
    for n in 0..<300 { batcher.add(span(n)) }
    try await within(.seconds(60), "the end") {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await batcher.run() }
        try await clock.untilSleepers(1)
        group.cancelAll()
        try await clock.untilSleepers(3)
        clock.advance(by: .seconds(5))
        try await group.waitForAll()
      }
    }
    #expect(batcher.statistics.exported == 0 && exporter.isShutDown)
    #expect(batcher.statistics.failed + batcher.statistics.dropped == 300)
  }

  @Test("A flush is over when what was there is exported, whether the batcher runs or not")
  func flush() async throws {
    let exporter = RecordingSpanExporter()
    let batcher = batcher(exporter)
    batcher.add(span(1))
    await batcher.flush()
    #expect(exporter.spans.count == 1 && exporter.flushes == 1)
    try await running(batcher) {
      try await clock.untilSleepers(1)
      for n in 0..<20 {
        batcher.add(span(n))
        await batcher.flush()
        #expect(exporter.spans.count == n + 2)
      }
    }
    await batcher.flush()
  }

  @Test("From many threads every span is exported once, dropped, or failed, and all are counted")
  func concurrency() async throws {
    let exporter = RecordingSpanExporter()
    let batcher = batcher(exporter) { ($0.capacity, $0.batchSize) = (64, 8) }
    try await running(batcher) {
      await withTaskGroup { group in
        for n in 0..<8 {
          group.addTask {
            for k in 0..<500 {
              batcher.add(span(n * 1000 + k))
              if k % 100 == 0 { await batcher.flush() }
            }
          }
        }
      }
    }
    let statistics = batcher.statistics
    #expect(statistics.exported + statistics.dropped == 4000 && statistics.buffered == 0)
    #expect(Set(exporter.spans.map(\.spanID)).count == statistics.exported)
    #expect(exporter.spans.count == statistics.exported && statistics.exported >= 64)
  }

  private func statistics(exported: Int = 0, dropped: Int = 0, failed: Int = 0, buffered: Int = 0)
    -> SpanBatcher.Statistics
  {
    var statistics = SpanBatcher.Statistics()
    (statistics.exported, statistics.dropped) = (exported, dropped)
    (statistics.failed, statistics.buffered) = (failed, buffered)
    return statistics
  }
}
