public import Logging
import Tracing

extension Logger.MetadataProvider {
  /// Puts the ids of the current trace and span into log lines, where there are any.
  public static let trace = Logger.MetadataProvider {
    guard let trace = ServiceContext.current?.trace else { return [:] }
    var metadata: Logger.Metadata = ["trace_id": "\(trace.traceID)"]
    if let span = trace.spanID { metadata["span_id"] = "\(span)" }
    return metadata
  }
}
