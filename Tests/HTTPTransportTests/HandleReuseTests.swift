import HTTPTransport
import HTTPTypes
import SDTestKit
import Synchronization
import Testing

/// libcurl's handles keep what was set on them; the transport sets only what differs from exchange to exchange.
@Suite("A handle that is used again", .timeLimit(.minutes(5))) struct HandleReuseTests {
  struct Kind: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var method = HTTPRequest.Method.get
    var body = RequestBody.none
    var headers: HTTPFields = [:]
    var decompresses = false
    var path = "/a"
    /// The answer ends before it is whole.
    var isCutShort = false
  }

  static let kinds = [
    Kind(testDescription: "GET"),
    Kind(testDescription: "HEAD", method: .head),
    Kind(testDescription: "DELETE that takes compressed answers", method: .delete, decompresses: true),
    Kind(testDescription: "POST without a body", method: .post),
    Kind(
      testDescription: "POST of a few bytes", method: .post, body: .bytes(Array("few".utf8)), headers: [.accept: "*/*"]),
    Kind(testDescription: "PUT of many bytes", method: .put, body: .bytes(UploadTests.pattern(100_000))),
    Kind(
      testDescription: "PUT of unknown length", method: .put,
      body: .stream(length: nil, source: UploadTests.source(Array("unknown".utf8), chunk: 3)), path: "/b?c"),
    Kind(testDescription: "PATCH whose answer is cut short", method: .patch, body: .bytes([7]), isCutShort: true),
  ]

  private func send(_ kind: Kind, to server: ScriptedHTTPServer, with transport: CurlTransport) async throws
    -> RecordedRequest
  {
    var request = try HTTPRequest(method: kind.method, url: server.url + kind.path, headerFields: kind.headers)
    if kind.isCutShort { request.headerFields[try #require(.init("X-Cut"))] = "yes" }
    let options = TransferOptions.with { $0.decompresses = kind.decompresses }
    let error = await failure { () throws(TransportError) in
      try await transport.send(request, body: kind.body, upTo: 100, options: options)
    }
    #expect((error?.code == .connectionLost) == kind.isCutShort, "\(String(describing: error))")
    return try #require(server.requests.last)
  }

  private func makeServer() throws -> ScriptedHTTPServer {
    try ScriptedHTTPServer { request in
      if request.header("x-cut") != nil { return .respond(body: "cut short").cut(after: 3) }
      return .respond(body: request.method == "HEAD" ? "" : "fine")
    }
  }

  @Test(arguments: kinds, kinds) func remembersNothing(_ first: Kind, _ second: Kind) async throws {
    let alone = try await withTransport { try await send(second, to: makeServer(), with: $0) }
    let server = try makeServer()
    let after = try await withTransport { transport in
      _ = try await send(first, to: server, with: transport)
      return try await send(second, to: server, with: transport)
    }
    func fields(_ request: RecordedRequest) -> [String] {
      request.headers.filter { $0.name != "Host" }.map { "\($0.name): \($0.value)" }
    }
    #expect(after.method == alone.method)
    #expect(after.target == alone.target)
    #expect(fields(after) == fields(alone))
    #expect(after.body == alone.body)
  }

  /// libcurl counts how often it sent a request again over all exchanges of a handle, up to five.
  @Test func aDeadConnectionIsNoHurdleHoweverManyThereWere() async throws {
    let count = Mutex(0)
    let server = try ScriptedHTTPServer { _ in
      // Every kept connection is closed when it is used again.
      count.withLock { count in
        count += 1
        return count.isMultiple(of: 2) ? .close : .respond()
      }
    }
    try await withTransport { transport in
      for _ in 0..<12 {
        let answer = try await transport.send(HTTPRequest(url: server.url), upTo: 0)
        #expect(answer.head.status == 200)
      }
    }
    #expect(count.withLock { $0 } == 23)
  }
}
