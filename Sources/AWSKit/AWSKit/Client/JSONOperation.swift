import FoundationEssentials
import HTTPTypes

extension ServiceClient {
  /// Calls an operation of a service that speaks AWS JSON.
  ///
  /// - Parameters:
  ///   - target: the service's prefix of `X-Amz-Target`, `AmazonSSM`.
  ///   - input: what goes into the body.
  func json<Input: Encodable & Sendable, Output: Decodable & Sendable>(
    _ operation: String, target: String, version: StaticString = "application/x-amz-json-1.1", _ input: Input
  ) async throws(AWSError) -> Output {
    var call = ServiceCall(operation)
    call.fields.append(HTTPField(name: .amzTarget, value: "\(target).\(operation)"))
    try setJSON(input, type: version, of: &call)
    return try await send(call) { answer throws(AWSError) in try Self.decode(answer.body) }
  }

  /// Calls an operation of a service that speaks REST with JSON bodies.
  func rest<Input: Encodable & Sendable, Output: Decodable & Sendable>(
    _ operation: String, _ method: HTTPRequest.Method, _ target: String, _ input: Input?
  ) async throws(AWSError) -> Output {
    var call = ServiceCall(operation)
    (call.method, call.target) = (method, target)
    if let input { try setJSON(input, type: "application/json", of: &call) }
    return try await send(call) { answer throws(AWSError) in try Self.decode(answer.body) }
  }

  private func setJSON<Input: Encodable>(_ input: Input, type: StaticString, of call: inout ServiceCall)
    throws(AWSError)
  {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .secondsSince1970
    encoder.outputFormatting = .sortedKeys
    do { call.setBody([UInt8](try encoder.encode(input)), type: type) } catch {
      throw named(AWSError(.invalidInput, "the input cannot be written as JSON"), call)
    }
  }

  private static func decode<Output: Decodable>(_ body: [UInt8]) throws(AWSError) -> Output {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .secondsSince1970
    do { return try decoder.decode(Output.self, from: body.isEmpty ? Data("{}".utf8) : Data(body)) } catch {
      // The decoder's own words may quote the answer: only the place is told.
      let path = (error as? DecodingError)?.place ?? ""
      throw AWSError(.malformedAnswer, "the answer is not the JSON expected\(path)")
    }
  }
}

/// No fields.
struct NoFields: Codable, Sendable {}

extension DecodingError {
  fileprivate var place: String {
    let context: Context
    switch self {
    case .typeMismatch(_, let found), .valueNotFound(_, let found), .keyNotFound(_, let found),
      .dataCorrupted(let found):
      context = found
    @unknown default: return ""
    }
    return context.codingPath.isEmpty ? "" : ", at " + context.codingPath.map(\.stringValue).joined(separator: ".")
  }
}

extension HTTPField.Name {
  static let amzTarget = HTTPField.Name("X-Amz-Target")!
}
