import HTTPTransport
import HTTPTypes
import SDTestKit
import Testing

@Suite("Deadlines and cancellation", .timeLimit(.minutes(5))) struct DeadlineTests {
  @Test func connectDeadline() async throws {
    let deaf = try #require(DeafListener())
    try await withTransport { transport in
      let request = try HTTPRequest(url: "http://127.0.0.1:\(deaf.port)/")
      let error = await failure { () throws(TransportError) in
        try await transport.send(request, upTo: 0, options: .with { $0.connectTimeout = .milliseconds(50) })
      }
      #expect(error?.code == .timeout)
      #expect(error?.message.contains("no connection") == true)
      #expect(error?.requestMayHaveBeenSent == false)
    }
  }

  /// Tries a deadline that leaves the beginning of an exchange enough time, however busy the machine.
  ///
  /// - Parameter body: false if the deadline passed too early to say anything.
  private func withDeadline(_ body: (Duration) async throws -> Bool) async throws {
    for milliseconds in [50, 200, 800, 3200, 12_800] where try await body(.milliseconds(milliseconds)) { return }
    Issue.record("no deadline was long enough")
  }

  @Test func firstByteDeadline() async throws {
    let server = try ScriptedHTTPServer { _ in .interim(100).then(.hang) }
    try await withTransport { transport in
      let request = try HTTPRequest(url: server.url)
      try await withDeadline { (limit: Duration) async throws -> Bool in
        server.forgetRequests()
        let error = await failure { () throws(TransportError) in
          try await transport.send(request, upTo: 0, options: .with { $0.firstByteTimeout = limit })
        }
        #expect(error?.code == .timeout)
        #expect(error?.message.contains("no answer") == true)
        #expect(try await server.wait { $0.openConnections == 0 })
        guard !server.requests.isEmpty else { return false }
        #expect(error?.requestMayHaveBeenSent == true)
        return true
      }
    }
  }

  @Test func firstByteDeadlineEndsWithTheFirstByte() async throws {
    let gate = ServerGate()
    let server = try ScriptedHTTPServer { _ in
      .raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n").then(.raw("ok").after(gate))
    }
    try await withTransport { transport in
      let request = try HTTPRequest(url: server.url)
      try await withDeadline { (limit: Duration) async throws -> Bool in
        let options = TransferOptions.with { $0.firstByteTimeout = limit }
        guard let response = try? await transport.execute(request, body: .none, options: options) else { return false }
        // The deadline of another exchange passes meanwhile: this one's would have, too.
        let late = await failure { () throws(TransportError) in
          try await transport.send(request, upTo: 9, options: .with { $0.totalTimeout = limit * 1.2 })
        }
        #expect(late?.code == .timeout)
        gate.open()
        let body = try await response.body.collect(upTo: 2)
        #expect(body == Array("ok".utf8))
        return true
      }
    }
  }

  @Test func totalDeadlineHoldsForATrickle() async throws {
    let server = try ScriptedHTTPServer { _ in
      .raw("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n").then(.raw("a").then(.hang))
    }
    try await withTransport { transport in
      let request = try HTTPRequest(url: server.url)
      try await withDeadline { (limit: Duration) async throws -> Bool in
        let options = TransferOptions(totalTimeout: limit)
        guard let response = try? await transport.execute(request, body: .none, options: options) else { return false }
        let error = await failure { () throws(TransportError) in try await response.body.collect(upTo: .max) }
        #expect(error?.code == .timeout)
        #expect(error?.message.contains("not complete") == true)
        #expect(try await server.wait { $0.openConnections == 0 })
        return true
      }
    }
  }

  @Test func totalDeadlineHoldsBeforeAConnectionStands() async throws {
    let deaf = try #require(DeafListener())
    try await withTransport { transport in
      let request = try HTTPRequest(url: "http://127.0.0.1:\(deaf.port)/")
      let error = await failure { () throws(TransportError) in
        try await transport.send(request, upTo: 0, options: .init(totalTimeout: .milliseconds(50)))
      }
      #expect(error?.code == .timeout)
      #expect(error?.message.contains("not complete") == true)
    }
  }

  @Test func totalDeadlineHoldsForAReaderWhoSleeps() async throws {
    let server = try ScriptedHTTPServer { _ in .fill(count: 50_000_000) }
    try await withTransport { transport in
      let request = try HTTPRequest(url: server.url)
      try await withDeadline { (limit: Duration) async throws -> Bool in
        let options = TransferOptions(totalTimeout: limit)
        guard let response = try? await transport.execute(request, body: .none, options: options) else { return false }
        #expect(try await server.wait { $0.openConnections == 0 })
        let late = await failure { () throws(TransportError) in try await response.body.collect(upTo: .max) }
        #expect(late?.code == .timeout)
        return true
      }
    }
  }

  @Test func aDeadlineThatHasPassedSendsNothing() async throws {
    let deaf = try #require(DeafListener())
    try await withTransport { transport in
      for limit in [Duration.zero, .seconds(-5), .seconds(Int64.min)] {
        let error = await failure { () throws(TransportError) in
          try await transport.send(
            HTTPRequest(url: "http://127.0.0.1:\(deaf.port)/"), upTo: 0, options: .init(totalTimeout: limit))
        }
        #expect(error?.code == .timeout)
      }
    }
  }

  @Test func hugeDeadlinesDoNotOverflow() async throws {
    let server = try ScriptedHTTPServer { _ in .respond() }
    try await withTransport { transport in
      var options = TransferOptions(totalTimeout: .seconds(Int64.max))
      (options.connectTimeout, options.firstByteTimeout) = (.seconds(Int64.max / 2), .seconds(10_000_000_000))
      let first = try await transport.send(HTTPRequest(url: server.url), upTo: 0, options: options)
      #expect(first.head.status == 200)
      (options.connectTimeout, options.totalTimeout) = (nil, nil)
      let second = try await transport.send(HTTPRequest(url: server.url), upTo: 0, options: options)
      #expect(second.head.status == 200)
    }
  }

  @Test func aTransferThatWaitsForAConnectionKeepsItsDeadline() async throws {
    let server = try ScriptedHTTPServer { _ in .hang }
    var configuration = CurlTransport.Configuration()
    configuration.maximumConnectionsPerHost = 1
    try await withTransport(configuration) { transport in
      let request = try HTTPRequest(url: server.url)
      let first = Task { try await transport.send(request, upTo: 0) }
      #expect(try await server.wait { $0.requests.count == 1 })
      let error = await failure { () throws(TransportError) in
        try await transport.send(request, upTo: 0, options: .init(totalTimeout: .milliseconds(50)))
      }
      #expect(error?.code == .timeout)
      #expect(error?.requestMayHaveBeenSent == false)
      first.cancel()
      #expect(await codeOf(first) == .cancelled)
    }
  }

  // MARK: Cancellation

  private func codeOf<Value: Sendable>(_ task: Task<Value, any Error>) async -> TransportError.Code? {
    do {
      _ = try await task.value
      return nil
    } catch { return (error as? TransportError)?.code }
  }

  @Test func cancelWhileConnecting() async throws {
    let deaf = try #require(DeafListener())
    try await withTransport { transport in
      let request = try HTTPRequest(url: "http://127.0.0.1:\(deaf.port)/")
      let task = Task { try await transport.send(request, upTo: 0) }
      await Task.yield()
      task.cancel()
      #expect(await codeOf(task) == .cancelled)
    }
  }

  @Test func cancelBeforeTheBeginning() async throws {
    let server = try ScriptedHTTPServer { _ in .hang }
    try await withTransport { transport in
      let request = try HTTPRequest(url: server.url)
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return try await transport.send(request, upTo: 0)
      }
      #expect(await codeOf(task) == .cancelled)
      #expect(try await server.wait { $0.openConnections == 0 })
    }
  }

  @Test func cancelWhileTheAnswerIsAwaited() async throws {
    let server = try ScriptedHTTPServer { _ in .hang }
    try await withTransport { transport in
      let request = try HTTPRequest(url: server.url)
      let task = Task { try await transport.send(request, upTo: 0) }
      #expect(try await server.wait { $0.requests.count == 1 })
      task.cancel()
      #expect(await codeOf(task) == .cancelled)
      #expect(try await server.wait { $0.openConnections == 0 })
    }
  }

  @Test(arguments: [true, false]) func cancelWhileTheBodyIsRead(_ collects: Bool) async throws {
    let server = try ScriptedHTTPServer { _ in
      .raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc").then(.hang)
    }
    try await withTransport { transport in
      let reading = Counter()
      let request = try HTTPRequest(url: server.url)
      let task = Task {
        let response = try await transport.execute(request, body: .none, options: .init())
        reading.add()
        if collects { return try await response.body.collect(upTo: 100).count }
        var count = 0
        for try await chunk in response.body { count += chunk.count }
        return count
      }
      #expect(try await eventually { reading.value == 1 })
      task.cancel()
      #expect(await codeOf(task) == .cancelled)
      #expect(try await server.wait { $0.openConnections == 0 })
    }
  }

  @Test func cancelDuringTheUpload() async throws {
    let server = try ScriptedHTTPServer { _ in .respond() }
    try await withTransport { transport in
      let waiting = Counter()
      let cancelled = Counter()
      let body = RequestBody.stream(length: nil) {
        let made = Counter()
        return {
          if made.add() <= 3 { return [1, 2, 3] }
          waiting.add()
          defer { if Task.isCancelled { cancelled.add() } }
          try await Task.sleep(for: .seconds(600))
          return nil
        }
      }
      let request = try HTTPRequest(method: .put, url: server.url)
      let task = Task { try await transport.execute(request, body: body, options: .init()) }
      #expect(try await eventually { waiting.value == 1 })
      task.cancel()
      #expect(await codeOf(task) == .cancelled)
      #expect(try await eventually { cancelled.value == 1 })
      #expect(try await server.wait { $0.openConnections == 0 })
      #expect(server.requests.isEmpty)
    }
  }

  @Test func aDroppedBodyEndsTheExchange() async throws {
    let server = try ScriptedHTTPServer { _ in .fill(count: 1 << 30) }
    try await withTransport { transport in
      _ = try await transport.execute(HTTPRequest(url: server.url), body: .none, options: .init())
      #expect(try await server.wait { $0.acceptedConnections == 1 && $0.openConnections == 0 })
      #expect(server.sentBytes < 100_000_000)
    }
  }
}
