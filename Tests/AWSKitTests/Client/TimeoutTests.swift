import HTTPTransport
import SDTestKit
import Testing

@testable import AWSKit

/// How long an attempt may take.
struct TimeoutTests {
  let transport = RecordingTransport()

  @Test func aLongPollsWaitComesOnTop() async throws {
    let sqs = try SQS(transport.client())
    for (wait, expected) in [(0, 60), (20, 80), (nil, 80)] as [(Int?, Int64)] {
      _ = try await sqs.receiveMessage(.init(queueURL: "https://sqs.eu-central-1.amazonaws.com/1/q", waitSeconds: wait))
      let options = try #require(transport.exchanges.last?.options)
      #expect(options.firstByteTimeout == .seconds(expected), "waiting \(String(describing: wait))")
      #expect(options.totalTimeout == .seconds(expected + 60))
    }
    _ = try await sqs.listQueues()
    #expect(transport.exchanges.last?.options.firstByteTimeout == .seconds(60))
  }

  @Test func aLongPollIsNotCutOffByTheTimeoutOfOtherCalls() async throws {
    let gate = ServerGate()
    let server = try ScriptedHTTPServer { request in
      let answer = ScriptedAnswer.respond(
        body: "<ReceiveMessageResponse><ReceiveMessageResult/></ReceiveMessageResponse>")
      return request.form["Action"] == "ReceiveMessage" ? answer.after(gate) : .hang
    }
    let client = AWSClient.testing(server) { configuration in
      configuration.timeouts.firstByte = .milliseconds(50)
      configuration.retry.maximumAttempts = 1
    }
    let sqs = try SQS(client)
    let poll = Task { try await sqs.receiveMessage(.init(queueURL: "\(server.url)/1/q", waitSeconds: 20)) }
    #expect(try await server.wait { _ in gate.waiting == 1 })
    // Another call's time passes meanwhile.
    let error = await #expect(throws: AWSError.self) { try await sqs.listQueues() }
    #expect((error?.underlying as? TransportError)?.code == .timeout)
    gate.open()
    #expect(try await poll.value.isEmpty)
  }

  @Test func aLargeBodyHasTheTimeThatItsLengthNeeds() async throws {
    let s3 = try S3(transport.client())
    let length: Int64 = 5 << 30
    let source: @Sendable () -> ChunkSource = { { nil } }
    _ = try await s3.putObject(.init(bucket: "b", key: "k", body: .stream(length: length, source: source)))
    let options = try #require(transport.exchanges.last?.options)
    let total = try #require(options.totalTimeout)
    #expect(total >= .seconds(120 + length / 65_536) && total < .seconds(130 + length / 65_536))
    #expect(options.firstByteTimeout == .seconds(60) && options.stallTimeout == .seconds(60))
    _ = try await s3.putObject(.init(bucket: "b", key: "k", body: .bytes([1])))
    #expect(transport.exchanges.last?.options.totalTimeout == .seconds(120))
  }

  @Test func whatIsReadAsAStreamTakesAsLongAsItMoves() async throws {
    let client = transport.client { $0.timeouts.stall = .seconds(7) }
    _ = try await S3(client).getObject(.init(bucket: "b", key: "k"))
    let options = try #require(transport.exchanges.last?.options)
    #expect(options.totalTimeout == nil && options.stallTimeout == .seconds(7))
  }

  @Test func aReadThatStallsIsAnError() async throws {
    let server = try ScriptedHTTPServer { _ in
      .raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc").then(.hang)
    }
    let client = AWSClient.testing(server) { configuration in
      configuration.timeouts.stall = .milliseconds(50)
      configuration.retry.maximumAttempts = 2
    }
    let error = await #expect(throws: AWSError.self) {
      try await S3(client).getObjectBytes(.init(bucket: "b", key: "k"), upTo: 100)
    }
    #expect(error?.attempts == 2 && server.requests.count == 2)
    #expect((error?.underlying as? TransportError)?.code == .timeout)
  }
}
