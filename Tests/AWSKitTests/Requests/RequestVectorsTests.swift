import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Synchronization
import Testing

@testable import AWSKit

/// Keeps the request that it is given, and gives no answer.
final class CapturingTransport: Transport {
  let captured = Mutex<(request: HTTPRequest, body: RequestBody)?>(nil)

  func execute(_ request: HTTPRequest, body: RequestBody, options: TransferOptions) async throws(TransportError)
    -> TransportResponse
  {
    captured.withLock { $0 = (request, body) }
    throw TransportError(.closed, "captured")
  }
}

/// Requests as botocore sends them, for generated calls of every operation.
struct RequestVectorsTests {
  struct Case: Decodable {
    var service, operation: String
    var params: JSONValue
    var secure: Bool
    var url: String
    var method: String?
    var headers: [[String]]?
    var body: Data?
    var form: [String: String]?
  }

  let transport = CapturingTransport()

  func client(_ secure: Bool) -> AWSClient {
    var configuration = AWSConfiguration(region: "eu-central-1")
    configuration.endpoints.url = secure ? "https://aws.example" : "http://aws.example"
    return AWSClient(
      configuration: configuration,
      credentials: StaticCredentialProvider(accessKeyID: "AKID", secretAccessKey: "secret", sessionToken: "token"),
      transport: transport, time: ManualTime(1_709_210_096).source)
  }

  @Test(arguments: ["requests", "requests-sqs"])
  func requestsAreThoseOfBotocore(file: String) async throws {
    let cases = try Vectors.load(file, as: Case.self)
    #expect(cases.count > 100)
    for item in cases {
      let label = "\(item.service) \(item.operation) \(item.params)"
      if item.operation.hasPrefix("presign:") {
        let url = try await presign(item)
        try #require(normalised(url) == normalised(item.url), "\(label)")
        continue
      }
      transport.captured.withLock { $0 = nil }
      do { try await call(item) } catch let error as AWSError where error.code == "closed" {}
      let (request, body) = try #require(transport.captured.withLock { $0 }, "\(label)")
      try #require(request.method.rawValue == item.method, "\(label)")
      let url = "\(request.scheme ?? "")://\(request.authority ?? "")\(request.path ?? "")"
      try #require(normalised(url) == normalised(item.url), "\(label)")
      var bytes: [UInt8] = []
      if case .bytes(let slice) = body { bytes = Array(slice) }
      if let form = item.form {
        try #require(Self.form(bytes) == form, "\(label)")
        try #require(request.headerFields[.contentType] == field("content-type", item), "\(label)")
        // The order of parameters is free; the signature over ours is checked by the signing vectors.
        continue
      }
      let wanted = [UInt8](try #require(item.body))
      let isXML = wanted.first == UInt8(ascii: "<")
      try #require(isXML ? Self.tree(bytes) == Self.tree(wanted) : bytes == wanted, "\(label)")
      try #require(fields(request, isXML) == fields(item, isXML), "\(label)")
    }
  }

  /// Path, and the query's pairs in order.
  func normalised(_ url: String) -> [String] {
    let parts = url.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let query = parts.count > 1 ? parts[1].split(separator: "&").map { $0.contains("=") ? String($0) : "\($0)=" } : []
    return [String(parts[0])] + query.sorted()
  }

  func field(_ name: String, _ item: Case) -> String? { item.headers?.first { $0[0] == name }?[1] }

  /// Fields that say nothing of the call, or differ where bodies are formatted otherwise.
  static let others: Set<String> = [
    "user-agent", "content-length", "expect", "amz-sdk-request", "amz-sdk-invocation-id", "accept-encoding",
  ]
  static let ofXML: Set<String> = [
    "authorization", "x-amz-content-sha256", "x-amz-checksum-crc32", "content-type", "x-amz-sdk-checksum-algorithm",
    "content-md5",
  ]

  func fields(_ request: HTTPRequest, _ isXML: Bool) -> [String: String] {
    var fields: [String: String] = [:]
    for field in request.headerFields { fields[field.name.canonicalName] = field.value }
    return fields.filter { !Self.others.contains($0.key) && !(isXML && Self.ofXML.contains($0.key)) }
  }

  func fields(_ item: Case, _ isXML: Bool) -> [String: String] {
    var fields: [String: String] = [:]
    for field in item.headers ?? [] { fields[field[0]] = field[1] }
    return fields.filter { !Self.others.contains($0.key) && !(isXML && Self.ofXML.contains($0.key)) }
  }

  static func form(_ body: [UInt8]) -> [String: String] {
    var values: [String: String] = [:]
    for pair in String(decoding: body, as: UTF8.self).split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      values[parts[0].removingPercentEncoding()] = parts.count > 1 ? parts[1].removingPercentEncoding() : ""
    }
    return values
  }

  /// Names and texts, whatever the order of children.
  static func tree(_ bytes: [UInt8]) -> String {
    func walk(_ element: XMLElement) -> String {
      let children = element.children.map { walk($0) }.sorted()
      return "<\(element.name)>\(children.isEmpty ? element.text : children.joined())</>"
    }
    return (try? XMLDocument(bytes)).map { walk($0.root) } ?? "no XML"
  }

  func call(_ item: Case) async throws {
    switch item.service {
    case "sqs": try await sqs(try SQS(client(item.secure)), item.operation, item.params)
    case "sns": try await sns(try SNS(client(item.secure)), item.operation, item.params)
    case "sts": try await sts(try STS(client(item.secure)), item.operation, item.params)
    case "s3": try await s3(try S3(client(item.secure)), item.operation, item.params)
    default: Issue.record("unknown service \(item.service)")
    }
  }
}
