import FoundationEssentials
import HTTPTypes

/// The body of a call in one of the JSON protocols, written member by member.
struct JSONForm: Sendable {
  private(set) var members: [String: JSONElement] = [:]

  /// Adds a member, unless there is no value.
  mutating func add(_ name: String, _ value: JSONElement?) { if let value { members[name] = value } }
  mutating func add(_ name: String, _ value: String?) { add(name, value.map { JSONElement.string($0) }) }
  mutating func add(_ name: String, _ value: Int?) { add(name, value.map { JSONElement.integer(Int64($0)) }) }
  mutating func add(_ name: String, _ value: Bool?) { add(name, value.map { JSONElement.bool($0) }) }

  /// Adds a list of texts.
  mutating func add(_ name: String, list: [String]?) { add(name, list.map { .array($0.map { .string($0) }) }) }

  /// Adds a list of objects.
  mutating func add<T>(_ name: String, each list: [T]?, _ write: (inout JSONForm, T) -> Void) {
    add(
      name,
      list.map { list in
        .array(
          list.map { value in
            var form = JSONForm()
            write(&form, value)
            return .object(form.members)
          })
      })
  }

  /// Adds `[{key: …, value: …}]`, in the order of the keys.
  mutating func add(_ name: String, map: [String: String], key: String, value: String) {
    guard !map.isEmpty else { return }
    add(name, each: map.sorted { $0.key < $1.key }) { form, pair in
      form.add(key, pair.key)
      form.add(value, pair.value)
    }
  }
}

extension ServiceClient {
  /// Calls an operation of a service that speaks AWS JSON.
  func json<Output: Sendable>(
    _ operation: String, _ write: (inout JSONForm) -> Void = { _ in },
    read: @Sendable (JSONElement) throws(AWSError) -> Output
  ) async throws(AWSError) -> Output {
    var call = ServiceCall(operation)
    call.fields.append(HTTPField(name: .amzTarget, value: "\(service.jsonTarget).\(operation)"))
    try setJSON(write, type: .amzJSON, of: &call)
    return try await send(call) { answer throws(AWSError) in try read(try JSONElement(answer.body)) }
  }

  /// Calls an operation of a service that speaks REST with JSON bodies.
  ///
  /// - Parameter write: `nil` for calls without a body.
  func rest<Output: Sendable>(
    _ operation: String, _ method: HTTPRequest.Method, _ target: String, fields: HTTPFields = [:],
    _ write: ((inout JSONForm) -> Void)? = nil, read: @Sendable (JSONElement) throws(AWSError) -> Output
  ) async throws(AWSError) -> Output {
    var call = ServiceCall(operation)
    (call.method, call.target) = (method, target)
    call.fields = fields
    if let write { try setJSON(write, type: .json, of: &call) }
    return try await send(call) { answer throws(AWSError) in try read(try JSONElement(answer.body)) }
  }

  private func setJSON(_ write: (inout JSONForm) -> Void, type: HTTPField, of call: inout ServiceCall)
    throws(AWSError)
  {
    var form = JSONForm()
    write(&form)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    do { call.setBody([UInt8](try encoder.encode(form.members)), type: type) } catch {
      throw named(AWSError(.invalidInput, "the input cannot be written as JSON"), call)
    }
  }
}

extension HTTPField.Name {
  static let amzTarget = HTTPField.Name("X-Amz-Target")!
}
