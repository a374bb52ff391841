import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Testing

@testable import AWSKit

/// Every call against moto, which `AWSKIT_MOTO_URL` names: `make conformance` starts one, and looks that no call is
/// missing but those that moto does not have.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["AWSKIT_MOTO_URL"] != nil))
struct MotoTests {
  let client: AWSClient
  let name = "t\(UInt32.random(in: 0...UInt32.max))"

  init() throws {
    var configuration = AWSConfiguration(region: "eu-central-1")
    configuration.endpoints.url = ProcessInfo.processInfo.environment["AWSKIT_MOTO_URL"]
    client = AWSClient(
      configuration: configuration,
      credentials: StaticCredentialProvider(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "secret"),
      transport: CurlTransport())
  }

  @Test func sts() async throws {
    let sts = try STS(client)
    #expect(try await sts.getCallerIdentity().account == "123456789012")
    let role = try await sts.assumeRole(.init(roleARN: "arn:aws:iam::123456789012:role/r", sessionName: "me"))
    #expect(role.arn?.hasSuffix("r/me") == true && role.credentials.expiration ?? .distantPast > Date())
    let web = try await sts.assumeRoleWithWebIdentity(
      .init(roleARN: "arn:aws:iam::123456789012:role/r", sessionName: "me", webIdentityToken: "token"))
    #expect(web.credentials.sessionToken?.isEmpty == false)
  }

  @Test func sqsMessages() async throws {
    let sqs = try SQS(client)
    let url = try await sqs.createQueue(.init(name: name, attributes: ["VisibilityTimeout": "40"], tags: ["a": "b"]))
    #expect(try await sqs.getQueueURL(name: name) == url)
    let body = "hällo <&> \"日本\"\n🎨"
    let sent = try await sqs.sendMessage(
      .init(
        queueURL: url, body: body,
        attributes: ["kind": .string("x&y"), "n": .number("7"), "raw": .binary([0, 1, 255])],
        systemAttributes: ["AWSTraceHeader": .string("Root=1-5759e988-bd862e3fe1be46a994272793")]))
    let received = try await sqs.receiveMessage(
      .init(queueURL: url, maximum: 10, waitSeconds: 1, systemAttributeNames: ["All"], attributeNames: ["All"]))
    let message = try #require(received.first)
    #expect(
      message.body == body && message.messageID == sent.messageID && message.isIntact && message.receiveCount == 1)
    #expect(message.attributes == ["kind": .string("x&y"), "n": .number("7"), "raw": .binary([0, 1, 255])])
    #expect(message.systemAttributes["AWSTraceHeader"] == "Root=1-5759e988-bd862e3fe1be46a994272793")
    #expect(abs(message.sentAt?.timeIntervalSinceNow ?? 999) < 120)
    try await sqs.changeMessageVisibility(queueURL: url, receiptHandle: message.receiptHandle, seconds: 0)
    let again = try #require(try await sqs.receiveMessage(.init(queueURL: url)).first)
    try await sqs.deleteMessage(queueURL: url, receiptHandle: again.receiptHandle)
    #expect(try await sqs.receiveMessage(.init(queueURL: url, waitSeconds: 0)).isEmpty)
    try await sqs.deleteQueue(queueURL: url)
    let error = await #expect(throws: AWSError.self) { try await sqs.getQueueURL(name: name) }
    #expect(error?.code == "AWS.SimpleQueueService.NonExistentQueue" && error?.status == 400)
  }

  @Test func sqsBatches() async throws {
    let sqs = try SQS(client)
    let url = try await sqs.createQueue(.init(name: name))
    let sent = try await sqs.sendMessageBatch(
      queueURL: url,
      entries: (0..<10).map { .init(id: "m\($0)", body: "body \($0)", attributes: ["i": .number("\($0)")]) })
    #expect(sent.successful.count == 10 && sent.failed.isEmpty)
    let messages = try await sqs.receiveMessage(.init(queueURL: url, maximum: 10))
    let changed = try await sqs.changeMessageVisibilityBatch(
      queueURL: url,
      entries: messages.enumerated().map { .init(id: "\($0)", receiptHandle: $1.receiptHandle, seconds: 60) })
    #expect(changed.successful.count == messages.count)
    let deleted = try await sqs.deleteMessageBatch(
      queueURL: url, entries: messages.enumerated().map { .init(id: "\($0)", receiptHandle: $1.receiptHandle) })
    #expect(deleted.successful.count == messages.count && deleted.failed.isEmpty)
  }

  @Test func sqsQueues() async throws {
    let sqs = try SQS(client)
    let letters = try await sqs.createQueue(.init(name: "\(name)-dlq"))
    let arn = try #require(try await sqs.getQueueAttributes(queueURL: letters, names: ["QueueArn"])["QueueArn"])
    let url = try await sqs.createQueue(.init(name: name))
    try await sqs.setQueueAttributes(
      queueURL: url, attributes: ["RedrivePolicy": #"{"deadLetterTargetArn":"\#(arn)","maxReceiveCount":"3"}"#])
    #expect(try await sqs.getQueueAttributes(queueURL: url)["RedrivePolicy"]?.contains(arn) == true)
    #expect(try await sqs.listDeadLetterSourceQueues(queueURL: letters).urls == [url])
    #expect(try await sqs.listQueues(prefix: name).urls.count == 2)
    try await sqs.tagQueue(queueURL: url, tags: ["a": "1", "b": "2"])
    try await sqs.untagQueue(queueURL: url, keys: ["a"])
    #expect(try await sqs.listQueueTags(queueURL: url) == ["b": "2"])
    try await sqs.addPermission(queueURL: url, label: "x", accountIDs: ["123456789012"], actions: ["SendMessage"])
    try await sqs.removePermission(queueURL: url, label: "x")
    try await sqs.purgeQueue(queueURL: url)
  }

  @Test func sqsRedrive() async throws {
    let sqs = try SQS(client)
    let letters = try await sqs.createQueue(.init(name: "\(name)-dlq"))
    let arn = try #require(try await sqs.getQueueAttributes(queueURL: letters)["QueueArn"])
    // moto has no move tasks: what it says to them is an error of the service, and read as one.
    for call in [
      { _ = try await sqs.startMessageMoveTask(sourceARN: arn, messagesPerSecond: 5) },
      { _ = try await sqs.listMessageMoveTasks(sourceARN: arn) },
      { _ = try await sqs.cancelMessageMoveTask(taskHandle: "none") },
    ] as [@Sendable () async throws -> Void] {
      let error = await #expect(throws: AWSError.self) { try await call() }
      #expect(error?.origin == .service)
    }
  }

  @Test func snsTopics() async throws {
    let (sns, sqs) = (try SNS(client), try SQS(client))
    let topic = try await sns.createTopic(.init(name: name, attributes: ["DisplayName": "n"], tags: ["a": "b"]))
    let url = try await sqs.createQueue(.init(name: name))
    let arn = try #require(try await sqs.getQueueAttributes(queueURL: url)["QueueArn"])
    let subscription = try #require(
      try await sns.subscribe(
        .init(
          topicARN: topic, protocol: "sqs", endpoint: arn,
          attributes: ["RawMessageDelivery": "true", "FilterPolicy": #"{"kind":["yes"]}"#], returnsARN: true)))
    try await sns.publish(.init(topicARN: topic, message: "dropped", attributes: ["kind": .string("no")]))
    let published = try await sns.publish(
      .init(topicARN: topic, message: "kept ü", attributes: ["kind": .string("yes")]))
    #expect(!published.messageID.isEmpty)
    let batch = try await sns.publishBatch(
      topicARN: topic, entries: [.init(id: "1", message: "also", attributes: ["kind": .string("yes")])])
    #expect(batch.successful.count == 1 && batch.failed.isEmpty)
    let bodies = try await sqs.receiveMessage(.init(queueURL: url, maximum: 10, attributeNames: ["All"])).map(\.body)
    #expect(Set(bodies) == ["kept ü", "also"])
    try await sns.setSubscriptionAttribute(subscriptionARN: subscription, name: "RawMessageDelivery", value: "false")
    #expect(try await sns.getSubscriptionAttributes(subscriptionARN: subscription)["RawMessageDelivery"] == "false")
    #expect(try await sns.listSubscriptions(topicARN: topic).subscriptions.map(\.endpoint) == [arn])
    #expect(try await sns.listSubscriptions().subscriptions.contains { $0.arn == subscription })
    #expect(try await sns.confirmSubscription(topicARN: topic, token: "token") != nil)
    try await sns.tagTopic(topicARN: topic, tags: ["c": "d"])
    try await sns.untagTopic(topicARN: topic, keys: ["a"])
    #expect(try await sns.listTags(topicARN: topic) == ["c": "d"])
    try await sns.setTopicAttribute(topicARN: topic, name: "DisplayName", value: "m")
    #expect(try await sns.getTopicAttributes(topicARN: topic)["DisplayName"] == "m")
    #expect(try await sns.listTopics().arns.contains(topic))
    try await sns.unsubscribe(subscriptionARN: subscription)
    try await sns.deleteTopic(topicARN: topic)
  }

  // MARK: S3

  @Test func s3Objects() async throws {
    let s3 = try S3(client)
    try await s3.createBucket(name)
    try await s3.headBucket(name)
    #expect(try await s3.listBuckets().contains { $0.name == name })
    var settings = S3.ObjectSettings(contentType: "image/png", metadata: ["who": "me"])
    settings.tags = ["a": "b c", "d": "ü"]
    settings.storageClass = "STANDARD_IA"
    let bytes = (0..<5000).map { UInt8(truncatingIfNeeded: $0) }
    for key in ["plain", "a/b c+d.png", "ü/日本 🎨", "x//y", "q?a=b&c#d", "100%"] {
      for algorithm in S3.ChecksumAlgorithm.allCases {
        try await s3.putObject(
          .init(bucket: name, key: key, body: .bytes(bytes), settings: settings, checksumAlgorithm: algorithm))
      }
      let object = try await s3.getObject(.init(bucket: name, key: key))
      #expect(object.info.contentType == "image/png" && object.info.metadata == ["who": "me"])
      #expect(try await object.body.collect(upTo: 5000) == bytes)
      let part = try await s3.getObjectBytes(.init(bucket: name, key: key, range: .closed(10...19)), upTo: 10)
      #expect(part.bytes == Array(bytes[10...19]) && part.info.contentRange == "bytes 10-19/5000")
      let info = try await s3.headObject(.init(bucket: name, key: key))
      #expect(info.contentLength == 5000 && info.storageClass == "STANDARD_IA" && info.eTag?.hasPrefix("\"") == true)
      #expect(try await s3.getObjectTagging(bucket: name, key: key) == settings.tags)
    }
    let keys = try await s3.listObjects(.init(bucket: name)).objects.map(\.key)
    #expect(Set(keys) == ["plain", "a/b c+d.png", "ü/日本 🎨", "x//y", "q?a=b&c#d", "100%"])
    let folders = try await s3.listObjects(.init(bucket: name, delimiter: "/"))
    #expect(Set(folders.commonPrefixes) == ["a/", "ü/", "x/"])
    var paged: [String] = []
    for try await object in s3.allObjects(.init(bucket: name, maximum: 2)) { paged.append(object.key) }
    #expect(paged == keys)
    try await s3.putObjectTagging(bucket: name, key: "plain", tags: ["n": "1"])
    #expect(try await s3.getObjectTagging(bucket: name, key: "plain") == ["n": "1"])
    try await s3.deleteObjectTagging(bucket: name, key: "plain")
    #expect(try await s3.getObjectTagging(bucket: name, key: "plain").isEmpty)
    try await s3.copyObject(.init(bucket: name, key: "copy", sourceBucket: name, sourceKey: "a/b c+d.png"))
    #expect(try await s3.headObject(.init(bucket: name, key: "copy")).contentLength == 5000)
    try await s3.deleteObject(bucket: name, key: "copy")
    let missing = await #expect(throws: AWSError.self) { try await s3.getObject(.init(bucket: name, key: "copy")) }
    #expect(missing?.code == "NoSuchKey")
    #expect(try await s3.deleteObjects(bucket: name, objects: keys.map { .init(key: $0) }).isEmpty)
    try await s3.deleteBucket(name)
  }

  @Test func s3Versions() async throws {
    let s3 = try S3(client)
    try await s3.createBucket(name)
    for number in 1...2 { try await s3.putObject(.init(bucket: name, key: "a/b c", body: .bytes([UInt8(number)]))) }
    let page = try await s3.listObjectVersions(.init(bucket: name, prefix: "a/"))
    #expect(page.versions.map(\.key) == ["a/b c"] && page.versions.first?.isLatest == true)
    let version = try #require(page.versions.first)
    #expect(version.size == 1 && version.eTag != nil && !version.isDeleteMarker && page.nextKeyMarker == nil)
    try await s3.deleteObject(bucket: name, key: version.key, versionID: version.versionID)
    #expect(try await s3.listObjects(.init(bucket: name)).objects.isEmpty)
  }

  @Test func s3Conditions() async throws {
    let s3 = try S3(client)
    try await s3.createBucket(name)
    let first = try await s3.putObject(.init(bucket: name, key: "k", body: .bytes([1]), conditions: .ifAbsent))
    var error = await #expect(throws: AWSError.self) {
      try await s3.putObject(.init(bucket: name, key: "k", body: .bytes([2]), conditions: .ifAbsent))
    }
    #expect(error?.status == 412)
    let input = {
      var input = S3.GetObjectInput(bucket: name, key: "k")
      input.ifNoneMatch = first.eTag
      return input
    }()
    error = await #expect(throws: AWSError.self) { try await s3.getObject(input) }
    #expect(error?.status == 304)
  }

  @Test func s3Uploads() async throws {
    let s3 = try S3(client)
    try await s3.createBucket(name)
    let bytes = (0..<(11 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 5) }
    let folder = try TemporaryFolder()
    try Data(bytes).write(to: URL(filePath: "\(folder.path)/file"))
    let file = RequestBody.file(path: "\(folder.path)/file", offset: 0, length: Int64(bytes.count))
    try await s3.upload(
      .init(bucket: name, key: "parts", body: file, settings: .init(contentType: "a/b")), partSize: 5 << 20)
    let object = try await s3.getObjectBytes(.init(bucket: name, key: "parts"), upTo: 12 << 20)
    #expect(object.bytes == bytes && object.info.contentType == "a/b" && object.info.eTag?.contains("-3") == true)
    try await s3.putObject(.init(bucket: name, key: "whole", body: file))
    #expect(try await s3.getObjectBytes(.init(bucket: name, key: "whole"), upTo: 12 << 20).bytes == bytes)

    let id = try await s3.createMultipartUpload(bucket: name, key: "left")
    let part = try await s3.uploadPart(bucket: name, key: "left", uploadID: id, number: 1, body: .bytes([1, 2, 3]))
    #expect(try await s3.listParts(bucket: name, key: "left", uploadID: id).parts.map(\.eTag) == [part.eTag])
    #expect(try await s3.listMultipartUploads(bucket: name).uploads.map(\.key) == ["left"])
    let copied = try await s3.uploadPartCopy(
      bucket: name, key: "left", uploadID: id, number: 2, sourceBucket: name, sourceKey: "whole", sourceRange: 0...99)
    #expect(copied.number == 2)
    try await s3.abortMultipartUpload(bucket: name, key: "left", uploadID: id)
    #expect(try await s3.listMultipartUploads(bucket: name).uploads.isEmpty)
  }

  @Test func s3PresignedURLs() async throws {
    let s3 = try S3(client)
    try await s3.createBucket(name)
    let put = try await s3.presignPutObject(
      .init(bucket: name, key: "a b", body: .none, settings: .init(contentType: "text/plain")), lifetime: .seconds(60))
    let get = try await s3.presignGetObject(.init(bucket: name, key: "a b"), lifetime: .seconds(60))
    for (presigned, body) in [(put, RequestBody.bytes(Array("hello".utf8))), (get, .none)] {
      var request = HTTPRequest(
        method: try #require(HTTPRequest.Method(presigned.method)), url: try Endpoint.parts(presigned.url))
      for (name, value) in presigned.fields {
        request.headerFields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value))
      }
      let answer = try await client.transport.send(request, body: body, upTo: 1000)
      #expect(answer.head.status == .ok)
      if presigned.method == "GET" { #expect(answer.body == Array("hello".utf8)) }
    }
  }
}

extension Endpoint {
  /// Scheme, authority, and the rest of a URL.
  static func parts(_ url: String) throws -> (String, String, String) {
    let scheme = url.prefix { $0 != ":" }
    let rest = url.dropFirst(scheme.count + 3)
    let authority = rest.prefix { $0 != "/" }
    return (String(scheme), String(authority), String(rest.dropFirst(authority.count)))
  }
}

extension HTTPRequest {
  init(method: Method, url: (String, String, String)) {
    self.init(method: method, scheme: url.0, authority: url.1, path: url.2)
  }
}
