package import HTTPTypes

/// A request as the handlers see it, whatever carried it: a socket or a Lambda's event.
package struct GatewayRequest: Sendable {
  /// The method; HEAD is answered as GET without its body.
  package var method: HTTPRequest.Method
  /// The path as it stood on the wire, percent-encoded, without the query.
  package var path: String
  /// The query's names and values, decoded, in their order; `nil` for a value that is no text.
  package var query: [(name: String, value: String?)]
  /// The header fields, `Host` included.
  package var headers: HTTPFields
  /// The whole body.
  package var body: [UInt8]
  /// The address that it came from, for limits; `nil` where the carrier does not know.
  package var client: String?
  /// By what name a gate before this one let its sender in; `nil` for none.
  package var letInAs: String?
  /// How long its carrier can wait for the answer; `nil` for as long as it takes.
  package var patience: Duration?
  /// Who makes it; found out before it is handled.
  var caller = Caller.anybody

  /// A request by its target, which is a path with or without a query.
  package init(_ method: HTTPRequest.Method, _ target: String, headers: HTTPFields = [:], body: [UInt8] = []) {
    self.method = method
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    path = parts.first.map(String.init) ?? "/"
    query = parts.count == 2 ? PercentCoding.query(parts[1]) : []
    self.headers = headers
    self.body = body
  }

  /// The first value of a name in the query; throws a 400 for one that is no text.
  func parameter(_ name: String) throws(Problem) -> String? { try parameters(name).first }

  /// All values of a name in the query; throws a 400 for one that is no text.
  func parameters(_ name: String) throws(Problem) -> [String] {
    var values: [String] = []
    for parameter in query where parameter.name == name {
      guard let value = parameter.value else { throw Problem(.badRequest, "\(name) in the query is no UTF-8 text") }
      values.append(value)
    }
    return values
  }

  /// A whole number in the query; throws a 400 for anything else.
  func integer(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
    guard let text = try parameter(name) else { return nil }
    guard let value = Int(text), range.contains(value) else {
      throw Problem(
        .badRequest, "\(name) in the query is not a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// The id of the last event of a stream that ended; throws a 400 for what no stream gave. Browsers send an empty one.
  func lastEventID() throws(Problem) -> String? {
    guard let id = headers[.lastEventID], !id.isEmpty else { return nil }
    guard id.utf8.count <= 128, id.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw Problem(.badRequest, "Last-Event-ID is not the id of an event")
    }
    return id
  }
}

extension HTTPField.Name {
  static let prefer = HTTPField.Name("Prefer")!
  static let preferenceApplied = HTTPField.Name("Preference-Applied")!
  static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
  static let host = HTTPField.Name("Host")!
  static let apiKey = HTTPField.Name("x-api-key")!
  static let xForwardedFor = HTTPField.Name("X-Forwarded-For")!
  static let amazonTraceID = HTTPField.Name("X-Amzn-Trace-Id")!
  static let accelBuffering = HTTPField.Name("X-Accel-Buffering")!
  static let lastEventID = HTTPField.Name("Last-Event-ID")!
}
