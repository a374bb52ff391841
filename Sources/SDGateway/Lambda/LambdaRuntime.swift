import HTTPTransport
import HTTPTypes
import SDCore

/// The runtime API that a function asks for its invocations ("Using the Lambda runtime API for custom runtimes").
struct LambdaRuntime: Sendable {
  /// One invocation.
  struct Invocation: Sendable {
    var id: String
    /// When the function is ended whether it has answered or not.
    var deadline: Timestamp?
    var trace: String?
    var event: [UInt8]
  }

  private let base: String
  private let transport: any Transport
  /// Lambda lets events have 6 MB; a little more for what it adds.
  private static let eventLimit = 8 << 20
  private static let answerLimit = 1 << 20
  private static let patience: Duration = .seconds(10)

  /// - Parameter authority: host and port, as `AWS_LAMBDA_RUNTIME_API` has them.
  init(_ authority: String, transport: any Transport) {
    base = "http://\(authority)/2018-06-01/runtime"
    self.transport = transport
  }

  /// The next invocation; waits for it however long that takes.
  func next() async throws(TransportError) -> Invocation {
    let request = try HTTPRequest(method: .get, url: base + "/invocation/next")
    var options = TransferOptions()
    options.policy = OpenPolicy(usesEnvironmentProxies: false)
    let (head, body) = try await transport.send(request, upTo: Self.eventLimit, options: options)
    guard head.status == .ok, let id = head.headerFields[.lambdaRequestID] else {
      throw TransportError(.connectionLost, "the runtime API answered \(head.status.code) to the next invocation")
    }
    return Invocation(
      id: id,
      deadline: head.headerFields[.lambdaDeadline].flatMap { Int64($0) }.map { Timestamp(milliseconds: $0) },
      trace: head.headerFields[.lambdaTrace], event: body)
  }

  /// Answers an invocation.
  func respond(_ answer: JSONValue, to invocation: Invocation) async throws(TransportError) {
    try await post("/invocation/\(invocation.id)/response", answer)
  }

  /// Says that an invocation failed, so that it is tried again where its source does so.
  func fail(_ invocation: Invocation, _ kind: String, _ message: String) async throws(TransportError) {
    try await post(
      "/invocation/\(invocation.id)/error",
      ["errorMessage": .string(message), "errorType": .string(kind), "stackTrace": []], kind: kind)
  }

  private func post(_ path: String, _ body: JSONValue, kind: String? = nil) async throws(TransportError) {
    var request = try HTTPRequest(method: .post, url: base + path)
    request.headerFields[.contentType] = "application/json"
    if let kind { request.headerFields[.lambdaErrorType] = kind }
    var options = TransferOptions(totalTimeout: Self.patience)
    options.policy = OpenPolicy(usesEnvironmentProxies: false)
    let answer = try await transport.send(
      request, body: .bytes(body.serialized()), upTo: Self.answerLimit, options: options)
    guard answer.head.status.kind == .successful else {
      throw TransportError(.connectionLost, "the runtime API answered \(answer.head.status.code) to an answer")
    }
  }
}

extension HTTPField.Name {
  static let lambdaRequestID = HTTPField.Name("Lambda-Runtime-Aws-Request-Id")!
  static let lambdaDeadline = HTTPField.Name("Lambda-Runtime-Deadline-Ms")!
  static let lambdaTrace = HTTPField.Name("Lambda-Runtime-Trace-Id")!
  static let lambdaErrorType = HTTPField.Name("Lambda-Runtime-Function-Error-Type")!
}
