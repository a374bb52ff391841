import FoundationEssentials
import HTTPTypes

/// How a service words its errors.
enum ErrorFormat: Sendable {
  /// SQS, SNS, STS, CloudFormation: `<ErrorResponse><Error>…`; EC2: `<Response><Errors><Error>…`.
  case query
  /// S3: `<Error>…` with ids in header fields.
  case s3
  /// JSON 1.0, JSON 1.1 and REST JSON.
  case json
}

extension AWSError {
  /// The error in an answer.
  ///
  /// Whatever comes is made into an error: an answer without a readable one has its status as the code.
  static func answer(_ head: HTTPResponse, body: [UInt8], format: ErrorFormat) -> AWSError {
    let status = head.status.code
    var error = AWSError(Code("\(status)"), head.status.reasonPhrase, origin: .service)
    error.status = status
    error.requestID = head.headerFields[.amzRequestID] ?? head.headerFields[.amznRequestID]
    error.hostID = head.headerFields[.amzID2]
    // Where a bucket is, when it was asked for elsewhere.
    if format == .s3, let region = head.headerFields[.bucketRegion] { error.details["BucketRegion"] = region }
    switch format {
    case .query, .s3: error.read(xml: body)
    case .json: error.read(json: body, head: head)
    }
    return error
  }

  /// The error that S3 may put under status 200, or `nil`.
  static func hidden(in document: XMLDocument, of head: HTTPResponse) -> AWSError? {
    guard document.root.isNamed("Error") else { return nil }
    var error = AWSError("InternalError", "", origin: .service)
    // What S3 could not finish after it had begun to answer is a failure of its own.
    error.status = 500
    error.requestID = head.headerFields[.amzRequestID]
    error.hostID = head.headerFields[.amzID2]
    error.read(document: document)
    return error
  }

  private mutating func read(xml body: [UInt8]) {
    guard body.contains(UInt8(ascii: "<")), let document = try? XMLDocument(body, limits: .init(bytes: 1 << 20)) else {
      return
    }
    read(document: document)
  }

  private mutating func read(document: XMLDocument) {
    let root = document.root
    let found = root.isNamed("Error") ? root : root["Error"] ?? root["Errors"]?["Error"]
    if let id = (root.string("RequestId") ?? root.string("RequestID") ?? root.string("requestId")), !id.isEmpty {
      requestID = id
    }
    guard let found else { return }
    for child in found.children {
      let text = child.text
      switch child.name {
      case "Code": if !text.isEmpty { code = Code(text) }
      case "Message": message = text
      case "RequestId": if !text.isEmpty { requestID = text }
      case "HostId": if !text.isEmpty { hostID = text }
      // What the caller sent, the signature's texts among it, does not go into an error that may be logged.
      case "StringToSign", "StringToSignBytes", "CanonicalRequest", "CanonicalRequestBytes", "SignatureProvided",
        "AWSAccessKeyId":
        continue
      default: if details.count < 16, !text.isEmpty { details[child.name] = text }
      }
    }
  }

  private struct JSONError: Decodable {
    var type: String?
    var message: String?
    var code: String?

    struct Key: CodingKey {
      var stringValue: String
      var intValue: Int? { nil }
      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
      let fields = try decoder.container(keyedBy: Key.self)
      func text(_ names: String...) -> String? {
        names.lazy.compactMap { try? fields.decode(String.self, forKey: Key(stringValue: $0)) }.first
      }
      type = text("__type")
      message = text("message", "Message", "errorMessage")
      code = text("code", "Code")
    }
  }

  private mutating func read(json body: [UInt8], head: HTTPResponse) {
    let parsed = body.count <= 1 << 20 ? try? JSONDecoder().decode(JSONError.self, from: Data(body)) : nil
    if let text = parsed?.message { message = text }
    if let text = head.headerFields[.amznErrorType] ?? parsed?.code ?? parsed?.type, !text.isEmpty {
      // `com.amazonaws.ssm#ParameterNotFound:http://…` is ParameterNotFound.
      let name = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)[0]
      code = Code(String(name.split(separator: "#", omittingEmptySubsequences: false).last ?? name))
    }
    // A service that moved from the query protocol to JSON tells the old code here, and users know that one.
    if let text = head.headerFields[.amznQueryError], let old = text.split(separator: ";").first, !old.isEmpty {
      code = Code(String(old))
    }
  }
}

extension HTTPField.Name {
  static let amzRequestID = HTTPField.Name("x-amz-request-id")!
  static let amznRequestID = HTTPField.Name("x-amzn-requestid")!
  static let amzID2 = HTTPField.Name("x-amz-id-2")!
  static let amznErrorType = HTTPField.Name("x-amzn-errortype")!
  static let amznQueryError = HTTPField.Name("x-amzn-query-error")!
}
