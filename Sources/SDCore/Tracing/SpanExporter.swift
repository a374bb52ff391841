/// Where spans go that have ended: a file, a daemon, a collector.
///
/// Guarantees that callers rely on: `export` ends by itself within seconds, and at once when its task is cancelled. It
/// throws `SDError`; one that is retryable may be followed by the same spans again, so that a span may arrive twice.
///
/// For implementers: calls may overlap. A batch has at least one span and at most a few hundred; a span has at most
/// some 50 KiB.
public protocol SpanExporter: Sendable {
  /// Hands spans on. When it returns they are with the other side, or as safe as the plugin's documentation has it.
  func export(_ spans: [FinishedSpan]) async throws

  /// Waits until everything that was exported is out of the process.
  func flush() async throws

  /// Ends the exporter; nothing is exported afterwards.
  func shutdown() async
}

extension SpanExporter {
  public func flush() async throws {}
  public func shutdown() async {}
}

/// The exporter of `none:`.
public struct NoSpans: SpanExporter {
  /// An exporter that lets everything fall.
  public init() {}
  public func export(_ spans: [FinishedSpan]) async throws {}
}
