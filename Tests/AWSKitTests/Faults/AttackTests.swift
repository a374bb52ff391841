import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Logging
import SDTestKit
import Synchronization
import Testing

@testable import AWSKit

/// Attacks 5, 8 and 10: documents that grow, values that break lines, secrets in logs. Attack 13 is HTTPTransport's.
struct AttackTests {
  let time = ManualTime()

  // MARK: 5

  @Test func attack5NoAnswerOfAnyKindIsExpandedOrFetched() async throws {
    let lure = try ScriptedHTTPServer { _ in .respond(body: "<!ENTITY e 'stolen'>") }
    let bomb =
      "<!DOCTYPE a [<!ENTITY e0 'aaaaaaaaaaaaaaaaaaaa'>"
      + (1...40).map { "<!ENTITY e\($0) '\(String(repeating: "&e\($0 - 1);", count: 20))'>" }.joined() + "]>"
      + "<Error><Code>&e40;</Code><Message>&e40;</Message></Error>"
    let external =
      "<!DOCTYPE a SYSTEM '\(lure.url)/x.dtd' [<!ENTITY e SYSTEM '\(lure.url)/e'><!ENTITY f SYSTEM 'file:///etc/passwd'>]>"
      + "<Error><Code>&e;</Code><Message>&f;</Message></Error>"
    for document in [bomb, external] {
      for status in [200, 403] {
        let server = try ScriptedHTTPServer { _ in .respond(status: status, body: document) }
        let client = AWSClient.testing(server, time: time)
        for call in [
          { _ = try await STS(client).getCallerIdentity() },
          { _ = try await S3(client).listObjects(.init(bucket: "b")) },
          { _ = try await EC2(client).describeVolumes() }, { _ = try await SQS(client).listQueues() },
        ] as [@Sendable () async throws -> Void] {
          let error = await #expect(throws: AWSError.self) { try await call() }
          #expect(error?.code == (status == 200 ? .malformedAnswer : "403"))
          #expect((error?.message.utf8.count ?? 0) < 1000 && error?.message.contains("root:") == false)
        }
      }
    }
    #expect(lure.requests.isEmpty)
  }

  // MARK: 8

  static let breaking = ["a\r\nX-Evil: 1", "a\nb", "a\u{0}b", "\r", "a\u{7F}", "é"]

  @Test(arguments: breaking)
  func attack8WhatAHeaderCannotCarryIsRefusedWhereverItStands(value: String) async throws {
    let server = try ScriptedHTTPServer { _ in .respond() }
    let s3 = try S3(.testing(server, time: time))
    var read = S3.GetObjectInput(bucket: "b", key: "k")
    read.ifMatch = value
    var copy = S3.CopyObjectInput(bucket: "b", key: "k", sourceBucket: "b", sourceKey: "k")
    copy.sourceIfMatch = value
    var encrypted = S3.ObjectSettings()
    encrypted.encryption = .kms(keyID: value)
    let calls: [@Sendable () async throws -> Void] = [
      { [read] in _ = try await s3.getObject(read) }, { [copy] in try await s3.copyObject(copy) },
      { try await s3.deleteObject(bucket: "b", key: "k", ifMatch: value) },
      { try await s3.putObject(.init(bucket: "b", key: "k", body: .none, conditions: .init(ifNoneMatch: value))) },
      { [encrypted] in try await s3.putObject(.init(bucket: "b", key: "k", body: .none, settings: encrypted)) },
      { _ = try await s3.headBucket("b", expectedOwner: value) },
      { [read] in _ = try await s3.presignGetObject(read, lifetime: .seconds(60)) },
    ]
    for call in calls {
      let error = await #expect(throws: AWSError.self) { try await call() }
      #expect(error?.code == .invalidInput)
    }
    #expect(server.requests.isEmpty)
  }

  @Test(arguments: breaking)
  func attack8KeysAndAttributesAreEncodedAndTheSignatureHolds(value: String) async throws {
    let server = try ScriptedHTTPServer { _ in
      .respond(body: "<R><MessageId>m</MessageId><ETag>e</ETag></R>")
    }
    let client = AWSClient.testing(server, time: time)
    try await S3(client).deleteObject(bucket: "b", key: value, versionID: value)
    try await SQS(client).sendMessage(
      .init(queueURL: value, body: value, attributes: ["n": .string(value)], groupID: value))
    try await SNS(client).publish(.init(topicARN: value, message: value, subject: value))
    let signer = { Signer(service: $0, region: "eu-central-1") }
    for (request, service) in zip(server.requests, ["s3", "sqs", "sns"]) {
      // One line break more, and another field would have come.
      #expect(request.header("x-evil") == nil && !request.target.contains("\n"))
      var received = HTTPRequest(
        method: try #require(HTTPRequest.Method(request.method)), scheme: "http",
        authority: String(server.url.dropFirst(7)), path: request.target)
      for (name, field) in request.headers {
        guard !["authorization", "content-length", "host"].contains(name.lowercased()) else { continue }
        received.headerFields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: field))
      }
      let again = signer(service).signature(
        of: received, payload: .sha256(of: request.body),
        with: Credentials(accessKeyID: "AKID", secretAccessKey: "secret"), at: time.now)
      #expect(request.header("authorization")?.hasSuffix("Signature=\(again.value)") == true)
    }
    #expect(server.requests.count == 3)
    #expect(server.requests[1].form["MessageBody"] == value && server.requests[2].form["Subject"] == value)
  }

  // MARK: 10

  /// Keeps every line at every level.
  struct Lines: LogHandler {
    final class Kept: Sendable { let lines = Mutex<[String]>([]) }
    let kept: Kept
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }
    func log(event: LogEvent) {
      kept.lines.withLock {
        $0.append("\(event.message) \(event.metadata ?? [:]) \(event.error.map { "\($0)" } ?? "")")
      }
    }
  }

  @Test func attack10NoSecretIsInALogOrAnError() async throws {
    let (secret, token) = ("SECRETsecretSECRET", "TOKENtokenTOKEN")
    let payload = "PAYLOADpayloadPAYLOAD"
    let kept = Lines.Kept()
    let echo = Mutex("")
    let server = try ScriptedHTTPServer { request in
      // As S3 does it: what was signed comes back in the complaint.
      let signature = request.header("authorization") ?? ""
      echo.withLock { $0 = String(signature.suffix(64)) }
      return .respond(
        status: 403, headers: [("Date", "Tue, 14 Nov 2023 22:43:20 GMT")],
        body: """
          <Error><Code>SignatureDoesNotMatch</Code><Message>m</Message><SignatureProvided>\(signature)</SignatureProvided>\
          <StringToSign>\(signature)</StringToSign><CanonicalRequest>x-amz-security-token:\(token)</CanonicalRequest></Error>
          """)
    }
    let credentials = StaticCredentialProvider(
      accessKeyID: "AKID", secretAccessKey: secret, sessionToken: token)
    var client = AWSClient.testing(server, time: time, credentials: credentials)
    client.logger = Logger(label: "test") { _ in Lines(kept: kept) }
    client.logger.logLevel = .trace
    var texts: [String] = []
    let s3 = try S3(client)
    let calls: [@Sendable () async throws -> Void] = [
      { [client] in _ = try await STS(client).getCallerIdentity() },
      { try await s3.putObject(.init(bucket: "b", key: "k", body: .bytes(Array(payload.utf8)))) },
      { [client] in try await SQS(client).sendMessage(.init(queueURL: "q", body: payload)) },
      { [client] in _ = try await SSM(client).putParameter(.init(name: "n", value: payload, type: "SecureString")) },
      {
        _ = try await s3.upload(
          .init(bucket: "b", key: "k", body: .bytes([UInt8](repeating: 65, count: 6 << 20))), partSize: 5 << 20)
      },
    ]
    for call in calls {
      do { try await call() } catch {
        texts += ["\(error)", String(reflecting: error), dumped(error)]
      }
    }
    server.stop()
    let sts = try STS(client)
    let down = await #expect(throws: AWSError.self) { try await sts.getCallerIdentity() }
    if let down { texts += ["\(down)", dumped(down)] }
    // Values that hold keys say nothing when they are shown.
    var configuration = AWSConfiguration(region: "r")
    configuration.environment = Environment(["AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token])
    configuration.files = try SharedConfiguration(
      config: nil, credentials: "[default]\naws_secret_access_key = \(secret)\naws_session_token = \(token)\n")
    texts += [
      dumped(configuration), dumped(credentials), dumped(EnvironmentCredentialProvider(configuration.environment)),
    ]
    texts.append(
      dumped(STS.AssumeRoleWithWebIdentityInput(roleARN: "r", sessionName: "s", webIdentityToken: token)))
    texts.append(dumped(client))
    let lines = kept.lines.withLock { $0 }
    #expect(!lines.isEmpty && texts.count > 15)
    let signature = echo.withLock { $0 }
    #expect(signature.count == 64)
    for text in lines + texts {
      for word in [secret, token, payload, signature, "AAAAAAAA"] { #expect(!text.contains(word), "\(text)") }
    }
  }

  private func dumped(_ value: Any) -> String {
    var text = ""
    dump(value, to: &text)
    return text
  }
}
