import HTTPTransport
import SDTestKit
import Synchronization
import Testing

@testable import AWSKit

/// Faults 14 to 16: what S3 and the network do while objects are written.
struct S3FaultTests {
  let time = ManualTime()

  /// A bucket that commits what it is told to before it fails.
  final class Bucket: Sendable {
    struct State {
      var objects: [String: [UInt8]] = [:]
      var writes = 0
      var aborted: [String] = []
    }

    let state = Mutex(State())

    var objects: [String: [UInt8]] { state.withLock { $0.objects } }

    /// Stores a PUT, obeying `If-None-Match: *`.
    func put(_ request: RecordedRequest) -> ScriptedAnswer {
      state.withLock { state in
        state.writes += 1
        if request.header("if-none-match") == "*", state.objects[request.path] != nil {
          return .respond(status: 412, body: "<Error><Code>PreconditionFailed</Code></Error>")
        }
        state.objects[request.path] = request.body
        return .respond(headers: [("ETag", "\"\(request.body.count)\"")])
      }
    }
  }

  func s3(_ server: ScriptedHTTPServer, _ change: (inout AWSConfiguration) -> Void = { _ in }) throws -> S3 {
    try S3(.testing(server, time: time, change))
  }

  // MARK: 14

  @Test func fault14SlowDownIsWaitedOut() async throws {
    let slow = ScriptedAnswer.respond(
      status: 503, headers: [("x-amz-request-id", "r")], body: "<Error><Code>SlowDown</Code></Error>")
    let server = try ScriptedHTTPServer(answers: [slow, slow, slow, .respond(headers: [("ETag", "\"e\"")])])
    let written = try await s3(server) { $0.retry.maximumAttempts = 5 }
      .putObject(.init(bucket: "b", key: "k", body: .bytes([1, 2, 3])))
    #expect(written.eTag == "\"e\"" && server.requests.map(\.body) == Array(repeating: [1, 2, 3], count: 4))
    // Half of 1, 2 and 4 s: throttling is waited out longer than a broken connection.
    #expect(time.sleeps == [.milliseconds(500), .seconds(1), .seconds(2)])
  }

  @Test func fault14AStormIsCappedByTheQuota() async throws {
    let server = try ScriptedHTTPServer { _ in
      .respond(status: 503, body: "<Error><Code>SlowDown</Code></Error>")
    }
    let s3 = try s3(server)
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<200 {
        group.addTask {
          await #expect(throws: AWSError.self) { try await s3.headObject(.init(bucket: "b", key: "\(number)")) }
        }
      }
    }
    // HEAD has no body that would say SlowDown: 503 alone counts as an outage, and costs more of the quota of 500.
    #expect(server.requests.count == 200 + 500 / 14)
  }

  // MARK: 15

  @Test func fault15ARetryAfterACommitGivesTheSameObject() async throws {
    let bucket = Bucket()
    let server = try ScriptedHTTPServer { request in
      let answer = bucket.put(request)
      return bucket.state.withLock { $0.writes } == 1 ? .reset : answer
    }
    let written = try await s3(server).putObject(.init(bucket: "b", key: "k", body: .bytes([1, 2, 3])))
    #expect(bucket.objects == ["/b/k": [1, 2, 3]] && written.eTag == "\"3\"")
    let requests = server.requests
    #expect(requests.count == 2 && requests[0].body == requests[1].body)
    #expect(requests[0].header("x-amz-checksum-crc32") == requests[1].header("x-amz-checksum-crc32"))
  }

  @Test func fault15AConditionThatItsOwnCommitHasBrokenIsTold() async throws {
    let bucket = Bucket()
    let server = try ScriptedHTTPServer { request in
      let answer = bucket.put(request)
      return bucket.state.withLock { $0.writes } == 1 ? .reset : answer
    }
    let error = await #expect(throws: AWSError.self) {
      try await s3(server).putObject(.init(bucket: "b", key: "k", body: .bytes([7]), conditions: .ifAbsent))
    }
    // The caller reads the object back: whose it is, only its bytes can tell.
    #expect(error?.status == 412 && error?.attempts == 2 && bucket.objects == ["/b/k": [7]])
  }

  @Test(arguments: ["ConditionalRequestConflict", "OperationAborted"])
  func fault15AConflictIsJudgedAgain(code: String) async throws {
    let server = try ScriptedHTTPServer(answers: [
      .respond(status: 409, body: "<Error><Code>\(code)</Code></Error>"), .respond(headers: [("ETag", "\"e\"")]),
    ])
    let input = S3.PutObjectInput(bucket: "b", key: "k", body: .bytes([1]), conditions: .init(ifMatch: "\"old\""))
    #expect(try await s3(server).putObject(input).eTag == "\"e\"")
    #expect(server.requests.map { $0.header("if-match") } == ["\"old\"", "\"old\""])
  }

  // MARK: 16

  @Test func fault16ADroppedPutLeavesNoObject() async throws {
    let bucket = Bucket()
    let server = try ScriptedHTTPServer(onHead: { _ in .reset }) { bucket.put($0) }
    let body = RequestBody.bytes([UInt8](repeating: 1, count: 3 << 20))
    let error = await #expect(throws: AWSError.self) {
      try await s3(server).putObject(.init(bucket: "b", key: "k", body: body))
    }
    #expect(error?.code == .connection && error?.attempts == 3 && bucket.objects.isEmpty)
  }

  /// A multipart upload whose second part the server treats as it is told.
  func multipart(_ bucket: Bucket, second: @escaping @Sendable () -> ScriptedAnswer?) throws -> ScriptedHTTPServer {
    try ScriptedHTTPServer(
      onHead: { request in
        request.method == "PUT" && request.query?.contains("partNumber=2&") == true ? second() : nil
      },
      { request in
        switch (request.method, request.query) {
        case ("POST", "uploads"): return .respond(body: "<R><UploadId>up</UploadId></R>")
        case ("DELETE", let query):
          bucket.state.withLock { $0.aborted.append(query ?? "") }
          return .respond(status: 204)
        case ("POST", _):
          return bucket.state.withLock { state in
            state.objects[request.path] = []
            return .respond(body: "<R><ETag>\"all\"</ETag></R>")
          }
        default: return .respond(headers: [("ETag", "\"part\"")])
        }
      })
  }

  @Test func fault16AnUploadWhoseConnectionsDropIsAborted() async throws {
    let bucket = Bucket()
    let server = try multipart(bucket) { .reset }
    let body = RequestBody.bytes([UInt8](repeating: 1, count: 11 << 20))
    let error = await #expect(throws: AWSError.self) {
      try await s3(server).upload(.init(bucket: "b", key: "k", body: body), partSize: 5 << 20)
    }
    #expect(error?.code == .connection && bucket.objects.isEmpty)
    #expect(bucket.state.withLock { $0.aborted } == ["uploadId=up"])
  }

  @Test func fault16AnUploadThatIsCancelledIsAborted() async throws {
    let bucket = Bucket()
    let server = try multipart(bucket) { .hang }
    let s3 = try s3(server)
    let task = Task {
      try await s3.upload(
        .init(bucket: "b", key: "k", body: .bytes([UInt8](repeating: 1, count: 11 << 20))), partSize: 5 << 20)
    }
    #expect(try await server.wait { $0.requests.contains { $0.query?.contains("partNumber=2&") == true } })
    task.cancel()
    let result = await task.result
    #expect(throws: AWSError.self) { try result.get() }
    // It was waited for: nothing is left behind once the caller goes on.
    #expect(bucket.state.withLock { $0.aborted } == ["uploadId=up"] && bucket.objects.isEmpty)
  }
}
