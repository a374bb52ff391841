import Synchronization

/// Where spans go that have ended: a file, a daemon, a collector.
///
/// Guarantees that callers rely on: `export` ends by itself within seconds, and at once when its task is cancelled. It
/// throws `SDError`; one that is retryable may be followed by the same spans again, so that a span may arrive twice.
///
/// For implementers: calls may overlap. A batch has at most a few hundred spans, and an empty one is nothing; a span has at
/// most some 50 KiB.
public protocol SpanExporter: Sendable {
  /// Hands spans on. When it returns they are with the other side, or as safe as the plugin's documentation has it.
  func export(_ spans: [FinishedSpan]) async throws

  /// Waits until everything that was exported is out of the process.
  func flush() async throws

  /// Ends the exporter, once. Nothing is exported afterwards: `export` throws `.invalid`, see `ExporterEnd`.
  func shutdown() async
}

extension SpanExporter {
  public func flush() async throws {}
  public func shutdown() async {}
}

/// Whether an exporter was shut down; exporters ask it before each export.
public final class ExporterEnd: Sendable {
  private let isReached = Mutex(false)

  /// An exporter that goes on.
  public init() {}

  /// Marks the end.
  public func reach() { isReached.withLock { $0 = true } }

  /// Throws `.invalid` once the end was reached.
  public func check() throws(SDError) {
    if isReached.withLock({ $0 }) { throw SDError(.invalid, "exporting spans after the exporter was shut down") }
  }
}

/// The exporter of `none:`.
public struct NoSpans: SpanExporter {
  /// An exporter that lets everything fall.
  public init() {}
  public func export(_ spans: [FinishedSpan]) async throws {}
}
