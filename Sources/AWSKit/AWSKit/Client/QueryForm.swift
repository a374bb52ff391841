import FoundationEssentials

/// The body of a call in the query protocol: `Action=…&Version=…&Name.1=…`, written once, on bytes.
struct QueryForm {
  private(set) var bytes: [UInt8] = []

  init(action: StaticString, version: StaticString) {
    bytes.reserveCapacity(512)
    bytes.append("Action=")
    bytes.append(action)
    bytes.append("&Version=")
    bytes.append(version)
  }

  private mutating func name(_ name: some Collection<UInt8>) {
    bytes.append(UInt8(ascii: "&"))
    bytes.append(contentsOf: name)
    bytes.append(UInt8(ascii: "="))
  }

  /// Adds a parameter, unless there is no value; names are ASCII of this library's own.
  mutating func add(_ name: String, _ value: String?) {
    guard let value else { return }
    self.name(name.utf8)
    PercentEncoding.append(value.utf8, to: &bytes)
  }

  mutating func add(_ name: String, _ value: Int?) {
    guard let value else { return }
    self.name(name.utf8)
    bytes.append(decimal: value)
  }

  mutating func add(_ name: String, _ value: Bool?) { add(name, value.map { $0 ? "true" : "false" }) }

  mutating func add(_ name: String, _ value: Date?) { add(name, value.map { WireTime($0).iso8601 }) }

  /// Adds bytes in base64.
  mutating func add(_ name: String, base64 value: [UInt8]?) { add(name, value.map { Data($0).base64EncodedString() }) }

  /// Adds `name.1`, `name.2`, …; an empty list is an empty parameter, as the AWS CLI sends it.
  mutating func add(_ name: String, list: [String]?) {
    guard let list else { return }
    if list.isEmpty { add(prefix(name), "") }
    for (index, value) in list.enumerated() { add("\(name).\(index + 1)", value) }
  }

  /// Adds a list's members one after the other.
  mutating func add<T>(_ name: String, each list: [T]?, _ write: (inout QueryForm, String, T) -> Void) {
    guard let list else { return }
    if list.isEmpty { add(prefix(name), "") }
    for (index, value) in list.enumerated() { write(&self, "\(name).\(index + 1)", value) }
  }

  /// Adds `name.1.Name=…&name.1.Value=…`, in the order of the keys, so that equal inputs are equal bytes.
  mutating func add(_ name: String, map: [String: String]?, key: String, value: String) {
    for (index, pair) in (map ?? [:]).sorted(by: { $0.key < $1.key }).enumerated() {
      add("\(name).\(index + 1).\(key)", pair.key)
      add("\(name).\(index + 1).\(value)", pair.value)
    }
  }

  /// `Names.member` is `Names`: an empty list has no member to be named.
  private func prefix(_ name: String) -> String { name.hasSuffix(".member") ? String(name.dropLast(7)) : name }
}

/// An operation of a service that speaks the query protocol.
protocol QueryOperation: Sendable {
  associatedtype Output: Sendable
  /// The operation's name, as in `Action`.
  static var action: StaticString { get }
  /// Whether it is called without credentials.
  static var isUnsigned: Bool { get }
  /// How long the service may hold the answer back on purpose.
  var longPoll: Duration { get }
  /// What a service would refuse for certain, refused here.
  func validate() throws(AWSError)
  /// Writes the parameters.
  func encode(to form: inout QueryForm)
  /// Reads the result.
  ///
  /// - Parameter result: `<ActionResult>`, or the root where there is none.
  func decode(_ result: XMLElement) throws(AWSError) -> Output
}

extension QueryOperation {
  static var isUnsigned: Bool { false }
  var longPoll: Duration { .zero }
  func validate() throws(AWSError) {}
}

extension QueryOperation where Output == Void {
  func decode(_ result: XMLElement) throws(AWSError) {}
}

extension ServiceClient {
  /// Calls an operation of the query protocol.
  func query<Operation: QueryOperation>(_ operation: Operation, version: StaticString)
    async throws(AWSError) -> Operation.Output
  {
    let call = try queryCall(operation, version: version)
    let answer = try await send(call)
    do {
      // An operation without a result may answer with nothing at all.
      if Operation.Output.self == Void.self, answer.body.isEmpty { return () as! Operation.Output }
      let root = try XMLDocument(answer.body).root
      let name = "\(Operation.action)Result"
      return try operation.decode(root.children.first { $0.name == name } ?? root)
    } catch {
      throw named(error, call)
    }
  }

  /// The call of an operation of the query protocol.
  func queryCall<Operation: QueryOperation>(_ operation: Operation, version: StaticString)
    throws(AWSError) -> ServiceCall
  {
    var call = ServiceCall("\(Operation.action)")
    do { try operation.validate() } catch { throw named(error, call) }
    var form = QueryForm(action: Operation.action, version: version)
    operation.encode(to: &form)
    call.setBody(form.bytes, type: "application/x-www-form-urlencoded; charset=utf-8")
    call.longPoll = operation.longPoll
    call.isUnsigned = Operation.isUnsigned
    return call
  }
}
