import Glibc
import HTTPTransport
import HTTPTypes
import MemoryPlugins
import SDCore
import SDTestKit
import ServiceLifecycle
import Synchronization
import Testing

@testable import SDClient
@testable import SDGateway

/// Through a socket, with the client that services use.
@Suite struct ServerTests {
  @Test("A service submits, awaits and downloads in five lines")
  func fiveLines() async throws {
    let house = try House()
    try await withServer(house) { address in
      async let worked: Void = work(house, "t1")
      let path = "/tmp/sd-gateway-test-\(UInt64.random(in: 0...UInt64.max)).png"
      defer { unlink(path) }
      let client = try SDClient(address)
      let task = try await client.submit(
        .init(runtime: "sdruntime", type: .textToImage, content: ["prompt": "a lighthouse"], id: "t1"))
      let done = try await client.wait(task.id)
      #expect(done.state == .succeeded)
      for output in done.outputs { try await client.download(output, to: path) }
      #expect(contents(of: path) == Self.picture)
      #expect(try await client.bytes(of: done.outputs[0]) == Self.picture)
      try await worked
    }
  }

  private static let picture = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

  /// What a worker would do, in its own time.
  private func work(_ house: House, _ id: String) async throws {
    try await eventually("the task") { try await house.system.ledger.latest(TaskKey(id: id)) != nil }
    try await house.work(id) { $0.state = .running }
    try await eventually("somebody who looks on") {
      try await house.system.ledger.isWatched(RunKey(TaskKey(id: id), run: 1))
    }
    try await house.system.ledger.setProgress(TaskProgress(fraction: 0.5), of: RunKey(TaskKey(id: id), run: 1))
    try await house.succeed(id, with: Self.picture)
  }

  @Test(
    "Events come as they happen, and go on after the connection was ended", arguments: [Duration.seconds(900), .zero])
  func events(longest: Duration) async throws {
    let house = try House()
    try await withServer(house, .init(port: 0, longestEventStream: longest)) { address in
      let client = try SDClient(address)
      _ = try await client.submit(.init(runtime: "sdruntime", type: .textToImage, content: [:], id: "t1"))
      var states: [TaskState] = []
      for try await event in client.events("t1") {
        switch event {
        case .state(let task):
          states.append(task.state)
          if task.state == .queued { try await house.work("t1") { $0.state = .running } }
          if task.state == .running { try await house.succeed("t1", with: [1]) }
        case .end(let task): states.append(task.state)
        case .progress, .preview: break
        }
      }
      #expect(states == [.queued, .running, .succeeded])
    }
  }

  @Test("Listing, runtimes, cancelling, and what is refused")
  func calls() async throws {
    let house = try House()
    try await withServer(house) { address in
      let client = try SDClient(address + "/")
      #expect(try await client.runtimes().map(\.name) == ["sdruntime", "sdruntime-job"])
      let task = try await client.submit(.init(runtime: "sdruntime", type: .textToImage, content: [:]), wait: .zero)
      #expect(try await client.tasks(states: [.queued], runtime: "sdruntime", limit: 10).tasks == [task])
      #expect(try await client.cancel(task.id).state == .cancelled)
      #expect(try await client.wait(task.id).state == .cancelled)
      let late = await #expect(throws: SDClientError.self) { try await client.cancel(task.id) }
      #expect(late?.status == 409)
      let refused = await #expect(throws: SDClientError.self) {
        try await client.submit(.init(runtime: "nobody", type: .textToImage, content: [:], id: "a b"))
      }
      #expect(refused?.status == 422 && refused?.problem?.errors.first?.pointer == "/id")
      let absent = await #expect(throws: SDClientError.self) { _ = try await client.wait("nobody") }
      #expect(absent?.status == 404)
    }
  }

  @Test("The older doors answer over HTTP as the references do")
  func legacy() async throws {
    try await withServer(try House()) { address in
      for (path, body, status, answer) in [
        ("/", LegacyDoorTests.reference, 200, nil), ("/v1alpha1", LegacyDoorTests.successor, 200, nil),
        ("/v1alpha2", LegacyDoorTests.task, 200, nil), ("/v1alpha2", [:], 400, "Invalid request format"),
      ] as [(String, JSONValue, Int, String?)] {
        let request = try HTTPRequest(method: .post, url: address + path)
        let (head, bytes) = try await CurlTransport.shared.send(request, body: .bytes(body.serialized()), upTo: 10_000)
        #expect(head.status.code == status)
        if let answer { #expect(String(decoding: bytes, as: UTF8.self) == answer) }
      }
    }
  }

  @Test("A body past the limit is refused, whether its length is told or not")
  func tooLarge() async throws {
    try await withServer(try House(), .init(port: 0, maximumBodyBytes: 1000)) { address in
      let request = try HTTPRequest(method: .post, url: address + "/v1/tasks")
      let told = try await CurlTransport.shared.send(
        request, body: .bytes([UInt8](repeating: 0x20, count: 5000)), upTo: 10_000)
      #expect(told.head.status == .contentTooLarge)
      let untold = try await CurlTransport.shared.send(
        request,
        body: .stream(length: nil) {
          let left = Mutex(5)
          return {
            left.withLock { left in
              guard left > 0 else { return nil }
              left -= 1
              return [UInt8](repeating: 0x20, count: 1000)[...]
            }
          }
        }, upTo: 10_000)
      #expect(untold.head.status == .contentTooLarge)
    }
  }

  @Test("HEAD tells the length and sends nothing; a range sends a part")
  func heads() async throws {
    let house = try House()
    try await withServer(house) { address in
      let client = try SDClient(address)
      _ = try await client.submit(.init(runtime: "sdruntime", type: .textToImage, content: [:], id: "t1"))
      try await house.succeed("t1", with: Self.picture)
      var request = try HTTPRequest(method: .head, url: address + "/v1/tasks/t1/outputs/1")
      let head = try await CurlTransport.shared.send(request, upTo: 1000)
      #expect(head.head.headerFields[.contentLength] == "\(Self.picture.count)" && head.body.isEmpty)
      request.method = .get
      request.headerFields[.range] = "bytes=1000-1999"
      let part = try await CurlTransport.shared.send(request, upTo: 10_000)
      #expect(part.head.status == .partialContent && part.body == Array(Self.picture[1000..<2000]))
    }
  }

  @Test("A request under a foreign host is not answered")
  func host() async throws {
    try await withServer(try House()) { address in
      var request = try HTTPRequest(url: address + "/healthz")
      request.headerFields[.init("Host")!] = "evil.example"
      let answer = try? await CurlTransport.shared.send(request, upTo: 1000)
      #expect(answer.map { $0.head.status.code } == 421)
    }
  }

  @Test("A server that is away is said to be unreachable")
  func unreachable() async throws {
    let client = try SDClient("http://127.0.0.1:1")
    let error = await #expect(throws: SDClientError.self) { _ = try await client.cancel("t1") }
    #expect(error?.code == .unreachable)
    #expect(throws: SDClientError.self) { _ = try SDClient("not an address") }
  }

  @Test("Graceful shutdown ends streams and lets who waits have an answer")
  func shutdown() async throws {
    let house = try House()
    try await withServer(house) { address, stop in
      let client = try SDClient(address)
      async let answer = client.submit(
        .init(runtime: "sdruntime", type: .textToImage, content: [:], id: "t1"), wait: .seconds(60))
      try await eventually("somebody who waits") {
        try await house.system.ledger.isWatched(RunKey(TaskKey(id: "t1"), run: 1))
      }
      await stop()
      #expect(try await answer.state == .queued)
    }
  }

  @Test("A port that is taken is a configuration that cannot work")
  func taken() async throws {
    try await withServer(try House()) { address in
      let port = Int(address.split(separator: ":").last ?? "") ?? 0
      let house = try House()
      let second = Gateway(
        configuration: .init(port: port), services: house.services, logger: house.logger, onReady: { _ in })
      let error = await #expect(throws: SDError.self) { try await second.run() }
      #expect(error?.code == .configuration && error?.message.contains("\(port)") == true)
    }
  }
}

/// Runs a body with a server on a free port, and lets it shut down.
func withServer<Value: Sendable>(
  _ house: House, _ configuration: GatewayConfiguration = .init(port: 0),
  _ body: @Sendable (String) async throws -> Value
) async throws -> Value {
  try await withServer(house, configuration) { address, _ in try await body(address) }
}

func withServer<Value: Sendable>(
  _ house: House, _ configuration: GatewayConfiguration = .init(port: 0),
  _ body: @Sendable (String, @Sendable () async -> Void) async throws -> Value
) async throws -> Value {
  let (ports, port) = AsyncStream.makeStream(of: Int.self)
  let gateway = Gateway(configuration: configuration, services: house.services, logger: house.logger) { port.yield($0) }
  let group = ServiceGroup(configuration: .init(services: [gateway], logger: house.logger))
  return try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask {
      defer { port.finish() }
      try await group.run()
    }
    var iterator = ports.makeAsyncIterator()
    guard let port = await iterator.next() else {
      try await tasks.waitForAll()
      throw SDError(.internal, "the server never listened")
    }
    let value: Value
    do {
      value = try await body("http://127.0.0.1:\(port)") { await group.triggerGracefulShutdown() }
    } catch {
      await group.triggerGracefulShutdown()
      throw error
    }
    await group.triggerGracefulShutdown()
    try await tasks.waitForAll()
    return value
  }
}

private func contents(of path: String) -> [UInt8]? {
  guard let file = fopen(path, "r") else { return nil }
  defer { fclose(file) }
  var bytes = [UInt8](repeating: 0, count: 1 << 20)
  let count = fread(&bytes, 1, bytes.count, file)
  return Array(bytes.prefix(count))
}
