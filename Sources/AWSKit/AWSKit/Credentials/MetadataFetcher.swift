import FoundationEssentials
import HTTPTransport
import HTTPTypes

/// Asks the metadata services of a machine or a container: short, bounded, never through a proxy.
struct MetadataFetcher: Sendable {
  let transport: any Transport
  var timeout = Duration.seconds(2)

  static let answerLimit = 128 * 1024

  func send(
    _ method: HTTPRequest.Method, _ endpoint: Endpoint, _ target: String, fields: HTTPFields = [:],
    policy: any ConnectionPolicy = OpenPolicy(usesEnvironmentProxies: false)
  ) async throws(AWSError) -> (status: Int, body: [UInt8]) {
    var request = HTTPRequest(
      method: method, scheme: endpoint.scheme, authority: endpoint.authority, path: endpoint.path + target,
      headerFields: fields)
    request.headerFields.append(ServiceClient.userAgent)
    var options = TransferOptions(totalTimeout: timeout, maximumResponseBytes: Int64(Self.answerLimit))
    options.connectTimeout = timeout
    options.policy = policy
    do {
      let response = try await transport.execute(request, body: .none, options: options)
      return (response.head.status.code, try await response.body.collect(upTo: Self.answerLimit))
    } catch {
      throw AWSError(transport: error)
    }
  }
}

/// Credentials as metadata services, processes and caches write them in JSON.
struct CredentialsAnswer: Decodable {
  var accessKeyID: String?
  var secretAccessKey: String?
  var token: String?
  var sessionToken: String?
  var expiration: String?
  var accountID: String?
  var code: String?
  var message: String?
  var version: Int?

  enum CodingKeys: String, CodingKey {
    case accessKeyID = "AccessKeyId"
    case secretAccessKey = "SecretAccessKey"
    case token = "Token"
    case sessionToken = "SessionToken"
    case expiration = "Expiration"
    case accountID = "AccountId"
    case code = "Code"
    case message = "Message"
    case version = "Version"
  }

  init(json: [UInt8], from source: String) throws(AWSError) {
    do {
      self = try JSONDecoder().decode(Self.self, from: Data(json))
    } catch {
      // The decoder's error may quote what it read.
      throw AWSError(.credentialsFailed, "the answer of \(source) is not the JSON expected")
    }
  }

  func credentials(source: String) throws(AWSError) -> Credentials {
    guard let accessKeyID, let secretAccessKey, !accessKeyID.isEmpty, !secretAccessKey.isEmpty else {
      let reason = [code, message].compactMap(\.self).joined(separator: ": ")
      throw AWSError(
        .credentialsFailed, "the answer of \(source) has no keys" + (reason.isEmpty ? "" : ": \(reason.prefix(300))"))
    }
    var date: Date?
    if let expiration {
      guard let read = WireTimeParser.date(expiration) else {
        throw AWSError(.credentialsFailed, "the answer of \(source) has an expiration that is no date")
      }
      date = read
    }
    return Credentials(
      accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: sessionToken ?? token, expiration: date,
      accountID: accountID, source: source)
  }
}
