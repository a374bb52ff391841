/// An operation of a service that speaks the query protocol, with so many parameters that they have a type.
protocol QueryOperation: Sendable {
  associatedtype Output: Sendable
  /// The operation's name, as in `Action`.
  static var action: String { get }
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

extension ServiceClient {
  /// Calls an operation that has a type.
  func query<Operation: QueryOperation>(_ operation: Operation) async throws(AWSError) -> Operation.Output {
    var call = ServiceCall(Operation.action)
    do { try operation.validate() } catch { throw named(error, call) }
    var form = QueryForm(action: Operation.action, version: service.apiVersion)
    operation.encode(to: &form)
    call.setForm(form)
    call.longPoll = operation.longPoll
    call.isUnsigned = Operation.isUnsigned
    return try await send(call) { answer throws(AWSError) in
      try operation.decode(try Self.result(of: Operation.action, answer))
    }
  }

  /// Calls an operation with a few parameters, and reads its result.
  func query<Output: Sendable>(
    _ action: String, _ encode: (inout QueryForm) -> Void,
    read: @Sendable (XMLElement) throws(AWSError) -> Output
  ) async throws(AWSError) -> Output {
    try await send(queryCall(action, encode)) { answer throws(AWSError) in
      try read(try Self.result(of: action, answer))
    }
  }

  /// Calls an operation with a few parameters and no result; the answer may then be nothing at all.
  func query(_ action: String, _ encode: (inout QueryForm) -> Void) async throws(AWSError) {
    _ = try await send(queryCall(action, encode)) { answer throws(AWSError) in
      if !answer.body.isEmpty { _ = try XMLDocument(answer.body) }
    }
  }

  private func queryCall(_ action: String, _ encode: (inout QueryForm) -> Void) -> ServiceCall {
    var call = ServiceCall(action)
    var form = QueryForm(action: action, version: service.apiVersion)
    encode(&form)
    call.setForm(form)
    return call
  }

  /// `<ActionResult>`, or the root where there is none.
  private static func result(of action: String, _ answer: ServiceAnswer) throws(AWSError) -> XMLElement {
    let root = try XMLDocument(answer.body).root
    return root.children.first { $0.isNamed(action, then: "Result") } ?? root
  }
}

extension ServiceCall {
  fileprivate mutating func setForm(_ form: QueryForm) {
    setBody(form.bytes, type: .form)
  }
}
