import Logging
import SDCore
import SDTestKit
import Synchronization
import Testing

@testable import SDRuntime

@Suite("A pod marker", .timeLimit(.minutes(1)))
struct PodMarkerTests {
  /// What was said to the API, and how it answers.
  final class Recorder: Sendable {
    private let state = Mutex((busy: false, calls: [[String: String?]](), failures: 0))

    var busy: Bool {
      get { state.withLock { $0.busy } }
      set { state.withLock { $0.busy = newValue } }
    }
    var calls: [[String: String?]] { state.withLock { $0.calls } }
    /// The deletion costs that were set, in order; `-` for none.
    var costs: [String] { calls.map { ($0[PodMarker.deletionCost] ?? nil) ?? "-" } }

    func fail(times: Int) { state.withLock { $0.failures = times } }

    func annotate(_ annotations: [String: String?]) throws {
      try state.withLock {
        $0.calls.append(annotations)
        if $0.failures > 0 {
          $0.failures -= 1
          throw SDError(.unavailable, "no answer")
        }
      }
    }
  }

  private let clock = ManualClock()
  private let recorder = Recorder()

  private func marking(_ body: @escaping @Sendable () async throws -> Void) async throws {
    let recorder = recorder
    let marker = PodMarker(
      clocks: clock.clocks, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      annotate: { try recorder.annotate($0) }, isBusy: { recorder.busy })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await marker.run() }
      try await clock.untilSleepers(1)
      try await body()
      group.cancelAll()
    }
  }

  /// Lets time pass and the marker look again.
  private func pass(_ duration: Duration) async throws {
    clock.advance(by: duration)
    try await clock.untilSleepers(1)
  }

  @Test("takes old marks off at the start, marks while busy, and takes the marks off after a calm")
  func life() async throws {
    try await marking { [recorder] in
      #expect(recorder.costs == ["-"])
      recorder.busy = true
      try await pass(.milliseconds(500))
      #expect(recorder.costs == ["-", "1000"])
      #expect(recorder.calls.last?[PodMarker.doNotDisrupt] == "true")
      recorder.busy = false
      try await pass(.milliseconds(500))
      #expect(recorder.costs == ["-", "1000"])
      try await pass(.seconds(5))
      #expect(recorder.costs == ["-", "1000", "-"])
    }
  }

  @Test("leaves the marks on between two short tasks")
  func between() async throws {
    try await marking { [recorder] in
      for _ in 0..<20 {
        recorder.busy.toggle()
        try await pass(.seconds(1))
      }
      #expect(recorder.costs == ["-", "1000"])
    }
  }

  @Test("tries again when the API does not answer")
  func retries() async throws {
    recorder.fail(times: 2)
    try await marking { [recorder] in
      #expect(recorder.costs == ["-"])
      recorder.busy = true
      try await pass(.seconds(1))
      #expect(recorder.costs == ["-", "1000"])
      try await pass(.seconds(2))
      #expect(recorder.costs == ["-", "1000", "1000"])
      try await pass(.seconds(1))
      #expect(recorder.costs.count == 3)
    }
  }
}
