/// One form for lines, files and APIs: ids in W3C's digits; `start` and `duration_ms` for people, `start_unix_nano` and
/// `end_unix_nano` in full as strings, since JavaScript's numbers do not hold them (OTLP/JSON does the same).
extension FinishedSpan {
  /// The span as JSON; absent is what has nothing to say.
  public var json: JSONValue {
    var json: JSONValue = ["trace_id": .string(traceID.description), "span_id": .string(spanID.description)]
    if let parentID { json["parent_id"] = .string(parentID.description) }
    if hasRemoteParent { json["remote_parent"] = true }
    if let state { json["trace_state"] = .string(state) }
    json["service"] = .string(service)
    json["name"] = .string(name)
    json["kind"] = .string(kind.rawValue)
    json["start"] = .string(Timestamp(milliseconds: Int64(clamping: startNanoseconds / 1_000_000)).description)
    json["duration_ms"] = .double(duration.seconds * 1000)
    json["start_unix_nano"] = .string(String(startNanoseconds))
    json["end_unix_nano"] = .string(String(endNanoseconds))
    switch status {
    case .unset: break
    case .ok: json["status"] = "ok"
    case .error(let message):
      json["status"] = "error"
      if let message { json["status_message"] = .string(message) }
    }
    if !attributes.isEmpty { json["attributes"] = attributes.json }
    if !events.isEmpty { json["events"] = .array(events.map(\.json)) }
    if !links.isEmpty { json["links"] = .array(links.map(\.json)) }
    if droppedCount > 0 { json["dropped"] = .int(droppedCount) }
    return json
  }

  /// A span from its JSON; `nil` where ids, name or times are missing. What else makes no sense is left out.
  public init?(_ json: JSONValue) {
    guard let trace = json["trace_id"]?.string.flatMap({ TraceID($0) }),
      let span = json["span_id"]?.string.flatMap({ SpanID($0) }), let name = json["name"]?.string,
      let start = json["start_unix_nano"]?.string.flatMap({ UInt64($0) }),
      let end = json["end_unix_nano"]?.string.flatMap({ UInt64($0) })
    else { return nil }
    self.init(
      traceID: trace, spanID: span, parentID: json["parent_id"]?.string.flatMap { SpanID($0) },
      service: json["service"]?.string ?? "", name: name, startNanoseconds: start, endNanoseconds: end)
    hasRemoteParent = json["remote_parent"]?.bool ?? false
    state = json["trace_state"]?.string
    kind = json["kind"]?.string.flatMap { Kind(rawValue: $0) } ?? .internal
    switch json["status"]?.string {
    case "ok": status = .ok
    case "error": status = .error(json["status_message"]?.string)
    default: break
    }
    attributes = [String: SpanValue](json["attributes"])
    events = (json["events"]?.array ?? []).compactMap { Event($0) }
    links = (json["links"]?.array ?? []).compactMap { Link($0) }
    droppedCount = max(0, json["dropped"]?.int ?? 0)
  }
}

extension FinishedSpan: Codable {
  public init(from decoder: any Decoder) throws {
    guard let span = FinishedSpan(try JSONValue(from: decoder)) else {
      throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "not a span"))
    }
    self = span
  }

  public func encode(to encoder: any Encoder) throws { try json.encode(to: encoder) }
}

extension FinishedSpan.Event {
  fileprivate var json: JSONValue {
    var json: JSONValue = ["name": .string(name), "time_unix_nano": .string(String(nanoseconds))]
    if !attributes.isEmpty { json["attributes"] = attributes.json }
    return json
  }

  fileprivate init?(_ json: JSONValue) {
    guard let name = json["name"]?.string, let time = json["time_unix_nano"]?.string.flatMap({ UInt64($0) }) else {
      return nil
    }
    self.init(name: name, nanoseconds: time, attributes: [String: SpanValue](json["attributes"]))
  }
}

extension FinishedSpan.Link {
  fileprivate var json: JSONValue {
    var json: JSONValue = ["trace_id": .string(traceID.description), "span_id": .string(spanID.description)]
    if !attributes.isEmpty { json["attributes"] = attributes.json }
    return json
  }

  fileprivate init?(_ json: JSONValue) {
    guard let trace = json["trace_id"]?.string.flatMap({ TraceID($0) }),
      let span = json["span_id"]?.string.flatMap({ SpanID($0) })
    else { return nil }
    self.init(traceID: trace, spanID: span, attributes: [String: SpanValue](json["attributes"]))
  }
}

extension [String: SpanValue] {
  fileprivate var json: JSONValue {
    .object(JSONObject(sorted { $0.key < $1.key }.map { ($0.key, $0.value.json) }))
  }

  fileprivate init(_ json: JSONValue?) {
    self.init()
    for member in json?.object?.members ?? [] { self[member.name] = SpanValue(member.value) }
  }
}

extension SpanValue {
  /// The value as JSON; what JSON has no number for is text.
  public var json: JSONValue {
    switch self {
    case .string(let text): .string(text)
    case .int(let value): .number(JSONNumber(value))
    case .double(let value) where value.isFinite: .number(JSONNumber(unchecked: "\(value)"))
    case .double(let value): .string("\(value)")
    case .bool(let value): .bool(value)
    case .array(let values): .array(values.map(\.json))
    }
  }

  fileprivate init?(_ json: JSONValue) {
    switch json {
    case .string(let text): self = .string(text)
    case .bool(let value): self = .bool(value)
    case .number(let number):
      if let value = Int64(number.literal) {
        self = .int(value)
      } else if let value = number.double {
        self = .double(value)
      } else {
        return nil
      }
    case .array(let elements): self = .array(elements.compactMap { SpanValue($0) })
    case .null, .object: return nil
    }
  }
}
