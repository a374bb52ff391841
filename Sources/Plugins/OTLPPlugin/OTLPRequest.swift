import SDCore

/// An `ExportTraceServiceRequest` in JSON (opentelemetry-proto, "JSON Protobuf Encoding"): ids in hexadecimal, 64-bit numbers
/// as text, enumerations as numbers.
struct OTLPRequest {
  private static let scope: JSONValue = ["name": "stable-diffusion-on-demand"]

  private let spans: [FinishedSpan]
  private let resource: [String: String]

  init(_ spans: [FinishedSpan], resource: [String: String]) { (self.spans, self.resource) = (spans, resource) }

  /// One resource a service.
  var json: JSONValue {
    let services = Dictionary(grouping: spans, by: \.service).sorted { $0.key < $1.key }
    return [
      "resourceSpans": .array(
        services.map { service, spans in
          var attributes = resource.mapValues { SpanValue.string($0) }
          attributes["service.name"] = .string(service)
          return [
            "resource": ["attributes": attributes.keyValues],
            "scopeSpans": [["scope": Self.scope, "spans": .array(spans.map(\.otlp))]],
          ]
        })
    ]
  }
}

extension FinishedSpan {
  fileprivate var otlp: JSONValue {
    var span: JSONValue = ["traceId": .string(traceID.description), "spanId": .string(spanID.description)]
    if let state { span["traceState"] = .string(state) }
    if let parentID { span["parentSpanId"] = .string(parentID.description) }
    span["name"] = .string(name)
    span["kind"] = .int(kind.otlp)
    span["startTimeUnixNano"] = .string("\(startNanoseconds)")
    span["endTimeUnixNano"] = .string("\(endNanoseconds)")
    if !attributes.isEmpty { span["attributes"] = attributes.keyValues }
    if droppedCount > 0 { span["droppedAttributesCount"] = .int(droppedCount) }
    if !events.isEmpty {
      span["events"] = .array(
        events.map {
          [
            "timeUnixNano": .string("\($0.nanoseconds)"), "name": .string($0.name),
            "attributes": $0.attributes.keyValues,
          ]
        })
    }
    if !links.isEmpty {
      span["links"] = .array(
        links.map {
          [
            "traceId": .string($0.traceID.description), "spanId": .string($0.spanID.description),
            "attributes": $0.attributes.keyValues,
          ]
        })
    }
    switch status {
    case .unset: break
    case .ok: span["status"] = ["code": 1]
    case .error(let message):
      var status: JSONValue = ["code": 2]
      status["message"] = message.map(JSONValue.string)
      span["status"] = status
    }
    return span
  }
}

extension FinishedSpan.Kind {
  /// `SpanKind` of the protocol.
  fileprivate var otlp: Int {
    switch self {
    case .internal: 1
    case .server: 2
    case .client: 3
    case .producer: 4
    case .consumer: 5
    }
  }
}

extension [String: SpanValue] {
  /// `KeyValue`s, in order of their keys.
  fileprivate var keyValues: JSONValue {
    .array(sorted { $0.key < $1.key }.map { ["key": .string($0.key), "value": $0.value.otlp] })
  }
}

extension SpanValue {
  /// `AnyValue` of the protocol.
  fileprivate var otlp: JSONValue {
    switch self {
    case .string(let text): ["stringValue": .string(text)]
    case .int(let value): ["intValue": .string("\(value)")]
    case .double: ["doubleValue": json]
    case .bool(let value): ["boolValue": .bool(value)]
    case .array(let values): ["arrayValue": ["values": .array(values.map(\.otlp))]]
    }
  }
}
