import FoundationEssentials
import HTTPTransport
import SDTestKit
import Synchronization
import Testing

@testable import AWSKit

struct RetryTests {
  let time = ManualTime()

  @Test func aCallIsSignedSentAndRead() async throws {
    let server = try ScriptedHTTPServer(answers: [.identity])
    let identity = try await STS(.testing(server, time: time)).getCallerIdentity()
    #expect(identity == .init(account: "123456789012", arn: "arn:aws:iam::123456789012:user/me", userID: "AIDA"))
    let request = try #require(server.requests.first)
    #expect(request.method == "POST" && request.target == "/")
    #expect(request.text == "Action=GetCallerIdentity&Version=2011-06-15")
    #expect(request.header("x-amz-date") == "20231114T221320Z")
    #expect(
      request.header("authorization")?.hasPrefix(
        "AWS4-HMAC-SHA256 Credential=AKID/20231114/eu-central-1/sts/aws4_request, ") == true)
    #expect(request.header("content-type") == "application/x-www-form-urlencoded; charset=utf-8")
  }

  @Test func throttlingAndOutagesAreTriedAgainWithGrowingPauses() async throws {
    let server = try ScriptedHTTPServer(answers: [
      .queryError("Throttling"), .respond(status: 503, body: "<html/>"), .reset, .identity,
    ])
    let client = AWSClient.testing(server, time: time) { $0.retry.maximumAttempts = 4 }
    _ = try await STS(client).getCallerIdentity()
    #expect(server.requests.count == 4)
    // Half of 1 s after throttling, half of 0.1 s and 0.2 s after the others.
    #expect(time.sleeps == [.milliseconds(500), .milliseconds(50), .milliseconds(100)])
  }

  @Test func attemptsAreLimitedAndTheLastErrorTold() async throws {
    let server = try ScriptedHTTPServer { _ in .queryError("InternalFailure", status: 500) }
    let error = await #expect(throws: AWSError.self) { try await STS(.testing(server, time: time)).getCallerIdentity() }
    #expect(server.requests.count == 3)
    #expect(error?.code == "InternalFailure" && error?.attempts == 3 && error?.operation == "STS.GetCallerIdentity")
    #expect(error?.requestID == "r-1" && error?.status == 500)
  }

  @Test(arguments: ["AccessDenied", "InvalidParameterValue", "SomethingNew"])
  func permanentErrorsAreNotTriedAgain(code: String) async throws {
    let server = try ScriptedHTTPServer { _ in .queryError(code) }
    let error = await #expect(throws: AWSError.self) { try await STS(.testing(server, time: time)).getCallerIdentity() }
    #expect(error?.code.rawValue == code && server.requests.count == 1 && time.sleeps.isEmpty)
  }

  @Test func theServicesOwnPauseIsKeptWithinBounds() async throws {
    let server = try ScriptedHTTPServer(answers: [
      .queryError("Throttling", headers: [("Retry-After", "2")]),
      .queryError("Throttling", headers: [("x-amz-retry-after", "3000")]),
      .queryError("Throttling", headers: [("Retry-After", "3600")]), .identity,
    ])
    _ = try await STS(.testing(server, time: time) { $0.retry.maximumAttempts = 4 }).getCallerIdentity()
    #expect(time.sleeps == [.seconds(2), .seconds(3), .seconds(7)])
  }

  @Test func anOutageCostsABoundedNumberOfAttempts() async throws {
    let server = try ScriptedHTTPServer { _ in .respond(status: 503) }
    let sts = try STS(.testing(server, time: time))
    for _ in 0..<100 { await #expect(throws: AWSError.self) { try await sts.getCallerIdentity() } }
    // 100 first attempts, and as many further ones as the quota of 500 pays for at 14 each.
    #expect(server.requests.count == 100 + 500 / 14)
    #expect(sts.core.state.quota.left == 500 % 14)
  }

  @Test func successFillsTheQuotaAgain() async throws {
    let server = try ScriptedHTTPServer(answers: [
      .respond(status: 500), .identity, .respond(status: 500), .respond(status: 500), .respond(status: 500), .identity,
    ])
    let sts = try STS(.testing(server, time: time))
    _ = try await sts.getCallerIdentity()
    #expect(sts.core.state.quota.left == 500)
    await #expect(throws: AWSError.self) { try await sts.getCallerIdentity() }
    #expect(sts.core.state.quota.left == 500 - 28)
    _ = try await sts.getCallerIdentity()
    #expect(sts.core.state.quota.left == 500 - 27)
  }

  @Test func fault20AWrongClockIsSetAfterTheServices() async throws {
    // The service's clock is 20 minutes ahead of the local one, which stands at 22:13:20.
    let server = try ScriptedHTTPServer { request in
      request.header("x-amz-date") == "20231114T223320Z"
        ? .identity
        : .queryError("SignatureDoesNotMatch", status: 403, headers: [("Date", "Tue, 14 Nov 2023 22:33:20 GMT")])
    }
    let sts = try STS(.testing(server, time: time))
    _ = try await sts.getCallerIdentity()
    #expect(server.requests.count == 2 && time.sleeps.isEmpty)
    _ = try await sts.getCallerIdentity()
    #expect(server.requests.count == 3)
  }

  @Test func aWrongSecretIsNoWrongClock() async throws {
    let server = try ScriptedHTTPServer { _ in
      .queryError("SignatureDoesNotMatch", status: 403, headers: [("Date", "Tue, 14 Nov 2023 22:13:25 GMT")])
    }
    let error = await #expect(throws: AWSError.self) { try await STS(.testing(server, time: time)).getCallerIdentity() }
    #expect(error?.code == "SignatureDoesNotMatch" && server.requests.count == 1)
  }

  @Test func fault21CredentialsThatExpireEarlyAreRenewedOnce() async throws {
    final class Source: CredentialProvider {
      let asked = Mutex(0)
      func credentials() async throws(AWSError) -> Credentials {
        let number = asked.withLock { number in
          number += 1
          return number
        }
        return Credentials(accessKeyID: "AKID\(number)", secretAccessKey: "s", expiration: .distantFuture)
      }
    }
    let source = Source()
    let server = try ScriptedHTTPServer { request in
      request.header("authorization")?.contains("AKID1/") == true ? .queryError("ExpiredToken") : .identity
    }
    let cache = CachingCredentialProvider(source, time: time.source)
    let sts = try STS(.testing(server, time: time, credentials: cache))
    _ = try await sts.getCallerIdentity()
    #expect(source.asked.withLock { $0 } == 2 && server.requests.count == 2)

    let broken = try ScriptedHTTPServer { _ in .queryError("ExpiredToken") }
    let error = await #expect(throws: AWSError.self) {
      try await STS(.testing(broken, time: time, credentials: cache)).getCallerIdentity()
    }
    #expect(error?.code == "ExpiredToken" && broken.requests.count == 2)
  }

  @Test func aCancelledCallEndsAtOnce() async throws {
    let server = try ScriptedHTTPServer { _ in .hang }
    let sts = try STS(.testing(server, time: time))
    let task = Task { try await sts.getCallerIdentity() }
    #expect(try await server.wait { $0.openConnections == 1 })
    task.cancel()
    let result = await task.result
    #expect(throws: AWSError.self) { try result.get() }
    if case .failure(let error as AWSError) = result { #expect(error.code == .cancelled) }
  }

  @Test func anAnswerThatIsNoneIsAnErrorWithTheOperationsName() async throws {
    for body in [
      "", "not xml", "<a/>", "<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>",
    ] {
      let server = try ScriptedHTTPServer(answers: [.respond(body: body)])
      let error = await #expect(throws: AWSError.self) {
        try await STS(.testing(server, time: time)).getCallerIdentity()
      }
      #expect(error?.code == .malformedAnswer && error?.operation == "STS.GetCallerIdentity")
    }
  }

  @Test func theAdaptiveModeSlowsDownAfterThrottling() async throws {
    let answers = Mutex(0)
    let server = try ScriptedHTTPServer { _ in
      answers.withLock { number in
        number += 1
        return number == 20 ? .queryError("Throttling") : .identity
      }
    }
    let sts = try STS(.testing(server, time: time) { $0.retry.mode = .adaptive })
    for _ in 0..<19 {
      _ = try await sts.getCallerIdentity()
      time.advance(.milliseconds(100))
    }
    #expect(time.sleeps.isEmpty)
    for _ in 0..<10 { _ = try await sts.getCallerIdentity() }
    // Ten a second were measured: after throttling about seven are allowed.
    let waited = time.sleeps.dropFirst().reduce(Duration.zero, +)
    #expect(waited > .milliseconds(500) && waited < .seconds(5))
  }

  @Test func backoffIsBoundedWhateverTheAttempt() {
    for attempt in 1...200 {
      let delay = Backoff.delay(attempt: attempt, kind: .throttling, retryAfter: nil, random: 0.999)
      #expect(delay >= .zero && delay <= .seconds(20))
    }
  }
}
