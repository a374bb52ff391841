import Tracing

/// How large a span may become: a segment document of X-Ray has 64 KiB, and spans wait in memory.
enum SpanLimits {
  /// Attributes of a span; of an event or a link.
  static let attributes = 64
  static let innerAttributes = 16
  static let events = 64
  static let links = 32
  /// Bytes of a text, of a name, and of elements of an array.
  static let text = 2048
  static let name = 256
  static let elements = 64
  /// Bytes of everything in a span.
  static let total = 48 << 10

  /// Attributes as values, the first by name where there are too many, and how many were left out.
  static func values(_ attributes: SpanAttributes, at limit: Int) -> (values: [String: SpanValue], dropped: Int) {
    guard !attributes.isEmpty else { return ([:], 0) }
    var all: [(name: String, value: SpanAttribute)] = []
    attributes.forEach { all.append(($0, $1)) }
    if all.count > limit { all.sort { $0.name < $1.name } }
    var values: [String: SpanValue] = [:]
    for (name, value) in all.prefix(limit) {
      if let value = SpanValue(value) { values[name.truncated(toUTF8: Self.name)] = value }
    }
    return (values, all.count - values.count)
  }

  /// Leaves out what makes a span too large: events from the last, then links, then attributes.
  static func fit(_ span: inout FinishedSpan) {
    var size = span.attributes.size
    size += span.events.reduce(0) { $0 + $1.size } + span.links.reduce(0) { $0 + $1.size }
    while size > total, let event = span.events.popLast() {
      size -= event.size
      span.droppedCount += 1
    }
    while size > total, let link = span.links.popLast() {
      size -= link.size
      span.droppedCount += 1
    }
    for (name, value) in span.attributes.sorted(by: { $0.key > $1.key }) where size > total {
      span.attributes[name] = nil
      size -= name.utf8.count + value.size
      span.droppedCount += 1
    }
  }
}

extension SpanValue {
  /// A value within the limits; `nil` for kinds that nobody knows.
  fileprivate init?(_ attribute: SpanAttribute) {
    let (text, most) = (SpanLimits.text, SpanLimits.elements)
    func cut(_ value: some CustomStringConvertible) -> SpanValue {
      .string(value.description.truncated(toUTF8: text))
    }
    switch attribute {
    case .int32(let value): self = .int(Int64(value))
    case .int64(let value): self = .int(value)
    case .double(let value): self = .double(value)
    case .bool(let value): self = .bool(value)
    case .string(let value): self = cut(value)
    case .stringConvertible(let value): self = cut("\(value)")
    case .int32Array(let values): self = .array(values.prefix(most).map { .int(Int64($0)) })
    case .int64Array(let values): self = .array(values.prefix(most).map { .int($0) })
    case .doubleArray(let values): self = .array(values.prefix(most).map { .double($0) })
    case .boolArray(let values): self = .array(values.prefix(most).map { .bool($0) })
    case .stringArray(let values): self = .array(values.prefix(most).map { cut($0) })
    case .stringConvertibleArray(let values): self = .array(values.prefix(most).map { cut("\($0)") })
    default: return nil
    }
  }

  fileprivate var size: Int {
    switch self {
    case .string(let text): text.utf8.count + 3
    case .int, .double: 8
    case .bool: 5
    case .array(let values): values.reduce(2) { $0 + $1.size }
    }
  }
}

extension [String: SpanValue] {
  fileprivate var size: Int { reduce(0) { $0 + $1.key.utf8.count + $1.value.size } }
}

extension FinishedSpan.Event {
  fileprivate var size: Int { 48 + name.utf8.count + attributes.size }
}

extension FinishedSpan.Link {
  fileprivate var size: Int { 80 + attributes.size }
}
