import SDCore

/// A span as a segment document (AWS X-Ray Developer Guide, "AWS X-Ray segment documents").
///
/// A span without a parent in this process is a segment, others are subsegments sent by themselves. Attributes with simple
/// values are annotations, which X-Ray indexes; what else is known is metadata.
struct XRaySegment {
  private static let longestName = 200
  private static let mostAnnotations = 50

  private let span: FinishedSpan

  init(_ span: FinishedSpan) { self.span = span }

  /// The document; without its metadata, then without its annotations, where it would be larger than the limit.
  func serialized(limit: Int) -> [UInt8] {
    let whole = document(hasMetadata: true, hasAnnotations: true).serialized()
    if whole.count <= limit { return whole }
    let lean = document(hasMetadata: false, hasAnnotations: true).serialized()
    return lean.count <= limit ? lean : document(hasMetadata: false, hasAnnotations: false).serialized()
  }

  private var isSegment: Bool { span.parentID == nil || span.hasRemoteParent }

  private func document(hasMetadata: Bool, hasAnnotations: Bool) -> JSONValue {
    var document: JSONValue = [
      "name": .string(Self.name(isSegment ? span.service : span.name)), "id": .string(span.spanID.description),
      "trace_id": .string(span.traceID.xray), "start_time": Self.seconds(span.startNanoseconds),
      "end_time": Self.seconds(max(span.endNanoseconds, span.startNanoseconds)),
    ]
    if let parentID = span.parentID { document["parent_id"] = .string(parentID.description) }
    if !isSegment {
      document["type"] = "subsegment"
      if span.kind == .client { document["namespace"] = "remote" }
    }
    if case .error(let message) = span.status {
      document["fault"] = true
      if let cause = cause(message) { document["cause"] = cause }
    }
    var (annotations, metadata) = (JSONObject(), JSONObject())
    if isSegment { annotations["operation"] = .string(span.name) }
    for (name, value) in span.attributes.sorted(by: { $0.key < $1.key }) {
      if value.isSimple, annotations.count < Self.mostAnnotations {
        annotations[Self.annotationKey(name)] = value.json
      } else {
        metadata[name] = value.json
      }
    }
    let events = span.events.filter { $0.name != "exception" }
    if !events.isEmpty {
      metadata["events"] = .array(
        events.map { ["name": .string($0.name), "time": Self.seconds($0.nanoseconds)] })
    }
    if hasAnnotations, !annotations.isEmpty { document["annotations"] = .object(annotations) }
    if hasMetadata, !metadata.isEmpty { document["metadata"] = ["default": .object(metadata)] }
    return document
  }

  private func cause(_ message: String?) -> JSONValue? {
    var exceptions: [JSONValue] = span.events.filter { $0.name == "exception" }.map { event in
      var exception: JSONValue = ["id": .string(SpanID.make().description)]
      exception["type"] = event.attributes["exception.type"]?.json
      exception["message"] = event.attributes["exception.message"]?.json
      return exception
    }
    if exceptions.isEmpty, let message {
      exceptions = [["id": .string(SpanID.make().description), "message": .string(message)]]
    }
    return exceptions.isEmpty ? nil : ["exceptions": .array(exceptions)]
  }

  /// Seconds since 1970, to the microsecond: a double would not hold more.
  private static func seconds(_ nanoseconds: UInt64) -> JSONValue {
    let (whole, rest) = (nanoseconds / 1_000_000_000, nanoseconds / 1000 % 1_000_000)
    let digits = String(1_000_000 + rest).dropFirst()
    return (try? JSONValue(parsing: "\(whole).\(digits)")) ?? 0
  }

  /// Letters, digits, white space and `_.:/%&#=+\-@`, up to 200 of them.
  private static func name(_ text: String) -> String {
    let allowed = text.unicodeScalars.filter { scalar in
      scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == " "
        || "_.:/%&#=+\\-@".unicodeScalars.contains(scalar)
    }
    let name = String(String.UnicodeScalarView(allowed.prefix(longestName)))
    return name.isEmpty ? "unnamed" : name
  }

  /// Letters, digits and underscores.
  private static func annotationKey(_ name: String) -> String {
    String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
  }
}

extension SpanValue {
  fileprivate var isSimple: Bool { if case .array = self { false } else { true } }
}
