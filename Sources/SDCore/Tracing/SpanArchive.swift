/// Where spans can be read again: an ability of exporters that keep what they are handed.
public protocol SpanArchive: Sendable {
  /// The spans of a trace that are still there, by their begin, at most `limit` of them.
  func spans(of trace: TraceID, limit: Int) async throws -> [FinishedSpan]
}
