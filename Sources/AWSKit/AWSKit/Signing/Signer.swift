public import FoundationEssentials
public import HTTPTypes

/// AWS Signature Version 4, for header fields and for presigned URLs.
///
/// Pure functions: nothing is read, no clock is asked, nothing is sent. The only state is a small cache of the keys
/// derived for a day. Paths and queries must be percent-encoded in the request already, as they go to the wire.
///
/// The specification is "AWS Signature Version 4 for API requests" in the IAM user guide, and for S3 "Authenticating
/// Requests" in its API reference.
///
/// ```swift
/// let signer = Signer(service: "sqs", region: "eu-central-1")
/// let signed = try signer.sign(request, payload: .sha256(of: body), with: credentials, at: .now)
/// ```
public struct Signer: Sendable {
  /// How a service treats paths and payloads.
  public enum Dialect: Sendable, Hashable {
    /// Dot segments and empty segments go away, and the encoded path is encoded once more.
    case standard
    /// The path stands as it is sent, `X-Amz-Content-SHA256` is always sent, and presigned URLs don't sign the body.
    case s3
  }

  /// The service's signing name, `sqs`.
  public let service: String
  /// The region that the service is asked in.
  public let region: String
  /// How paths and payloads are treated.
  public let dialect: Dialect
  private let keys: SigningKeyCache

  /// A signer for one service in one region.
  ///
  /// - Parameter dialect: by default S3's for the signing names of S3, else the standard.
  public init(service: String, region: String, dialect: Dialect? = nil) {
    self.init(service: service, region: region, dialect: dialect, keys: SigningKeyCache())
  }

  init(service: String, region: String, dialect: Dialect? = nil, keys: SigningKeyCache) {
    (self.service, self.region, self.keys) = (service, region, keys)
    self.dialect = dialect ?? (service.hasPrefix("s3") ? .s3 : .standard)
  }

  // MARK: Header fields

  /// A request with `Authorization` and what belongs to it.
  ///
  /// Sets `X-Amz-Date` (or renews a `Date` that is there), `X-Amz-Security-Token`, and `X-Amz-Content-SHA256` where
  /// the service wants it; what an earlier signature left of them is replaced, so that a request can be signed again.
  /// Whoever sends the request must not add header fields of its own to those that are signed.
  ///
  /// - Parameters:
  ///   - request: with scheme, authority and path.
  ///   - payload: what the signature says about the body.
  ///   - credentials: who signs.
  ///   - date: the time of signing; a service accepts five to fifteen minutes of difference.
  public func sign(_ request: HTTPRequest, payload: PayloadHash, with credentials: Credentials, at date: Date)
    -> HTTPRequest
  {
    signed(request, payload: payload, with: credentials, at: date).request
  }

  /// A request with `Authorization`, and the signature in it: for the chunks that follow, and for comparing.
  public func signed(_ request: HTTPRequest, payload: PayloadHash, with credentials: Credentials, at date: Date)
    -> (request: HTTPRequest, signature: Signature)
  {
    let time = WireTime(date)
    let timestamp = time.amzDate
    var request = request
    var fields = HTTPFields()
    // Room for what is added here, and for what callers add to a signed request.
    fields.reserveCapacity(request.headerFields.count + 5)
    var hasDate = false
    for field in request.headerFields {
      switch field.name.canonicalName {
      case "authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256": continue
      case "date": hasDate = true
      default: fields.append(field)
      }
    }
    fields.append(HTTPField(name: hasDate ? .date : .amzDate, value: hasDate ? time.httpDate : timestamp))
    if let token = credentials.sessionToken { fields.append(HTTPField(name: .amzSecurityToken, value: token)) }
    if dialect == .s3 || payload == .unsigned {
      fields.append(HTTPField(name: .amzContentSHA256, value: payload.text))
    }
    // Moved, or the last field would be added to a copy.
    request.headerFields = consume fields
    let signature = signature(of: request, payload: payload, with: credentials, timestamp: timestamp)
    var authorization = ""
    authorization.reserveCapacity(320)
    authorization.append("AWS4-HMAC-SHA256 Credential=")
    authorization.append(credentials.accessKeyID)
    authorization.append("/")
    authorization.append(signature.scope)
    authorization.append(", SignedHeaders=")
    authorization.append(signature.signedHeaders)
    authorization.append(", Signature=")
    authorization.append(signature.value)
    request.headerFields.append(HTTPField(name: .authorization, value: authorization))
    return (request, signature)
  }

  /// The signature of a request as it stands: nothing is added to it.
  public func signature(of request: HTTPRequest, payload: PayloadHash, with credentials: Credentials, at date: Date)
    -> Signature
  {
    signature(of: request, payload: payload, with: credentials, timestamp: WireTime(date).amzDate)
  }

  private func signature(
    of request: HTTPRequest, payload: PayloadHash, with credentials: Credentials, timestamp: String
  ) -> Signature {
    let canonical = CanonicalRequest(request, dialect: dialect, payload: payload)
    let day = WireTime.day(ofAMZDate: timestamp)
    var scope = ""
    scope.reserveCapacity(day.utf8.count + region.utf8.count + service.utf8.count + 15)
    for part in [day, "/", region, "/", service, "/aws4_request"] { scope.append(part) }
    var text: [UInt8] = []
    text.reserveCapacity(scope.utf8.count + 112)
    text.append("AWS4-HMAC-SHA256\n")
    text.append(timestamp)
    text.append(UInt8(ascii: "\n"))
    text.append(scope)
    text.append(UInt8(ascii: "\n"))
    text.append(hex: PayloadHash.digest(of: canonical.bytes))
    return Signature(
      canonicalRequestBytes: canonical.bytes, stringToSignBytes: text, signedHeaders: canonical.signedHeaders,
      scope: scope, timestamp: timestamp, value: key(for: credentials, day: day).sign(text))
  }

  func key(for credentials: Credentials, day: String) -> SigningKey {
    keys.key(secret: credentials.secretAccessKey, day: day, region: region, service: service)
  }

  // MARK: Presigned URLs

  /// A request whose query carries the signature, for whoever holds the URL.
  ///
  /// The request's header fields are signed too: whoever uses the URL must send them word for word.
  ///
  /// - Parameters:
  ///   - request: with scheme, authority, path and the operation's own query.
  ///   - payload: by default unsigned for S3, and an empty body for others.
  ///   - credentials: who signs; temporary ones end the URL when they end.
  ///   - date: the time of signing.
  ///   - lifetime: from 1 second to 7 days.
  public func presign(
    _ request: HTTPRequest, payload: PayloadHash? = nil, with credentials: Credentials, at date: Date,
    lifetime: Duration
  ) throws(AWSError) -> HTTPRequest {
    let seconds = lifetime.components.seconds
    guard (1...604_800).contains(seconds) else {
      throw AWSError(.invalidInput, "a presigned URL lives from 1 to 604800 seconds, not \(seconds)")
    }
    let timestamp = WireTime(date).amzDate
    var request = request
    let bare = CanonicalRequest(request, dialect: dialect, payload: .empty)
    var target = Array((request.path ?? "/").utf8)
    if target.isEmpty { target.append(UInt8(ascii: "/")) }
    target.append(target.contains(UInt8(ascii: "?")) ? UInt8(ascii: "&") : UInt8(ascii: "?"))
    if target.suffix(2) == [UInt8(ascii: "?"), UInt8(ascii: "&")] { target.removeLast() }
    target.append("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=")
    PercentEncoding.append(
      "\(credentials.accessKeyID)/\(WireTime.day(ofAMZDate: timestamp))/\(region)/\(service)/aws4_request".utf8,
      to: &target)
    target.append("&X-Amz-Date=")
    target.append(timestamp)
    target.append("&X-Amz-Expires=")
    target.append(decimal: seconds)
    target.append("&X-Amz-SignedHeaders=")
    PercentEncoding.append(bare.signedHeaders.utf8, to: &target)
    if let token = credentials.sessionToken {
      target.append("&X-Amz-Security-Token=")
      PercentEncoding.append(token.utf8, to: &target)
    }
    request.path = String(decoding: target, as: UTF8.self)
    let signature = signature(
      of: request, payload: payload ?? (dialect == .s3 ? .unsigned : .empty), with: credentials,
      timestamp: timestamp)
    target.append("&X-Amz-Signature=")
    target.append(signature.value)
    request.path = String(decoding: target, as: UTF8.self)
    return request
  }
}
