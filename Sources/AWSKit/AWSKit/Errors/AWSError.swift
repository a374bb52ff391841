import FoundationEssentials

/// Why a call did not succeed: the answer of a service, or what stood in the way of one.
///
/// There is one error type in this module. ``origin`` says who speaks, ``code`` is the service's own word where the
/// service spoke: codes that this version has never heard of are kept as they came.
///
/// ```swift
/// do { try await s3.headObject(.init(bucket: "pictures", key: "307-1.png")) }
/// catch where error.status == 404 { … }
/// ```
public struct AWSError: Error, Sendable {
  /// A service's error code (`NoSuchKey`, `Throttling`), or one of this module's own.
  public struct Code: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The code as the service wrote it.
    public var rawValue: String
    /// A code of any text.
    public init(rawValue: String) { self.rawValue = rawValue }
    /// A code of any text.
    public init(_ text: String) { rawValue = text }
    /// A code of any text.
    public init(stringLiteral text: String) { rawValue = text }
    /// The code itself.
    public var description: String { rawValue }
  }

  /// Who reports the failure.
  public enum Origin: String, Sendable, Hashable {
    /// The service answered with an error.
    case service
    /// There was no whole answer: connection, TLS, deadline.
    case transport
    /// This library refused or failed before or after the exchange.
    case client
  }

  /// Who reports the failure.
  public var origin: Origin
  /// What kind of failure it is.
  public var code: Code
  /// What was attempted and how it failed, or the service's own words; no secret and no payload of the caller's.
  public var message: String
  /// The service and operation, `SQS.SendMessage`, where one was called.
  public var operation: String?
  /// The HTTP status of the answer.
  public var status: Int?
  /// The service's id of the request, for support.
  public var requestID: String?
  /// S3's second id (`x-amz-id-2`), for support.
  public var hostID: String?
  /// Further fields of the answer, such as S3's `Endpoint` and `BucketName`.
  public var details: [String: String] = [:]
  /// The service's time in its answer.
  var serverDate: Date?
  /// How long the service asked to wait.
  public var retryAfter: Duration?
  /// How many times the request was sent.
  public var attempts = 0
  /// The failure below this one.
  public var underlying: (any Error)?
  /// Where in this library the error was made.
  public var file: String
  /// The line in ``file``.
  public var line: Int

  /// An error of this library.
  public init(
    _ code: Code, _ message: String, origin: Origin = .client, underlying: (any Error)? = nil,
    file: String = #fileID, line: Int = #line
  ) {
    (self.code, self.message, self.origin, self.underlying) = (code, message, origin, underlying)
    (self.file, self.line) = (file, line)
  }
}

extension AWSError.Code {
  /// A parameter that no service would take; nothing was sent.
  public static let invalidInput: Self = "InvalidInput"
  /// No provider had credentials.
  public static let noCredentials: Self = "NoCredentials"
  /// A provider that should have had credentials failed.
  public static let credentialsFailed: Self = "CredentialsFailed"
  /// A configuration file or variable cannot be used.
  public static let invalidConfiguration: Self = "InvalidConfiguration"
  /// No region, or one that the service does not have.
  public static let invalidEndpoint: Self = "InvalidEndpoint"
  /// This machine has no metadata service of EC2, or it is turned off.
  public static let noInstanceMetadata: Self = "NoInstanceMetadata"
  /// The answer was not what the service's API says.
  public static let malformedAnswer: Self = "MalformedAnswer"
  /// A checksum of the answer does not fit its bytes.
  public static let checksumMismatch: Self = "ChecksumMismatch"
  /// The answer is larger than the limit.
  public static let answerTooLarge: Self = "AnswerTooLarge"
  /// No connection, or it broke.
  public static let connection: Self = "Connection"
  /// A deadline passed.
  public static let timeout: Self = "Timeout"
  /// The calling task was cancelled.
  public static let cancelled: Self = "Cancelled"
}

extension AWSError: CustomStringConvertible {
  /// One line: operation, code, status, message, request id.
  public var description: String {
    var text = operation.map { "\($0): " } ?? ""
    text += code.rawValue
    if let status { text += " (\(status))" }
    if !message.isEmpty { text += ": \(message)" }
    if let requestID { text += " [request \(requestID)]" }
    if attempts > 1 { text += " after \(attempts) attempts" }
    return text
  }
}
