import HTTPTransport
import HTTPTypes
import SDTestKit
import Testing

@Suite("A transport's lifetime", .timeLimit(.minutes(5))) struct LifetimeTests {
  @Test func shutdownEndsWhatIsGoingOn() async throws {
    let server = try ScriptedHTTPServer { $0.path == "/big" ? .fill(count: 50_000_000) : .hang }
    let transport = CurlTransport()
    let big = try await transport.execute(HTTPRequest(url: server.url + "/big"), body: .none, options: .init())
    let tasks = try (0..<20).map { _ in
      let request = try HTTPRequest(url: server.url)
      return Task { await failure { () throws(TransportError) in try await transport.send(request, upTo: 0) } }
    }
    #expect(try await server.wait { $0.requests.count == 21 })
    await transport.shutdown()
    for task in tasks { #expect(await task.value?.code == .closed) }
    let cut = await failure { () throws(TransportError) in try await big.body.collect(upTo: .max) }
    #expect(cut?.code == .closed)
    #expect(try await server.wait { $0.openConnections == 0 })
    let late = await failure { () throws(TransportError) in
      try await transport.send(HTTPRequest(url: server.url), upTo: 0)
    }
    #expect(late?.code == .closed)
    #expect(late?.requestMayHaveBeenSent == false)
    await transport.shutdown()
  }

  @Test func shutdownWithoutAnyExchangeReturns() async {
    let transport = CurlTransport()
    await transport.shutdown()
    await transport.shutdown()
  }

  @Test func aBodyOutlivesItsTransport() async throws {
    let server = try ScriptedHTTPServer { _ in .fill(count: 10_000_000) }
    var transport: CurlTransport? = CurlTransport()
    let response = try await transport?.execute(HTTPRequest(url: server.url), body: .none, options: .init())
    transport = nil
    #expect(try await response?.body.collect(upTo: .max).count == 10_000_000)
    #expect(try await server.wait { $0.openConnections == 0 })
  }

  @Test func idleConnectionsAreClosedAfterTheirTime() async throws {
    let server = try ScriptedHTTPServer { _ in .respond() }
    var configuration = CurlTransport.Configuration()
    configuration.idleTimeout = .milliseconds(50)
    try await withTransport(configuration) { transport in
      for number in 1...3 {
        _ = try await transport.send(HTTPRequest(url: server.url), upTo: 0)
        #expect(try await server.wait { $0.acceptedConnections == number && $0.openConnections == 0 })
      }
    }
  }

  @Test func keptConnectionsAreBounded() async throws {
    let gate = ServerGate()
    let server = try ScriptedHTTPServer { _ in .respond().after(gate) }
    var configuration = CurlTransport.Configuration()
    configuration.maximumIdleConnections = 4
    try await withTransport(configuration) { transport in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<20 {
          let request = try HTTPRequest(url: server.url)
          group.addTask { _ = try await transport.send(request, upTo: 0) }
        }
        #expect(try await eventually { gate.waiting == 20 })
        gate.open()
        try await group.waitForAll()
      }
      #expect(try await server.wait { $0.openConnections <= 4 })
    }
  }

  // The rest counts what a process holds, so it needs one of its own.

  @Test func aDroppedTransportLeavesNothingBehind() async {
    await #expect(processExitsWith: .success) {
      let server = try ScriptedHTTPServer { _ in .respond(body: "x") }
      // Once beforehand: what a process opens once for all is not counted.
      try await withTransport { _ = try await $0.send(HTTPRequest(url: server.url), upTo: 1) }
      #expect(try await server.wait { $0.openConnections == 0 })
      #expect(try await eventually { OwnProcess.threads < 20 })
      let descriptors = OwnProcess.descriptors
      for _ in 0..<50 {
        var transport: CurlTransport? = CurlTransport()
        _ = try await transport?.send(HTTPRequest(url: server.url), upTo: 1)
        transport = nil
      }
      #expect(try await server.wait { $0.acceptedConnections == 51 && $0.openConnections == 0 })
      #expect(try await eventually { OwnProcess.descriptors <= descriptors })
      #expect(try await eventually { OwnProcess.threads < 20 })
    }
  }

  @Test func everyKindOfEndLeavesNothingBehind() async {
    await #expect(processExitsWith: .success) {
      let server = try ScriptedHTTPServer { request in
        switch request.path {
        case "/hang": .hang
        case "/reset": .reset
        case "/cut": .respond(body: "0123456789").cut(after: 3)
        case "/big": .fill(count: 2_000_000)
        default: .respond(body: "ok")
        }
      }
      @Sendable func round(_ transport: CurlTransport, _ index: Int) async {
        let path = ["/hang", "/reset", "/cut", "/big", "/drop", "/up", "/ok"][index % 7]
        guard let request = try? HTTPRequest(method: path == "/up" ? .put : .get, url: server.url + path) else {
          return
        }
        _ = await failure { () throws(TransportError) in
          switch path {
          case "/hang": _ = try await transport.send(request, upTo: 0, options: .init(totalTimeout: .milliseconds(5)))
          case "/drop": _ = try await transport.execute(request, body: .none, options: .init())
          case "/up":
            _ = try await transport.send(
              request, body: .file(path: "/proc/self/exe", offset: 0, length: 2000), upTo: 100)
          case "/big" where index % 2 == 0:
            let task = Task {
              await failure { () throws(TransportError) in try await transport.send(request, upTo: .max) }
            }
            task.cancel()
            _ = await task.value
          default: _ = try await transport.send(request, upTo: 4_000_000)
          }
        }
      }
      @Sendable func rounds(_ transport: CurlTransport, _ count: Int) async {
        await withTaskGroup(of: Void.self) { group in
          for worker in 0..<4 { group.addTask { for index in 0..<count { await round(transport, worker + index) } } }
        }
      }
      let transport = CurlTransport()
      await rounds(transport, 100)
      let resident = OwnProcess.residentBytes
      await rounds(transport, 500)
      let grown = OwnProcess.residentBytes - resident
      #expect(grown < 8_000_000 || OwnProcess.isSanitized)
      await transport.shutdown()
      #expect(try await server.wait { $0.openConnections == 0 })
      let descriptors = OwnProcess.descriptors
      let second = CurlTransport()
      await rounds(second, 100)
      await second.shutdown()
      #expect(try await server.wait { $0.openConnections == 0 })
      #expect(try await eventually { OwnProcess.descriptors <= descriptors })
    }
  }

  @Test func aBigBodyReadSlowlyNeedsLittleMemory() async {
    await #expect(processExitsWith: .success) {
      let size = 50_000_000
      let server = try ScriptedHTTPServer { _ in .fill(count: size) }
      try await withTransport { transport in
        let before = OwnProcess.residentBytes
        var peak = before
        let response = try await transport.execute(HTTPRequest(url: server.url), body: .none, options: .init())
        var count = 0
        for try await chunk in response.body {
          count += chunk.count
          for _ in 0..<10 { await Task.yield() }
          peak = max(peak, OwnProcess.residentBytes)
        }
        #expect(count == size)
        #expect(peak - before < 16_000_000 || OwnProcess.isSanitized)
      }
    }
  }
}
