import HTTPTransport
import HTTPTypes
import SDTestKit
import Synchronization
import Testing

/// What takes long is no fault as long as it moves; what does not move is.
@Suite("Stalls", .timeLimit(.minutes(5))) struct StallTests {
  /// Tries a limit that leaves the beginning of an exchange enough time, however busy the machine.
  ///
  /// - Parameter body: false if the limit passed too early to say anything.
  private func withLimit(_ body: (Duration) async throws -> Bool) async throws {
    for milliseconds in [50, 200, 800, 3200, 12_800] where try await body(.milliseconds(milliseconds)) { return }
    Issue.record("no limit was long enough")
  }

  /// Lets a limit, and half as much again, pass on the transport's own clock.
  private static func pass(_ limit: Duration, _ transport: CurlTransport) async throws {
    let server = try ScriptedHTTPServer { _ in .hang }
    let request = try HTTPRequest(url: server.url)
    let late = await failure { () throws(TransportError) in
      try await transport.send(request, upTo: 0, options: .init(totalTimeout: limit * 1.5))
    }
    #expect(late?.code == .timeout)
  }

  @Test func anAnswerThatStallsIsATimeout() async throws {
    let server = try ScriptedHTTPServer { _ in
      .raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc").then(.hang)
    }
    try await withTransport { transport in
      let request = try HTTPRequest(url: server.url)
      try await withLimit { (limit: Duration) async throws -> Bool in
        let options = TransferOptions.with { $0.stallTimeout = limit }
        guard let response = try? await transport.execute(request, body: .none, options: options) else { return false }
        let error = await failure { () throws(TransportError) in try await response.body.collect(upTo: 100) }
        #expect(error?.code == .timeout)
        #expect(error?.message.contains("no byte moved") == true)
        #expect(try await server.wait { $0.openConnections == 0 })
        return true
      }
    }
  }

  @Test func aReaderWhoRestsIsNoStall() async throws {
    let server = try ScriptedHTTPServer { _ in .fill(count: 20_000_000) }
    try await withTransport { transport in
      let request = try HTTPRequest(url: server.url)
      try await withLimit { (limit: Duration) async throws -> Bool in
        let options = TransferOptions.with { $0.stallTimeout = limit }
        guard let response = try? await transport.execute(request, body: .none, options: options) else { return false }
        try await Self.pass(limit, transport)
        return (try? await response.body.collect(upTo: .max).count) == 20_000_000
      }
    }
  }

  @Test func anAnswerThatIsAwaitedIsNoStall() async throws {
    let gate = ServerGate()
    let server = try ScriptedHTTPServer { _ in .respond(body: "x").after(gate) }
    try await withTransport { transport in
      let limit = Duration.milliseconds(20)
      let request = try HTTPRequest(method: .put, url: server.url)
      let answer = Task {
        try await transport.send(
          request, body: .bytes(UploadTests.pattern(200_000)), upTo: 1, options: .with { $0.stallTimeout = limit * 500 }
        )
      }
      #expect(try await eventually { gate.waiting == 1 })
      let short = Task {
        try await transport.send(request, body: .none, upTo: 1, options: .with { $0.stallTimeout = limit })
      }
      #expect(try await eventually { gate.waiting == 2 })
      try await Self.pass(limit * 3, transport)
      gate.open()
      #expect(try await answer.value.head.status == 200)
      #expect(try await short.value.head.status == 200)
    }
  }

  @Test(arguments: [true, false])
  func aPeerWhoTakesNoMoreOfABodyIsATimeout(_ isStall: Bool) async throws {
    let gate = ServerGate()
    let server = try ScriptedHTTPServer(onHead: { _ in .raw("").after(gate) }) { _ in .respond() }
    defer { gate.open() }
    let body = RequestBody.bytes([UInt8](repeating: 7, count: 50_000_000))
    try await withTransport { transport in
      let request = try HTTPRequest(method: .put, url: server.url)
      try await withLimit { (limit: Duration) async throws -> Bool in
        let before = server.acceptedConnections
        let error = await failure { () throws(TransportError) in
          let options = TransferOptions.with {
            if isStall { $0.stallTimeout = limit } else { $0.firstByteTimeout = limit }
          }
          return try await transport.send(request, body: body, upTo: 0, options: options)
        }
        #expect(error?.code == .timeout)
        #expect(error?.message.contains(isStall ? "no byte moved" : "no answer") == true)
        return server.acceptedConnections > before && error?.requestMayHaveBeenSent == true
      }
    }
  }

  @Test func theFirstByteIsCountedFromTheEndOfTheBody() async throws {
    let server = try ScriptedHTTPServer { request in request.path == "/hang" ? .hang : .respond() }
    try await withTransport { transport in
      try await withLimit { (limit: Duration) async throws -> Bool in
        // A body that takes longer to be made than the answer may take to come.
        let body = RequestBody.stream(length: 200_000) {
          let left = Mutex([UploadTests.pattern(200_000)[..<100_000], UploadTests.pattern(200_000)[100_000...]])
          return {
            let chunk = left.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if chunk?.startIndex == 100_000 { try await Self.pass(limit, transport) }
            return chunk
          }
        }
        let options = TransferOptions.with { $0.firstByteTimeout = limit }
        func send(_ path: String) async -> TransportError? {
          await failure { () throws(TransportError) in
            let request = try HTTPRequest(method: .put, url: server.url + path)
            return try await transport.send(request, body: body, upTo: 0, options: options)
          }
        }
        guard await send("/answers") == nil else { return false }
        #expect(server.requests.last?.body == UploadTests.pattern(200_000))
        let error = await send("/hang")
        #expect(error?.code == .timeout && error?.message.contains("no answer") == true)
        return true
      }
    }
  }

  @Test func anUploadTakesAsLongAsItMoves() async throws {
    // The peer takes a part of the body each time that the limit has half passed.
    let size = 40_000_000
    try await withTransport { transport in
      try await withLimit { (limit: Duration) async throws -> Bool in
        let parts = Counter()
        let pace = Mutex<ServerGate?>(nil)
        let server = try ScriptedHTTPServer(onHead: { _ in
          .converse { peer in
            var taken = 0
            while taken < size, let bytes = peer.receive() {
              if taken / 8_000_000 != (taken + bytes.count) / 8_000_000 {
                let gate = ServerGate()
                pace.withLock { $0 = gate }
                parts.add()
                peer.wait(for: gate)
              }
              taken += bytes.count
            }
            peer.send(Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".utf8))
          }
        }) { _ in .respond() }
        let request = try HTTPRequest(method: .put, url: server.url)
        let sent = Task {
          try await transport.send(
            request, body: .bytes([UInt8](repeating: 7, count: size)), upTo: 0,
            options: .with { ($0.stallTimeout, $0.firstByteTimeout) = (limit, limit) })
        }
        for part in 1...5 {
          guard try await eventually(within: limit * 2, { parts.value >= part }) else {
            sent.cancel()
            break
          }
          try await Self.pass(limit / 3, transport)
          pace.withLock { $0?.open() }
        }
        return (try? await sent.value.head.status) == 200
      }
    }
  }
}
