public import Tracing

/// The names under which a trace's context travels.
public enum TraceHeader {
  /// W3C Trace Context.
  public static let traceparent = "traceparent"
  /// What other makers of traces add to it.
  public static let tracestate = "tracestate"
  /// X-Ray's header in HTTP.
  public static let xray = "X-Amzn-Trace-Id"
  /// X-Ray's header beside SQS messages, where it is a system attribute: plugins of AWS move it there.
  public static let awsTraceHeader = "AWSTraceHeader"
}

extension TraceContext {
  /// The context that a message carries; `nil` where it carries none that can be read.
  ///
  /// `traceparent` goes first: it is set by senders alone, while services on the way add the other.
  public init?(attributes: MessageAttributes) {
    self.init { attributes[$0]?.text }
  }

  /// The context among headers, looked up by name; the look-up decides on upper and lower case.
  public init?(header: (String) -> String?) {
    if let parent = header(TraceHeader.traceparent),
      let context = TraceContext(traceparent: parent, tracestate: header(TraceHeader.tracestate))
    {
      self = context
    } else if let context = header(TraceHeader.xray).flatMap({ TraceContext(xray: $0) }) {
      self = context
    } else if let context = header(TraceHeader.awsTraceHeader).flatMap({ TraceContext(xray: $0) }) {
      self = context
    } else {
      return nil
    }
  }

  /// What carries the context along with a message or publication: `traceparent`, `tracestate` where there is one, and
  /// `AWSTraceHeader`.
  public var messageAttributes: MessageAttributes {
    var attributes: MessageAttributes = [TraceHeader.awsTraceHeader: .string(xray)]
    if let traceparent {
      attributes[TraceHeader.traceparent] = .string(traceparent)
      if let state { attributes[TraceHeader.tracestate] = .string(state) }
    }
    return attributes
  }

  /// What carries the context along with an HTTP request, by header name.
  public var httpHeaders: [(name: String, value: String)] {
    var headers: [(name: String, value: String)] = []
    if let traceparent {
      headers.append((TraceHeader.traceparent, traceparent))
      if let state { headers.append((TraceHeader.tracestate, state)) }
    }
    headers.append((TraceHeader.xray, xray))
    return headers
  }
}

extension SDTracer {
  public func extract<Carrier, Extract: Extractor>(
    _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
  ) where Extract.Carrier == Carrier {
    if let trace = TraceContext(header: { extractor.extract(key: $0, from: carrier) }) { context.trace = trace }
  }

  public func inject<Carrier, Inject: Injector>(
    _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
  ) where Inject.Carrier == Carrier {
    guard let trace = context.trace else { return }
    for (name, value) in trace.httpHeaders { injector.inject(value, forKey: name, into: &carrier) }
  }
}
