import HTTPTransport
import SDCore
import SDTestKit
import Synchronization
import Testing

@testable import BackendPlugins

@Suite("Watching a web UI engine")
struct WebUIWatchingTests {
  @Test("A1111 and Forge tell progress and can be interrupted")
  func webUI() async throws {
    let engine = try WebUIStandIn.webUI(answer([try picture()]))
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(base: engine.server.url, transport: transport)
      let description = try await backend.describe()
      #expect(description.reportsProgress && description.interrupts)
      #expect(description.loadedModel == "first.safetensors [1111111111]" && description.models.count == 2)
      #expect(description.types == Set(TaskType.allCases).subtracting([.pipeline]))
      #expect(await backend.status() == .ready(busy: false))
      #expect(try await backend.stop())
      // Nothing was asked of it that does something.
      #expect(engine.server.requests.filter { $0.method == "POST" }.map(\.path) == ["/sdapi/v1/server-stop"])
    }
  }

  @Test("sd-server does neither, and is not asked to")
  func stableDiffusionCpp() async throws {
    let gate = ServerGate()
    let engine = try WebUIStandIn.stableDiffusionCpp(answer([try picture()]).after(gate))
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(base: engine.server.url, transport: transport)
      let description = try await backend.describe()
      #expect(!description.reportsProgress && !description.interrupts && description.name == "sd-server")
      #expect(description.types == [.textToImage, .imageToImage])
      #expect(await backend.status() == .ready(busy: nil))
      #expect(try await backend.stop() == false)
      let prepared = try await backend.prepare(.make([:]))
      async let running = backend.run(prepared, onAnswer: {})
      try await eventually("the request is there") { gate.waiting == 1 }
      #expect(try await backend.progress(of: prepared) == nil)
      try await backend.interrupt(prepared)
      gate.open()
      let answer = try await running
      let result = try await answer.finish()
      #expect(result.outputs.count == 1)
      #expect(!engine.server.requests.contains { $0.path.hasSuffix("interrupt") && $0.method == "POST" })
    }
  }

  @Test("An engine that is not there, or not ready, says why")
  func unavailable() async throws {
    try await withTransport { (transport) async throws in
      let cases: [(ScriptedAnswer, String)] = [
        (.respond(status: 401), "credentials"), (.respond(status: 404), "no web UI API"),
        (.respond(status: 500), "500"),
        (.close, "connection"),
      ]
      for (scripted, word) in cases {
        let server = try ScriptedHTTPServer { _ in scripted }
        let status = await WebUIBackend(base: server.url, transport: transport).status()
        guard case .unavailable(let why) = status else {
          Issue.record("\(word): \(status)")
          continue
        }
        #expect(why.contains(word))
      }
      let server = try ScriptedHTTPServer { _ in .close }
      server.stop()
      let backend = WebUIBackend(base: server.url, transport: transport)
      guard case .unavailable = await backend.status() else {
        Issue.record("an engine that is not there is ready")
        return
      }
      #expect((await backend.failure(of: .make([:])))?.code == .engineUnreachable)
    }
  }

  @Test("Progress is told while the request is with the engine, and not of anything else")
  func progress() async throws {
    let gate = ServerGate()
    let engine = try WebUIStandIn.webUI(answer([try picture()], info: info(seeds: [1])).after(gate)) {
      $0.progress = """
        {"progress":0.4,"eta_relative":3.5,"state":{"job":"txt2img","job_count":1,"sampling_step":8,"sampling_steps":20}}
        """
    }
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(base: engine.server.url, transport: transport)
      let prepared = try await backend.prepare(.make([:]))
      #expect(try await backend.progress(of: prepared) == nil)
      #expect(await backend.status() == .ready(busy: true))
      async let running = backend.run(prepared, onAnswer: {})
      try await eventually("the request is there") { gate.waiting == 1 }
      let progress = try await backend.progress(of: prepared)
      #expect(progress == TaskProgress(fraction: 0.4, step: 8, steps: 20, eta: 3.5))
      gate.open()
      _ = try await running
      #expect(try await backend.progress(of: prepared) == nil)
    }
  }

  @Test("What an interrupted engine answers is not taken for a picture; the next request is whole")
  func interrupted() async throws {
    let gate = ServerGate()
    let engine = try WebUIStandIn.webUI(
      answer([try picture()], info: info(seeds: [1])).after(gate), answer([try picture()], info: info(seeds: [1])))
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(base: engine.server.url, transport: transport)
      let prepared = try await backend.prepare(.make([:]))
      async let running = backend.run(prepared, onAnswer: {})
      try await eventually("the request is there") { gate.waiting == 1 }
      try await backend.interrupt(prepared)
      gate.open()
      do {
        _ = try await running
        Issue.record("a partial picture was taken")
      } catch let error as TaskError {
        #expect(error.code == .cancelled && !error.retryable)
      }
      let interrupts = { engine.server.requests.count { $0.method == "POST" && $0.path.hasSuffix("interrupt") } }
      #expect(interrupts() == 1)
      // It is over: an interrupt now would hit somebody else.
      try await backend.interrupt(prepared)
      #expect(interrupts() == 1)
      #expect(try await backend.make(.make([:], attempt: 2)).outputs.count == 1)
    }
  }

  @Test("The engine counts as free from the answer's first byte on, once")
  func onAnswer() async throws {
    let gate = ServerGate()
    let body = JSONValue.object(["images": [.string(Base64.encode(try picture()))]]).text
    let head = "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
    let engine = try WebUIStandIn.webUI(ScriptedAnswer.raw(head).then(.raw(body).after(gate)))
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(base: engine.server.url, transport: transport)
      let prepared = try await backend.prepare(.make([:]))
      let answered = Mutex(0)
      async let running = backend.run(prepared) { answered.withLock { $0 += 1 } }
      try await eventually("the answer has begun") { answered.withLock { $0 } == 1 }
      try await backend.interrupt(prepared)
      #expect(!engine.server.requests.contains { $0.method == "POST" && $0.path.hasSuffix("interrupt") })
      gate.open()
      let answer = try await running
      #expect(answer.byteCount == body.utf8.count)
      _ = try await answer.finish()
      #expect(answered.withLock { $0 } == 1)
    }
  }

  @Test("Cancelling ends the exchange")
  func cancelled() async throws {
    let engine = try WebUIStandIn.webUI(.hang)
    try await withTransport { (transport) async throws in
      let backend = WebUIBackend(base: engine.server.url, transport: transport)
      let prepared = try await backend.prepare(.make([:]))
      // The questions went over several at once, which are kept; the request takes one of them.
      let kept = engine.server.openConnections
      let task = Task { _ = try await backend.run(prepared, onAnswer: {}) }
      try await eventually("the request is there") { engine.server.requests.contains { $0.path.hasSuffix("txt2img") } }
      task.cancel()
      let result = await task.result
      #expect(throws: CancellationError.self) { try result.get() }
      try await eventually("the connection is closed") { engine.server.openConnections < kept }
    }
  }
}
