import AWSKit
import AWSPlugins
import HTTPTransport
import HTTPTypes
import SDCore
import SDTestKit
import Synchronization
import Testing

@Suite(.enabled(if: MotoAccount.isThere))
struct LetterTests {
  @Test func aMessageThatCannotBeDeletedAtFirstLeavesOneLetter() async throws {
    let (made, letters) = try await MotoAccount.queue(try MotoAccount.client())
    let transport = FailingDeletes(times: 2)
    var configuration = try MotoAccount.client().configuration
    configuration.retry.maximumAttempts = 1
    let client = AWSClient(
      configuration: configuration, credentials: try MotoAccount.client().credentials, transport: transport)
    let queue = try SQSQueue(url: made.url, client: client)
    _ = try await queue.send([OutgoingMessage(body: Array("poison".utf8))])
    let leases = try await queue.receive(max: 1, wait: .zero, visibility: nil)
    let reason = DeadLetterReason(code: "poison", message: "it is \u{FFFF}")
    for _ in 0..<2 {
      await #expect(throws: SDError.self) { try await queue.deadLetter(leases, reason: reason) }
    }
    #expect(try await queue.deadLetter(leases, reason: reason) == [.done])
    let found = try await #require(letters).receive(max: 10, wait: .zero, visibility: nil)
    #expect(found.map { DeadLetterReason($0.attributes) } == [reason])
  }
}

/// A transport that loses the first calls which delete a message.
private final class FailingDeletes: Transport {
  private let left: Mutex<Int>
  init(times: Int) { left = Mutex(times) }

  func execute(
    _ request: HTTPRequest, body: RequestBody, options: TransferOptions
  ) async throws(TransportError) -> TransportResponse {
    if case .bytes(let bytes) = body, bytes.starts(with: "Action=DeleteMessage&".utf8) {
      let fails = left.withLock { left in
        left -= 1
        return left >= 0
      }
      if fails { throw TransportError(.connectionLost, "the connection is gone") }
    }
    return try await CurlTransport.shared.execute(request, body: body, options: options)
  }
}
