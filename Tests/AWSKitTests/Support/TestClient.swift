import AWSKit
import HTTPTransport
import SDTestKit

extension AWSClient {
  /// A client with fixed keys that asks one server, whatever the service.
  static func testing(
    _ server: ScriptedHTTPServer, time: ManualTime = ManualTime(), credentials: (any CredentialProvider)? = nil,
    _ change: (inout AWSConfiguration) -> Void = { _ in }
  ) -> AWSClient {
    var configuration = AWSConfiguration(region: "eu-central-1")
    configuration.endpoints.url = server.url
    change(&configuration)
    return AWSClient(
      configuration: configuration,
      credentials: credentials ?? StaticCredentialProvider(accessKeyID: "AKID", secretAccessKey: "secret"),
      transport: CurlTransport(), time: time.source)
  }
}

extension ScriptedAnswer {
  /// An answer of STS to `GetCallerIdentity`.
  static let identity = respond(
    headers: [("Content-Type", "text/xml")],
    body: """
      <GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>\
      <Arn>arn:aws:iam::123456789012:user/me</Arn><UserId>AIDA</UserId><Account>123456789012</Account>\
      </GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>
      """)

  /// An error in the query protocol.
  static func queryError(_ code: String, status: Int = 400, headers: [(String, String)] = []) -> ScriptedAnswer {
    respond(
      status: status, headers: headers,
      body:
        "<ErrorResponse><Error><Code>\(code)</Code><Message>m</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
    )
  }

  /// What STS answers to `AssumeRole` and its kin.
  static func role(_ operation: String, key: String, expires: String = "2023-11-15T00:00:00Z") -> ScriptedAnswer {
    respond(
      body: """
        <\(operation)Response><\(operation)Result><Credentials><AccessKeyId>\(key)</AccessKeyId>\
        <SecretAccessKey>role secret</SecretAccessKey><SessionToken>role token</SessionToken>\
        <Expiration>\(expires)</Expiration></Credentials><AssumedRoleUser>\
        <Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn><AssumedRoleId>AROA:s</AssumedRoleId></AssumedRoleUser>\
        </\(operation)Result></\(operation)Response>
        """)
  }
}

extension RecordedRequest {
  /// The parameters of a body in the query protocol.
  var form: [String: String] {
    var values: [String: String] = [:]
    for pair in text.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      values[String(parts[0])] = parts.count > 1 ? parts[1].removingPercentEncoding() : ""
    }
    return values
  }
}

extension Substring {
  func removingPercentEncoding() -> String {
    var bytes: [UInt8] = []
    var rest = utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
