import Glibc
import HTTPTransport
import HTTPTypes
import SDTestKit
import Testing

@Suite("Tasks on the transport's thread", .timeLimit(.minutes(5))) struct TaskExecutorTests {
  private static func threadName() -> String {
    guard let file = fopen("/proc/thread-self/comm", "r") else { return "" }
    defer { fclose(file) }
    var name = [UInt8](repeating: 0, count: 32)
    let count = fread(&name, 1, name.count, file)
    return String(decoding: name[..<count].prefix { $0 != 0x0A }, as: UTF8.self)
  }

  @Test func anExchangeNeedsNoOtherThread() async throws {
    let server = try ScriptedHTTPServer { _ in .respond(body: "ok") }
    try await withTransport { transport in
      try await withTaskExecutorPreference(transport.taskExecutor) {
        for _ in 0..<3 {
          #expect(Self.threadName() == "http-transport")
          let answer = try await transport.send(HTTPRequest(url: server.url), upTo: 2)
          #expect(answer.body == Array("ok".utf8))
          #expect(Self.threadName() == "http-transport")
        }
      }
    }
  }

  @Test func manyTasksTakeTurns() async throws {
    let gate = ServerGate()
    let server = try ScriptedHTTPServer { request in
      request.path == "/last" ? .respond(body: "ok") : .respond(body: "ok").after(gate)
    }
    try await withTransport { transport in
      let count = try await withTaskExecutorPreference(transport.taskExecutor) {
        try await withThrowingTaskGroup(of: Int.self) { group in
          for _ in 0..<20 {
            group.addTask { try await transport.send(HTTPRequest(url: server.url), upTo: 2).body.count }
          }
          // All wait for their answers, and this one does not wait for them.
          while gate.waiting < 20 { await Task.yield() }
          _ = try await transport.send(HTTPRequest(url: server.url + "/last"), upTo: 2)
          gate.open()
          return try await group.reduce(0, +)
        }
      }
      #expect(count == 40)
    }
  }

  @Test func aTaskThatNeverRestsHoldsNobodyUp() async throws {
    let server = try ScriptedHTTPServer { _ in .respond(body: "ok") }
    try await withTransport { transport in
      let busy = Task(executorPreference: transport.taskExecutor) {
        while !Task.isCancelled { await Task.yield() }
      }
      for _ in 0..<10 { _ = try await transport.send(HTTPRequest(url: server.url), upTo: 2) }
      busy.cancel()
      await busy.value
    }
  }

  @Test func tasksRunOnAfterTheShutdown() async throws {
    let server = try ScriptedHTTPServer { _ in .hang }
    let transport = CurlTransport()
    let executor = transport.taskExecutor
    let waiting = Task(executorPreference: executor) {
      await failure { () throws(TransportError) in
        try await transport.send(HTTPRequest(url: server.url), upTo: 0)
      }
    }
    #expect(try await server.wait { $0.requests.count == 1 })
    // From within, too.
    await Task(executorPreference: executor) { await transport.shutdown() }.value
    #expect(await waiting.value?.code == .closed)
    let name = await Task(executorPreference: executor) { Self.threadName() }.value
    #expect(name != "http-transport")
  }

  @Test func aTransportThatIsLetGoRunsItsTasksToTheEnd() async throws {
    let server = try ScriptedHTTPServer { _ in .respond(body: "ok") }
    var transport: CurlTransport? = CurlTransport()
    let executor = try #require(transport?.taskExecutor)
    transport = nil
    let task = Task(executorPreference: executor) {
      let other = CurlTransport()
      return try await other.send(HTTPRequest(url: server.url), upTo: 2).body.count
    }
    #expect(try await task.value == 2)
  }
}
