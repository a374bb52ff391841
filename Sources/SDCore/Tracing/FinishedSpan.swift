/// A span that has ended: what exporters are handed.
public struct FinishedSpan: Sendable, Hashable {
  /// What a span is to the one it is a part of.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    case `internal`, server, client, producer, consumer
  }

  /// How it ended.
  public enum Status: Sendable, Hashable {
    /// Nobody said.
    case unset
    case ok
    /// It failed; with what it said.
    case error(String?)
  }

  /// Something that happened during a span.
  public struct Event: Sendable, Hashable {
    /// What happened; `exception` for errors.
    public var name: String
    /// Nanoseconds since 1970.
    public var nanoseconds: UInt64
    /// What is known of it.
    public var attributes: [String: SpanValue]

    /// Something that happened.
    public init(name: String, nanoseconds: UInt64, attributes: [String: SpanValue] = [:]) {
      (self.name, self.nanoseconds, self.attributes) = (name, nanoseconds, attributes)
    }
  }

  /// Another span that has to do with this one and is not its parent.
  public struct Link: Sendable, Hashable {
    /// The other's trace.
    public var traceID: TraceID
    /// The other span.
    public var spanID: SpanID
    /// What is known of the link.
    public var attributes: [String: SpanValue]

    /// A link to a span.
    public init(traceID: TraceID, spanID: SpanID, attributes: [String: SpanValue] = [:]) {
      (self.traceID, self.spanID, self.attributes) = (traceID, spanID, attributes)
    }
  }

  /// The trace it is in.
  public var traceID: TraceID
  /// Its own id.
  public var spanID: SpanID
  /// The span it is a part of; `nil` for the first of a trace.
  public var parentID: SpanID?
  /// Whether the parent is another process's: such a span, or one without parent, is a segment to X-Ray.
  public var hasRemoteParent = false
  /// The trace's W3C `tracestate`.
  public var state: String?
  /// The program that made it.
  public var service: String
  /// What was done.
  public var name: String
  /// What it is to its parent.
  public var kind = Kind.internal
  /// Begin and end in nanoseconds since 1970. The end is the begin and what the monotonic clock measured.
  public var startNanoseconds: UInt64
  public var endNanoseconds: UInt64
  /// How it ended.
  public var status = Status.unset
  /// What is known of it.
  public var attributes: [String: SpanValue] = [:]
  /// What happened during it, in the order it was told.
  public var events: [Event] = []
  /// What it has to do with.
  public var links: [Link] = []
  /// Attributes, events and links that were left out for want of room.
  public var droppedCount = 0

  /// A span that has ended.
  public init(
    traceID: TraceID, spanID: SpanID, parentID: SpanID? = nil, service: String, name: String,
    startNanoseconds: UInt64, endNanoseconds: UInt64
  ) {
    (self.traceID, self.spanID, self.parentID) = (traceID, spanID, parentID)
    (self.service, self.name) = (service, name)
    (self.startNanoseconds, self.endNanoseconds) = (startNanoseconds, endNanoseconds)
  }

  /// How long it took.
  public var duration: Duration {
    .nanoseconds(Int64(clamping: endNanoseconds >= startNanoseconds ? endNanoseconds - startNanoseconds : 0))
  }
}

/// The value of a span's attribute.
public enum SpanValue: Sendable, Hashable {
  case string(String)
  case int(Int64)
  case double(Double)
  case bool(Bool)
  case array([SpanValue])
}

extension SpanValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int64) { self = .int(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
}
