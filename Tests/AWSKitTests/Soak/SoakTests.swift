import FoundationEssentials
import Glibc
import HTTPTransport
import SDTestKit
import Synchronization
import Testing

@testable import AWSKit

/// Calls in great numbers that end in every way there is: nothing of them may be left. `make soak` runs it, with 100,000.
@Suite(.enabled(if: Soak.requests > 0)) struct SoakTests {
  @Test func whatEndsLeavesNothingBehind() async {
    let process = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
      let server = try Soak.server()
      let soak = try Soak(server)
      // Once beforehand: what a process opens and caches once for all is not counted.
      await soak.run(Soak.requests / 10)
      try await soak.rest()
      // Both ends of the connections that are kept are here; how many there are at a rest is chance.
      let descriptors = { OwnProcess.descriptors - 2 * server.openConnections }
      let before = descriptors()
      var rests = [Soak.resident()]
      Soak.tell("\(Soak.requests / 10) calls beforehand: \(rests[0] >> 10) KiB, \(before) descriptors")
      for part in 1...10 {
        await soak.run(Soak.requests / 10)
        try await soak.rest()
        let kept = OwnProcess.residentBytes >> 10
        rests.append(Soak.resident())
        Soak.tell(
          "\(part * Soak.requests / 10) calls: \(rests[part] >> 10) KiB, \(kept) before trimming, "
            + "\(descriptors()) descriptors")
      }
      Soak.tell("ends: \(soak.ends.withLock { $0 }.sorted { $0.key < $1.key })")
      // One end of a connection may just have been closed before the other was, then or now.
      #expect(try await eventually { descriptors() <= before + 1 })
      // At least half of all calls lie between, and of each there is no more than some bytes. What is left behind is there
      // at every rest; the stacks of the server's threads, the last of a cancelled answer, are there at one.
      let (early, late) = (rests.prefix(3).min() ?? 0, rests.suffix(5).min() ?? 0)
      #expect(late - early < max(4 << 20, Soak.requests) || OwnProcess.isSanitized)
      // All kinds have happened.
      #expect(soak.ends.withLock { $0.count } >= 6)
    }
    // A process of its own prints to nobody.
    print(String(decoding: process?.standardOutputContent ?? [], as: UTF8.self))
  }
}

/// One client, and a server that misbehaves as the key asks.
private final class Soak: Sendable {
  static let requests = ProcessInfo.processInfo.environment["SDTEST_REQUESTS"].flatMap { Int($0) } ?? 0
  static let kinds = ["ok", "put", "poll", "reset", "cut", "busy", "hang", "cancel", "drop", "upload"]

  private let server: ScriptedHTTPServer
  private let client: AWSClient
  private let s3: S3
  private let sqs: SQS
  /// How often calls ended how.
  let ends = Mutex<[String: Int]>([:])

  init(_ server: ScriptedHTTPServer) throws {
    self.server = server
    client = AWSClient.testing(server) { configuration in
      configuration.retry.maximumAttempts = 1
      configuration.timeouts.firstByte = .milliseconds(20)
    }
    (s3, sqs) = (try S3(client), try SQS(client))
  }

  static func server() throws -> ScriptedHTTPServer {
    try ScriptedHTTPServer { request in
      switch request.path.split(separator: "/").last {
      case "reset": .reset
      case "cut": .respond(body: "0123456789").cut(after: 3)
      case "busy": .respond(status: 503, body: "<Error><Code>SlowDown</Code></Error>")
      case "hang", "cancel": .hang
      case "drop": .fill(count: 1_000_000)
      case "queue": .respond(body: "<ReceiveMessageResponse><ReceiveMessageResult/></ReceiveMessageResponse>")
      default: .respond(headers: [("ETag", "\"e\"")], body: "ok")
      }
    }
  }

  /// Resident memory without what the allocator keeps for the next calls: the server's threads and the pool's have arenas
  /// of their own, and how much freed memory each of them is left with is chance.
  ///
  /// Glibc's headers show Swift no `malloc_trim`.
  static func resident() -> Int {
    if let symbol = dlsym(nil, "malloc_trim") {
      _ = unsafeBitCast(symbol, to: (@convention(c) (Int) -> Int32).self)(0)
    }
    return OwnProcess.residentBytes
  }

  static func tell(_ line: String) {
    print(line)
    fflush(nil)
  }

  func run(_ count: Int) async {
    await withTaskGroup(of: Void.self) { group in
      for worker in 0..<8 {
        group.addTask { for index in 0..<(count / 8) { await self.call(Self.kinds[(worker + index) % 10]) } }
      }
    }
    server.forgetRequests()
  }

  /// Waits until what was given up is gone.
  func rest() async throws {
    #expect(try await server.wait { $0.openConnections <= 8 })
  }

  private func call(_ kind: String) async {
    let get = S3.GetObjectInput(bucket: "b", key: kind)
    let end: String
    do throws(AWSError) {
      switch kind {
      case "put": _ = try await s3.putObject(.init(bucket: "b", key: kind, bytes: [1, 2, 3]))
      case "upload":
        let chunks: @Sendable () -> ChunkSource = {
          let left = Mutex(4)
          return {
            left.withLock { left in
              left -= 1
              return left < 0 ? nil : [UInt8](repeating: 7, count: 25_000)[...]
            }
          }
        }
        _ = try await s3.putObject(.init(bucket: "b", key: kind, body: .stream(length: 100_000, source: chunks)))
      case "poll": _ = try await sqs.receiveMessage(.init(queueURL: "\(server.url)/1/queue", waitSeconds: 1))
      case "drop": _ = try await s3.getObject(get)
      case "cancel":
        let task = Task { [s3] in
          do throws(AWSError) {
            return try await s3.getObjectBytes(get, upTo: 100).bytes.count
          } catch { return -1 }
        }
        await Task.yield()
        task.cancel()
        if await task.value < 0 { throw AWSError(.cancelled, "as was wanted") }
      default: _ = try await s3.getObjectBytes(get, upTo: 100)
      }
      end = "fine"
    } catch {
      end = error.code.rawValue
    }
    ends.withLock { $0[end, default: 0] += 1 }
  }
}

/// Waits for a condition; false if it does not hold within a minute.
private func eventually(_ condition: () -> Bool) async throws -> Bool {
  let end = ContinuousClock.now + .seconds(60)
  while !condition() {
    guard ContinuousClock.now < end else { return false }
    try await Task.sleep(for: .milliseconds(5))
  }
  return true
}
