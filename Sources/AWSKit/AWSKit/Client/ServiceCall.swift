import HTTPTransport
import HTTPTypes

/// One call of a service's API, before an endpoint and a signature are put to it.
struct ServiceCall: Sendable {
  /// The operation's name, `SendMessage`.
  var operation: String
  /// The HTTP method.
  var method = HTTPRequest.Method.post
  /// Path and query behind the endpoint's own path, percent-encoded.
  var target = "/"
  /// Header fields of the operation.
  var fields = HTTPFields()
  /// The body.
  var body = RequestBody.none
  /// Makes a body that holds signatures of its own, anew for each attempt.
  var makeBody: (@Sendable (ChunkSigner) -> RequestBody)?
  /// What the signature says about the body.
  var payload = PayloadHash.empty
  /// Another endpoint than the service's own: S3's buckets.
  var endpoint: Endpoint?
  /// Whether the operation takes no credentials.
  var isUnsigned = false
  /// How long the service may hold the answer back on purpose.
  var longPoll = Duration.zero
  /// The bytes of an answer that is read as a whole.
  var answerLimit = 64 << 20
  /// Whether the answer's body is read by the caller: then there is no total deadline.
  var isStreamed = false
  /// The bytes of a streamed answer that is collected all the same.
  var collectsUpTo: Int?

  init(_ operation: String) { self.operation = operation }

  /// Sets the body and its hash.
  mutating func setBody(_ bytes: [UInt8], type: HTTPField) {
    body = .bytes(bytes)
    payload = .sha256(of: bytes)
    fields.append(type)
  }
}

/// The types of bodies that are sent.
extension HTTPField {
  static let form = HTTPField(name: .contentType, value: "application/x-www-form-urlencoded; charset=utf-8")
  static let json = HTTPField(name: .contentType, value: "application/json")
  static let amzJSON = HTTPField(name: .contentType, value: "application/x-amz-json-1.1")
}

/// A whole answer of a service.
struct ServiceAnswer: Sendable {
  var head: HTTPResponse
  var body: [UInt8]

  /// The value of a header field.
  subscript(name: HTTPField.Name) -> String? { head.headerFields[name] }
}
