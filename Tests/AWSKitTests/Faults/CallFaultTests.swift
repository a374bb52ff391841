import FoundationEssentials
import HTTPTransport
import HTTPTypes
import SDTestKit
import Synchronization
import Testing

@testable import AWSKit

/// Faults 20, 21, 26, 28 and 29: clocks, credentials, large messages, outages, batches that half fail.
struct CallFaultTests {
  let time = ManualTime()

  // MARK: 20

  @Test(arguments: [-20.0, 20.0])
  func fault20AClockThatIsOffIsCorrectedWithoutABodyToo(minutes: Double) async throws {
    // S3 answers HEAD without a body: 403 and its Date are all that tells.
    let service = time.now.addingTimeInterval(minutes * 60)
    let right = WireTime(service).amzDate
    let server = try ScriptedHTTPServer { request in
      request.header("x-amz-date") == right
        ? .respond(headers: [("ETag", "\"e\"")])
        : .respond(status: 403, headers: [("Date", WireTime(service).httpDate)])
    }
    let s3 = try S3(.testing(server, time: time))
    #expect(try await s3.headObject(.init(bucket: "b", key: "k")).eTag == "\"e\"")
    #expect(server.requests.count == 2 && time.sleeps.isEmpty)
    // What was learnt is kept, also for URLs that others use.
    _ = try await s3.headObject(.init(bucket: "b", key: "k"))
    let url = try await s3.presignGetObject(.init(bucket: "b", key: "k"), lifetime: .seconds(60)).url
    #expect(server.requests.count == 3 && url.contains("X-Amz-Date=\(right)"))
  }

  @Test func fault20ARefusalWithTheClocksAgreedIsNotTriedAgain() async throws {
    let date = WireTime(time.now).httpDate
    let server = try ScriptedHTTPServer { _ in .respond(status: 403, headers: [("Date", date)]) }
    let error = await #expect(throws: AWSError.self) {
      try await S3(.testing(server, time: time)).headObject(.init(bucket: "b", key: "k"))
    }
    #expect(error?.status == 403 && server.requests.count == 1)
  }

  @Test func fault20CallsUnderWayAtOnceAreAllTriedAgain() async throws {
    let service = time.now.addingTimeInterval(1200)
    let right = WireTime(service).amzDate
    let (bothAreHere, firstIsBack) = (ServerGate(), ServerGate())
    let server = try ScriptedHTTPServer { request in
      if request.header("x-amz-date") == right { return .respond(headers: [("ETag", "\"e\"")]) }
      // The second to be refused hears of it when the first has long set the clock.
      let refusal = ScriptedAnswer.respond(status: 403, headers: [("Date", WireTime(service).httpDate)])
      return refusal.after(request.path.hasSuffix("slow") ? firstIsBack : bothAreHere)
    }
    let s3 = try S3(.testing(server, time: time))
    async let slow = s3.headObject(.init(bucket: "b", key: "slow"))
    async let quick = s3.headObject(.init(bucket: "b", key: "quick"))
    try await eventually("both requests are there") { server.requests.count == 2 }
    bothAreHere.open()
    #expect(try await quick.eTag == "\"e\"")
    firstIsBack.open()
    #expect(try await slow.eTag == "\"e\"")
    #expect(server.requests.count == 4)
  }

  // MARK: 21

  /// Gives other keys each time, and counts.
  private final class Source: CredentialProvider {
    let asked = Mutex(0)

    func credentials() async throws(AWSError) -> Credentials {
      let number = asked.withLock { number in
        number += 1
        return number
      }
      return Credentials(
        accessKeyID: "AKID\(number)", secretAccessKey: "s", sessionToken: "t", expiration: .distantFuture)
    }
  }

  @Test func fault21ManyCallsRenewExpiredCredentialsOnce() async throws {
    let source = Source()
    let server = try ScriptedHTTPServer { request in
      request.header("authorization")?.contains("AKID1/") == true ? .queryError("ExpiredToken") : .identity
    }
    let cache = CachingCredentialProvider(source, time: time.source)
    let sts = try STS(.testing(server, time: time, credentials: cache))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<50 { group.addTask { _ = try await sts.getCallerIdentity() } }
      try await group.waitForAll()
    }
    #expect(source.asked.withLock { $0 } == 2)
  }

  @Test func fault21AnExpiredTokenIsKnownWithoutABodyToo() async throws {
    let source = Source()
    let server = try ScriptedHTTPServer { request in
      request.header("authorization")?.contains("AKID1/") == true ? .respond(status: 400) : .respond()
    }
    let cache = CachingCredentialProvider(source, time: time.source)
    _ = try await S3(.testing(server, time: time, credentials: cache)).headObject(.init(bucket: "b", key: "k"))
    #expect(source.asked.withLock { $0 } == 2 && server.requests.count == 2)
    // Keys without an end are not to blame.
    let error = await #expect(throws: AWSError.self) {
      let refusing = try ScriptedHTTPServer { _ in .respond(status: 400) }
      defer { #expect(refusing.requests.count == 1) }
      _ = try await S3(.testing(refusing, time: time)).headObject(.init(bucket: "b", key: "k"))
    }
    #expect(error?.status == 400)
  }

  // MARK: 26

  static let limit = SQS.maximumMessageBytes

  @Test(arguments: [
    (String(repeating: "x", count: limit), true), (String(repeating: "x", count: limit + 1), false),
    // Two and four bytes at the edge.
    (String(repeating: "x", count: limit - 2) + "é", true), (String(repeating: "x", count: limit - 1) + "é", false),
    (String(repeating: "x", count: limit - 4) + "🎨", true), (String(repeating: "x", count: limit - 3) + "🎨", false),
  ])
  func fault26ABodyAtTheLimitIsTakenAndAByteMoreRefusedBeforeSending(body: String, isTaken: Bool) async throws {
    let server = try ScriptedHTTPServer { _ in
      .respond(body: "<R><SendMessageResult><MessageId>m</MessageId></SendMessageResult></R>")
    }
    let sqs = try SQS(.testing(server, time: time))
    if isTaken {
      #expect(try await sqs.sendMessage(.init(queueURL: "q", body: body)).messageID == "m")
      #expect(server.requests.first?.form["MessageBody"] == body)
    } else {
      let error = await #expect(throws: AWSError.self) { try await sqs.sendMessage(.init(queueURL: "q", body: body)) }
      #expect(error?.code == .invalidInput && error?.message.contains("\(body.utf8.count)") == true)
      #expect(server.requests.isEmpty)
    }
  }

  @Test func fault26AttributesAndABatchCountAsWell() async throws {
    let server = try ScriptedHTTPServer { _ in .respond(body: "<R/>") }
    let sqs = try SQS(.testing(server, time: time))
    let body = String(repeating: "x", count: Self.limit - 10)
    let calls: [@Sendable () async throws -> Void] = [
      {
        _ = try await sqs.sendMessage(
          .init(queueURL: "q", body: body, attributes: ["name": .string("value")]))
      },
      {
        _ = try await sqs.sendMessageBatch(
          queueURL: "q", entries: [.init(id: "a", body: body), .init(id: "b", body: "12345678901")])
      },
    ]
    for call in calls {
      let error = await #expect(throws: AWSError.self) { try await call() }
      #expect(error?.code == .invalidInput)
    }
    #expect(server.requests.isEmpty)
  }

  // MARK: 28

  /// Fails as long as it is told to.
  private final class Outage: Transport {
    struct State {
      var code: TransportError.Code?
      var sent = 0
    }
    let state = Mutex(State())

    func execute(_ request: HTTPRequest, body: RequestBody, options: TransferOptions) async throws(TransportError)
      -> TransportResponse
    {
      let code = state.withLock { state in
        state.sent += 1
        return state.code
      }
      if let code { throw TransportError(code, "an outage", requestMayHaveBeenSent: false) }
      return TransportResponse(head: HTTPResponse(status: .ok), body: ResponseBody(Array("<R/>".utf8)))
    }
  }

  @Test(arguments: [TransportError.Code.connectionFailed, .nameNotResolved, .timeout, .connectionLost])
  func fault28AnOutageIsNoBusyLoopAndEndsAtOnce(code: TransportError.Code) async throws {
    let outage = Outage()
    outage.state.withLock { $0.code = code }
    var configuration = AWSConfiguration(region: "eu-central-1")
    configuration.endpoints.url = "http://sqs.invalid"
    let client = AWSClient(
      configuration: configuration, credentials: StaticCredentialProvider(accessKeyID: "A", secretAccessKey: "s"),
      transport: outage, time: time.source)
    let sqs = try SQS(client)
    // A poller that knows no pause of its own, for a minute.
    let end = time.now.addingTimeInterval(60)
    var calls = 0
    while time.now < end, calls < 100_000 {
      calls += 1
      await #expect(throws: AWSError.self) { try await sqs.receiveMessage(.init(queueURL: "q", waitSeconds: 20)) }
    }
    // Some forty attempts a second, at a fraction of a millisecond each.
    #expect(outage.state.withLock { $0.sent } < 60 * 45, "\(outage.state.withLock { $0.sent })")
    // The quota is spent, and a first attempt costs none of it.
    outage.state.withLock { $0.code = nil }
    #expect(try await sqs.receiveMessage(.init(queueURL: "q", waitSeconds: 20)).isEmpty)
  }

  // MARK: 29

  @Test func fault29OnlyTheFailedEntriesOfABatchAreToldAndSentAgain() async throws {
    let taken = Mutex<[String: Int]>([:])
    let server = try ScriptedHTTPServer { request in
      // Every second entry of the first batch fails.
      let isFirst = taken.withLock { $0.isEmpty }
      var answer = "<R><SendMessageBatchResult>"
      for number in 1...10 {
        let prefix = "SendMessageBatchRequestEntry.\(number)."
        guard let id = request.form[prefix + "Id"], let body = request.form[prefix + "MessageBody"] else { continue }
        if number % 2 == 0, isFirst {
          answer +=
            "<BatchResultErrorEntry><Id>\(id)</Id><Code>InternalError</Code><Message>m</Message>"
            + "<SenderFault>false</SenderFault></BatchResultErrorEntry>"
        } else {
          taken.withLock { $0[body, default: 0] += 1 }
          answer += "<SendMessageBatchResultEntry><Id>\(id)</Id><MessageId>m</MessageId></SendMessageBatchResultEntry>"
        }
      }
      return .respond(body: answer + "</SendMessageBatchResult></R>")
    }
    let sqs = try SQS(.testing(server, time: time))
    let entries = (0..<10).map { SQS.SendMessageBatchEntry(id: "e\($0)", body: "body \($0)") }
    let first = try await sqs.sendMessageBatch(queueURL: "q", entries: entries)
    #expect(Set(first.failed.keys) == ["e1", "e3", "e5", "e7", "e9"] && first.successful.count == 5)
    #expect(first.failed.values.allSatisfy { $0.code == "InternalError" && !$0.isSenderFault })
    let again = try await sqs.sendMessageBatch(queueURL: "q", entries: entries.filter { first.failed[$0.id] != nil })
    #expect(again.failed.isEmpty && again.successful.count == 5)
    #expect(taken.withLock { $0 } == Dictionary(uniqueKeysWithValues: entries.map { ($0.body, 1) }))
  }

  @Test func fault29AMessageThatArrivedOtherwiseIsAFailureOfItsOwn() async throws {
    let good = SQS.md5("right")
    let server = try ScriptedHTTPServer { _ in
      .respond(
        body: """
          <R><SendMessageBatchResult>
          <SendMessageBatchResultEntry><Id>a</Id><MessageId>1</MessageId><MD5OfMessageBody>\(good)</MD5OfMessageBody>
          </SendMessageBatchResultEntry><SendMessageBatchResultEntry><Id>b</Id><MessageId>2</MessageId>
          <MD5OfMessageBody>\(good)</MD5OfMessageBody></SendMessageBatchResultEntry></SendMessageBatchResult></R>
          """)
    }
    let result = try await SQS(.testing(server, time: time)).sendMessageBatch(
      queueURL: "q", entries: [.init(id: "a", body: "right"), .init(id: "b", body: "wrong")])
    #expect(result.successful.keys.sorted() == ["a"] && result.failed["b"]?.code == .checksumMismatch)
  }
}
