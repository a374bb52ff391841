public import Tracing

/// What a span hands on to what it calls: which trace, which span, and whether somebody records it.
public struct TraceContext: Sendable, Hashable {
  /// The trace.
  public var traceID: TraceID
  /// The span that is the parent of what comes next; `nil` where only the trace is known, as from a load balancer.
  public var spanID: SpanID?
  /// Whether the trace is recorded; `nil` where that is left to whoever comes next.
  public var isSampled: Bool?
  /// The `tracestate` of W3C Trace Context, passed on unread; at most 512 bytes of printable ASCII.
  public var state: String? { didSet { state = state.flatMap(Self.checked(state:)) } }
  /// Whether it came from another process.
  public var isRemote: Bool

  /// A context; a `state` that may not travel is left out.
  public init(
    traceID: TraceID, spanID: SpanID?, isSampled: Bool?, state: String? = nil, isRemote: Bool = false
  ) {
    (self.traceID, self.spanID, self.isSampled) = (traceID, spanID, isSampled)
    self.state = state.flatMap(Self.checked(state:))
    self.isRemote = isRemote
  }

  /// The context of the running task, where there is one: `TraceContext.current?.messageAttributes` goes with a message.
  public static var current: TraceContext? { ServiceContext.current?.trace }

  private static func checked(state: String) -> String? {
    let bytes = state.utf8
    return !bytes.isEmpty && bytes.count <= 512 && bytes.allSatisfy({ (0x20...0x7E).contains($0) }) ? state : nil
  }
}

extension TraceContext {
  /// A context from W3C headers (Trace Context level 1, sections 3.2 and 3.3); `nil` where `traceparent` is not one.
  ///
  /// Versions to come are read as far as version 00 goes, as the specification has it.
  public init?(traceparent: String, tracestate: String? = nil) {
    let text = Array(traceparent.utf8.prefix(Self.longestHeader + 1))
    let dash = UInt8(ascii: "-")
    guard (55...Self.longestHeader).contains(text.count), text[2] == dash, text[35] == dash, text[52] == dash,
      let version = Hexadecimal.parse(text[0..<2]), version != 0xFF,
      text.count == 55 || (version > 0 && text[55] == dash),
      let trace = Hexadecimal.parse(text[3..<35]), trace != 0,
      let span = Hexadecimal.parse(text[36..<52]), span != 0,
      let flags = Hexadecimal.parse(text[53..<55])
    else { return nil }
    self.init(
      traceID: TraceID(unchecked: trace), spanID: SpanID(unchecked: UInt64(span)), isSampled: flags & 1 == 1,
      state: tracestate, isRemote: true)
  }

  /// The `traceparent` header, version 00; `nil` where no span is known, since it cannot say that.
  public var traceparent: String? {
    spanID.map { "00-\(traceID)-\($0)-\(isSampled == true ? "01" : "00")" }
  }

  /// A context from the value of `X-Amzn-Trace-Id` or `AWSTraceHeader` ("Tracing header", AWS X-Ray developer guide);
  /// `nil` where it has no valid `Root`.
  ///
  /// A `Parent` that is none is taken as absent; fields of other names are passed over.
  public init?(xray header: String) {
    guard header.utf8.count <= Self.longestHeader else { return nil }
    var fields: [Substring: Substring] = [:]
    for part in header.split(separator: ";") {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2 else { continue }
      fields[pair[0].trimmed] = pair[1].trimmed
    }
    guard let root = fields["Root"], let trace = TraceID(xray: root) else { return nil }
    let sampled: Bool? =
      switch fields["Sampled"] {
      case "1": true
      case "0": false
      default: nil
      }
    self.init(
      traceID: trace, spanID: fields["Parent"].flatMap { SpanID(xray: $0) }, isSampled: sampled, isRemote: true)
  }

  /// The value of `X-Amzn-Trace-Id` and `AWSTraceHeader`.
  public var xray: String {
    var header = "Root=\(traceID.xray)"
    if let spanID { header += ";Parent=\(spanID)" }
    if let isSampled { header += ";Sampled=\(isSampled ? 1 : 0)" }
    return header
  }

  private static let longestHeader = 1024
}

extension Substring {
  fileprivate var trimmed: Substring {
    var rest = self
    while rest.first == " " || rest.first == "\t" { rest.removeFirst() }
    while rest.last == " " || rest.last == "\t" { rest.removeLast() }
    return rest
  }
}

private enum TraceContextKey: ServiceContextKey {
  typealias Value = TraceContext
  static var nameOverride: String? { "trace" }
}

extension ServiceContext {
  /// The trace that this context belongs to.
  public var trace: TraceContext? {
    get { self[TraceContextKey.self] }
    set { self[TraceContextKey.self] = newValue }
  }
}
