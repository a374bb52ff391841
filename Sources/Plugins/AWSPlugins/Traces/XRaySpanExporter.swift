import AWSKit
public import SDCore

/// Spans as segments to the X-Ray daemon beside the program.
///
/// The daemon's protocol has no answers: what it does not take is lost.
public struct XRaySpanExporter: SpanExporter {
  private let daemon: XRayDaemon
  private let end = ExporterEnd()

  /// An exporter to a daemon.
  ///
  /// - Parameter address: `host:port`.
  public init(address: String) throws(SDError) {
    do { daemon = try XRayDaemon(address: address) } catch {
      throw SDError(.configuration, error.message, underlying: error)
    }
  }

  public func shutdown() async { end.reach() }

  @concurrent
  public func export(_ spans: [FinishedSpan]) async throws {
    try end.check()
    for span in spans {
      try await attempting("sending a span") { () async throws(AWSError) in
        try daemon.send(document: XRaySegment(span).serialized(limit: XRayDaemon.maximumDocumentBytes))
      }
    }
  }
}
