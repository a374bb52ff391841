import Foundation
import HTTPTransport
import HTTPTypes

@testable import AWSKit

// AWSKit: what services answer, and the shared files.

extension Target {
  /// Documents, and typed access to every element. The input's first line is a document before it: the thread's parser
  /// reads both, and must read the second as it would alone.
  static func xml(_ input: [UInt8]) {
    let limits = XMLDocument.Limits(bytes: 1 << 20, elements: 1 << 14)
    func read(_ bytes: ArraySlice<UInt8>) -> XMLDocument? { try? XMLDocument(bytes, limits: limits) }
    let second = input.firstIndex(of: 0x0A).map { input[($0 + 1)...] } ?? input[...]
    // What is malformed takes the parser with it: the next one is new.
    _ = read([0x3C])
    let alone = read(second)
    _ = read([0x3C])
    _ = read(input[..<second.startIndex])
    let document = read(second)
    precondition((document == nil) == (alone == nil), "another answer after another document")
    guard let document, let alone else { return }
    func account(_ element: XMLElement) -> String {
      "\(element.name)=\(element.text)[\(element.children.map(account).joined())]"
    }
    precondition(account(document.root) == account(alone.root), "another reading after another document")
    func visit(_ element: XMLElement, depth: Int) {
      precondition(depth <= 64, "deeper than allowed")
      precondition(element.isNamed("Code") == (element.name == "Code"), "two readings of a name")
      precondition(element.text.isEmpty || element.children.allSatisfy { _ in false }, "text beside elements")
      _ = try? element.integer("a")
      _ = try? element.bool("a")
      _ = try? element.date("a")
      _ = try? element.base64("a")
      _ = try? element.map()
      for child in element.children { visit(child, depth: depth + 1) }
    }
    visit(document.root, depth: 1)
  }

  /// Moments in any form; what was read is written and read again.
  static func dates(_ input: [UInt8]) {
    guard let date = WireTimeParser.date(String(decoding: input, as: UTF8.self)) else { return }
    let seconds = date.timeIntervalSince1970.rounded(.down)
    guard (-62_135_596_800...253_402_300_799).contains(seconds) else { return }
    let time = WireTime(date)
    for text in [time.iso8601, time.amzDate, time.httpDate] {
      precondition(WireTimeParser.date(text)?.timeIntervalSince1970 == seconds, "not the same when read again: \(text)")
    }
  }

  /// The shared files, and what profiles' values go through.
  static func config(_ input: [UInt8]) {
    let text = String(decoding: input, as: UTF8.self)
    _ = ShellWords.split(text)
    let environment = Environment(["HOME": "/h", "A": text])
    guard let files = try? SharedConfiguration(config: text, credentials: text) else { return }
    for profile in files.profiles.values {
      for value in profile.values.values {
        _ = ShellWords.split(value)
        _ = environment.expand(value)
        _ = ARN(value)
      }
    }
  }

  /// Whole calls whose answer is the input: its first byte tells the call, its second the status.
  static func answers(_ input: [UInt8]) {
    guard input.count >= 2 else { return }
    let call = input[0]
    let transport = Canned(
      status: input[1] < 128 ? 200 : [400, 403, 404, 500, 503][Int(input[1]) % 5], body: Array(input[2...]))
    var configuration = AWSConfiguration(region: "eu-central-1")
    configuration.retry.maximumAttempts = 1
    let client = AWSClient(
      configuration: configuration, credentials: StaticCredentialProvider(accessKeyID: "a", secretAccessKey: "s"),
      transport: transport)
    OwnThread.run { _ = try? await make(call, client) }
  }

  private static func make(_ call: UInt8, _ client: AWSClient) async throws {
    let queue = "https://sqs.eu-central-1.amazonaws.com/1/q"
    switch call % 12 {
    case 0: _ = try await SQS(client).receiveMessage(.init(queueURL: queue, waitSeconds: 0))
    case 1: try await SQS(client).sendMessage(.init(queueURL: queue, body: "b", attributes: ["a": .string("v")]))
    case 2: _ = try await SQS(client).getQueueAttributes(queueURL: queue)
    case 3: _ = try await S3(client).listObjects(.init(bucket: "b"))
    case 4: _ = try await S3(client).getObject(.init(bucket: "b", key: "k")).body.collect(upTo: 1 << 20)
    case 5: _ = try await S3(client).deleteObjects(bucket: "b", objects: [.init(key: "k")])
    case 6: _ = try await STS(client).getCallerIdentity()
    case 7: _ = try await EC2(client).describeSnapshots()
    case 8: _ = try await EC2(client).describeInstances()
    case 9: _ = try await ECR(client).getAuthorizationToken()
    case 10: _ = try await EKS(client).describeCluster(name: "c")
    default: _ = try await SSM(client).getParameter(name: "p")
    }
  }

  /// Answers everything with the same bytes.
  private struct Canned: Transport {
    var status: Int
    var body: [UInt8]

    func execute(_ request: HTTPRequest, body: RequestBody, options: TransferOptions) async throws(TransportError)
      -> TransportResponse
    {
      TransportResponse(head: HTTPResponse(status: .init(code: status)), body: ResponseBody(self.body))
    }
  }
}
