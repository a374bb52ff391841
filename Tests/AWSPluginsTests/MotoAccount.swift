import AWSKit
import AWSPlugins
import Foundation
import HTTPTransport
import SDCore
import SDTestKit
import Testing

/// moto as an account of AWS.
enum MotoAccount {
  static let isThere = MotoServer.isAvailable
  static let region = "eu-central-1"
  /// Leases are counted in seconds, which moto must not spend on answering everybody at once.
  static let turnstile = Turnstile(width: 8)

  static func client(_ change: (inout AWSConfiguration) -> Void = { _ in }) throws -> AWSClient {
    let server = try #require(MotoServer.shared, "moto did not start")
    var configuration = AWSConfiguration(region: region)
    configuration.endpoints.url = server.url
    change(&configuration)
    return AWSClient(
      configuration: configuration,
      credentials: StaticCredentialProvider(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "secret"),
      transport: CurlTransport.shared)
  }

  /// A name that nobody else in this run has.
  static func name(_ kind: String) -> String { "\(kind)-\(RandomName.make().prefix(12))" }

  /// A new queue.
  static func queue(
    _ client: AWSClient, isFIFO: Bool = false, visibility: Duration = .seconds(30), maximumReceives: Int? = nil,
    hasLetters: Bool = true
  ) async throws -> (queue: SQSQueue, letters: SQSQueue?) {
    let sqs = try SQS(client)
    let (name, suffix) = (Self.name("q"), isFIFO ? ".fifo" : "")
    var attributes = ["VisibilityTimeout": "\(visibility.components.seconds)", "MaximumMessageSize": "1048576"]
    if isFIFO { attributes["FifoQueue"] = "true" }
    var letters: SQSQueue?
    if hasLetters {
      var plain = attributes
      plain["VisibilityTimeout"] = "30"
      let url = try await sqs.createQueue(.init(name: "\(name)-dlq\(suffix)", attributes: plain))
      let arn = try #require(try await sqs.getQueueAttributes(queueURL: url, names: ["QueueArn"])["QueueArn"])
      attributes["RedrivePolicy"] =
        #"{"deadLetterTargetArn":"\#(arn)","maxReceiveCount":"\#(maximumReceives ?? 1000)"}"#
      letters = try SQSQueue(url: url, client: client, deadLetters: .none)
    }
    let url = try await sqs.createQueue(.init(name: name + suffix, attributes: attributes))
    let queue = try SQSQueue(url: url, client: client, deadLetters: hasLetters ? .redriveTarget : .none)
    return (queue, letters)
  }

  /// A new bucket, and two handles of a store in it.
  static func stores(prefix: String = "") async throws -> (store: S3ObjectStore, rival: S3ObjectStore) {
    let client = try Self.client()
    let bucket = name("b")
    try await S3(client).createBucket(bucket)
    return (
      try S3ObjectStore(bucket: bucket, prefix: prefix, client: client),
      try S3ObjectStore(bucket: bucket, prefix: prefix, client: try Self.client())
    )
  }
}

@Suite struct MotoPresenceTests {
  @Test(.enabled(if: ProcessInfo.processInfo.environment["CI"] != nil))
  func motoIsThereWhereEverythingMustBeTested() { #expect(MotoAccount.isThere) }
}
