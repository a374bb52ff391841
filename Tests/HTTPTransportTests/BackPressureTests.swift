import HTTPTransport
import HTTPTypes
import SDTestKit
import Testing

@Suite("Back-pressure", .timeLimit(.minutes(5))) struct BackPressureTests {
  @Test func aReaderWhoWaitsHoldsTheSenderBack() async throws {
    let size = 50_000_000
    let server = try ScriptedHTTPServer { _ in .fill(count: size) }
    try await withTransport { transport in
      let response = try await transport.execute(HTTPRequest(url: server.url), body: .none, options: .init())
      #expect(response.body.expectedBytes == Int64(size))
      // With nobody reading, what is sent comes to rest: socket buffers, and the transport's own.
      var (last, still) = (-1, 0)
      #expect(
        try await eventually {
          (last, still) = server.sentBytes == last ? (last, still + 1) : (server.sentBytes, 0)
          return still > 50
        })
      #expect(server.sentBytes < 16_000_000)
      var (count, largest) = (0, 0)
      for try await chunk in response.body {
        #expect(!chunk.isEmpty)
        (count, largest) = (count + chunk.count, max(largest, chunk.count))
        // What was sent and not read yet stays bounded all the way.
        #expect(server.sentBytes - count < 16_000_000)
        await Task.yield()
      }
      #expect(count == size)
      #expect(largest <= CurlTransport.Configuration().bufferedBytes + 65_536)
    }
  }

  @Test func chunksAreInOrderAndComplete() async throws {
    let bytes = UploadTests.pattern(7_000_000)
    let server = try ScriptedHTTPServer { _ in .respond(body: bytes) }
    try await withTransport { transport in
      let response = try await transport.execute(HTTPRequest(url: server.url), body: .none, options: .init())
      var got: [UInt8] = []
      for try await chunk in response.body {
        got += chunk
        if got.count % 3 == 0 { await Task.yield() }
      }
      #expect(got == bytes)
      #expect(try await transport.send(HTTPRequest(url: server.url), upTo: bytes.count).body == bytes)
    }
  }

  @Test func aBodyMayBeReadInPartAndCollectedThen() async throws {
    let bytes = UploadTests.pattern(3_000_000)
    let server = try ScriptedHTTPServer { _ in .respond(body: bytes) }
    try await withTransport { transport in
      let response = try await transport.execute(HTTPRequest(url: server.url), body: .none, options: .init())
      var iterator = response.body.makeAsyncIterator()
      let first = try #require(try await iterator.next())
      let rest = try await response.body.collect(upTo: bytes.count)
      #expect(Array(first) + rest == bytes)
    }
  }

  @Test func whatWasHeldBackCountsForTheCollectorsLimitAtOnce() async throws {
    // More than the transport takes unread, so that libcurl holds the last bytes back; and then no byte more.
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n80000\r\n"
    let held = Array(head.utf8) + UploadTests.pattern(350_000)
    let server = try ScriptedHTTPServer { $0.path == "/held" ? .raw(held).then(.hang) : .respond(body: "ok") }
    try await withTransport { transport in
      let response = try await transport.execute(
        HTTPRequest(url: server.url + "/held"), body: .none, options: .with { $0.stallTimeout = .seconds(60) })
      #expect(try await server.wait { $0.sentBytes >= held.count })
      for _ in 0..<20 { _ = try await transport.send(HTTPRequest(url: server.url), upTo: 10) }
      let error = await failure { () throws(TransportError) in try await response.body.collect(upTo: 340_000) }
      #expect(error?.code == .tooLarge)
    }
  }

  @Test func whatWillBeCollectedIsNotHeldBack() async throws {
    let size = 20_000_000
    let server = try ScriptedHTTPServer { _ in .fill(count: size) }
    try await withTransport { transport in
      let response = try await transport.execute(
        HTTPRequest(url: server.url), body: .none, options: .with { $0.collectsUpTo = size })
      #expect(try await server.wait { $0.sentBytes >= size })
      #expect(try await response.body.collect(upTo: size).count == size)
      let tooLarge = await failure { () throws(TransportError) in
        try await transport.send(HTTPRequest(url: server.url), upTo: size - 1)
      }
      #expect(tooLarge?.code == .tooLarge)
    }
  }

  @Test func aPromiseOfMuchTakesNoMemory() async throws {
    // More than any machine has: believing it would end the program.
    let server = try ScriptedHTTPServer { _ in
      .raw("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999\r\n\r\nabc").then(.close)
    }
    try await withTransport { transport in
      let broken = await failure { () throws(TransportError) in
        try await transport.send(HTTPRequest(url: server.url), upTo: .max)
      }
      #expect(broken?.code == .connectionLost)
    }
  }

  @Test func aSleepingReaderDoesNotStopOthers() async throws {
    let server = try ScriptedHTTPServer { $0.path == "/big" ? .fill(count: 20_000_000) : .respond(body: "ok") }
    try await withTransport { transport in
      let sleeping = try await transport.execute(HTTPRequest(url: server.url + "/big"), body: .none, options: .init())
      for _ in 0..<100 {
        #expect(try await transport.send(HTTPRequest(url: server.url), upTo: 10).body == Array("ok".utf8))
      }
      #expect(try await sleeping.body.collect(upTo: 20_000_000).count == 20_000_000)
    }
  }

  @Test func aSecondReaderAtTheSameTimeIsRefused() async throws {
    let server = try ScriptedHTTPServer { _ in .raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n").then(.hang) }
    try await withTransport { transport in
      let response = try await transport.execute(HTTPRequest(url: server.url), body: .none, options: .init())
      let began = Counter()
      let first = Task {
        began.add()
        return try await response.body.collect(upTo: 9)
      }
      #expect(try await eventually { began.value == 1 })
      // Whichever of the two comes second is refused; both end.
      let second = Task { try await response.body.collect(upTo: 9) }
      await Task.yield()
      first.cancel()
      second.cancel()
      await #expect(throws: TransportError.self) { try await first.value }
      await #expect(throws: TransportError.self) { try await second.value }
    }
  }
}
