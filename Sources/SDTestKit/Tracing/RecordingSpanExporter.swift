public import SDCore
import Synchronization

/// An exporter that keeps what it is given, and fails or waits as a test says.
public final class RecordingSpanExporter: SpanExporter {
  private struct State {
    var batches: [[FinishedSpan]] = []
    var failures: [SDError] = []
    var attempts = 0
    var flushes = 0
    var isShutDown = false
  }

  private let gate: Gate?
  private let state = Mutex(State())

  /// An exporter; with a gate each export waits until it is open.
  public init(gate: Gate? = nil) { self.gate = gate }

  /// What was exported, batch by batch.
  public var batches: [[FinishedSpan]] { state.withLock { $0.batches } }
  /// What was exported.
  public var spans: [FinishedSpan] { batches.flatMap(\.self) }
  /// Exports that were begun, failed ones too.
  public var attempts: Int { state.withLock { $0.attempts } }
  /// How often it was told to flush.
  public var flushes: Int { state.withLock { $0.flushes } }
  /// Whether it was told to end.
  public var isShutDown: Bool { state.withLock { $0.isShutDown } }

  /// Makes the next exports fail.
  public func fail(_ errors: SDError...) { state.withLock { $0.failures += errors } }

  public func export(_ spans: [FinishedSpan]) async throws {
    try state.withLock { state throws(SDError) in
      state.attempts += 1
      if state.isShutDown { throw SDError(.invalid, "exporting spans after the exporter was shut down") }
    }
    try await gate?.pass()
    try state.withLock { state throws(SDError) in
      if !state.failures.isEmpty { throw state.failures.removeFirst() }
      guard !spans.isEmpty else { return }
      state.batches.append(spans)
    }
  }

  public func flush() async throws { state.withLock { $0.flushes += 1 } }
  public func shutdown() async { state.withLock { $0.isShutDown = true } }
}
