import HTTPTypes
import SDTestKit
import Synchronization
import Testing

@testable import HTTPTransport

@Suite("WebSockets", .timeLimit(.minutes(2))) struct WebSocketTests {
  private func connect(
    _ server: ScriptedHTTPServer, path: String = "/ws?a=b", _ change: (inout WebSocket.Options) -> Void = { _ in }
  ) async throws -> WebSocket {
    var options = WebSocket.Options()
    options.proxies = ProxySettings()
    change(&options)
    return try await WebSocket.connect(
      HTTPRequest(url: server.url + path, headerFields: [.authorization: "Basic eA=="]), options: options)
  }

  private func failure(_ body: () async throws -> Void) async -> TransportError? {
    do {
      try await body()
      return nil
    } catch {
      return error as? TransportError
    }
  }

  @Test func messagesTravelBothWays() async throws {
    let server = try ScriptedHTTPServer { request in
      WebSocketPeer.answer(to: request) { peer in
        while let frame = peer.receive(), frame.opcode < 8 {
          peer.send(text: frame.isMasked ? "masked" : "bare")
          peer.send(opcode: frame.opcode, frame.payload)
        }
      }
    }
    let socket = try await connect(server)
    let seen = try #require(server.requests.first)
    #expect(seen.target == "/ws?a=b" && seen.header("authorization") == "Basic eA==")
    #expect(seen.header("sec-websocket-version") == "13" && seen.header("host") == "127.0.0.1:\(server.port)")
    for message in [
      WebSocket.Message.text("grüß"), .text(""), .binary([0, 255, 1]), .binary(.init(repeating: 7, count: 300)),
      .binary((0..<200_000).map { UInt8(truncatingIfNeeded: $0) }),
    ] {
      try socket.send(message)
      #expect(try await socket.receive() == .text("masked"))
      #expect(try await socket.receive() == message)
    }
  }

  @Test func messagesInPartsAndPingsBetweenThem() async throws {
    let pongs = Mutex<[[UInt8]]>([])
    let server = try ScriptedHTTPServer { request in
      WebSocketPeer.answer(to: request) { peer in
        peer.send(opcode: 1, Array("one ".utf8), isFinal: false)
        peer.send(opcode: 9, [4, 2])
        peer.send(opcode: 0, Array("two ".utf8), isFinal: false)
        peer.send(opcode: 10, [])
        peer.send(opcode: 0, Array("three".utf8))
        while let frame = peer.receive() {
          guard frame.opcode == 10 else { continue }
          pongs.withLock { $0.append(frame.payload) }
          return
        }
      }
    }
    let socket = try await connect(server)
    #expect(try await socket.receive() == .text("one two three"))
    #expect(try await eventually { pongs.withLock { $0 } == [[4, 2]] })
  }

  @Test func aCloseFrameIsTheEndInGoodOrder() async throws {
    let codes = Mutex<[[UInt8]]>([])
    let server = try ScriptedHTTPServer { request in
      WebSocketPeer.answer(to: request) { peer in
        peer.send(text: "last")
        peer.send(opcode: 8, [3, 233])
        if let frame = peer.receive() { codes.withLock { $0.append(frame.payload) } }
      }
    }
    let socket = try await connect(server)
    #expect(try await socket.receive() == .text("last"))
    #expect(try await socket.receive() == nil)
    #expect(try await socket.receive() == nil)
    #expect(try await eventually { codes.withLock { $0 } == [[3, 233]] })
  }

  @Test func droppingTheConnectionClosesIt() async throws {
    let frames = Mutex<[UInt8]>([])
    let server = try ScriptedHTTPServer { request in
      WebSocketPeer.answer(to: request) { peer in
        while let frame = peer.receive() { frames.withLock { $0.append(frame.opcode) } }
      }
    }
    let threads = OwnProcess.threads
    do {
      let socket = try await connect(server)
      try socket.send(.text("bye"))
    }
    #expect(try await eventually { frames.withLock { $0 } == [1, 8] })
    #expect(try await eventually { server.openConnections == 0 })
    #expect(try await eventually { OwnProcess.threads <= threads + 1 })
  }

  @Test func aBrokenConnectionIsAnError() async throws {
    let server = try ScriptedHTTPServer { request in
      WebSocketPeer.answer(to: request) { peer in peer.send(raw: [0x81, 5, 1]) }
    }
    let socket = try await connect(server)
    #expect(await failure { _ = try await socket.receive() }?.code == .connectionLost)
  }

  @Test(
    arguments: [
      [0xC1, 0], [0x83, 0], [0x81, 0x81, 0, 0, 0, 0, 0], [0x09, 0], [0x89, 126, 0, 126], [0x80, 0],
      [0x81, 126, 0, 1, 65],
      [0x01, 1, 65, 0x81, 1, 66], [0x81, 1, 0xFF], [0x88, 1, 3],
      [0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], [0x82, 127, 0, 0, 0, 0, 0x7F, 0, 0, 0],
    ] as [[UInt8]])
  func whatBreaksTheRulesEndsTheConnection(bytes: [UInt8]) async throws {
    let frames = Mutex<[UInt8]>([])
    let server = try ScriptedHTTPServer { request in
      WebSocketPeer.answer(to: request) { peer in
        peer.send(raw: bytes)
        while let frame = peer.receive() { frames.withLock { $0.append(frame.opcode) } }
      }
    }
    let socket = try await connect(server)
    #expect(await failure { _ = try await socket.receive() }?.code == .connectionLost)
    #expect(try await eventually { frames.withLock { $0 } == [8] })
  }

  @Test func aMessageTooLargeIsNotGathered() async throws {
    let server = try ScriptedHTTPServer { request in
      WebSocketPeer.answer(to: request) { peer in
        peer.send(opcode: 2, [], isFinal: false)
        while peer.send(opcode: 0, [UInt8](repeating: 1, count: 4000), isFinal: false) {}
      }
    }
    let socket = try await connect(server) { $0.maximumMessageBytes = 10_000 }
    let error = await failure { _ = try await socket.receive() }
    #expect(error?.code == .connectionLost && error?.message.contains("10000 bytes") == true)
  }

  @Test func aReaderThatRestsHoldsTheServerBack() async throws {
    let server = try ScriptedHTTPServer { request in
      WebSocketPeer.answer(to: request) { peer in
        for number in 0..<2000 {
          guard peer.send(text: "\(number) " + String(repeating: "x", count: 50_000)) else { return }
        }
      }
    }
    let socket = try await connect(server) { $0.bufferedBytes = 200_000 }
    #expect(try await socket.receive() != nil)
    // What fits into the buffers of sockets and here; not the hundred megabytes that were to come.
    #expect(try await eventually { server.sentBytes > 200_000 })
    var previous = -1
    while server.sentBytes != previous {
      previous = server.sentBytes
      try await Task.sleep(for: .milliseconds(300))
    }
    #expect(server.sentBytes < 50_000_000)
    var count = 1
    while try await socket.receive() != nil {
      count += 1
      if count == 2000 { break }
    }
    #expect(count == 2000)
  }

  @Test func whatWaitsToBeSentIsBounded() throws {
    let core = try WebSocketCore(HTTPRequest(url: "http://127.0.0.1:9/"), WebSocket.Options())
    core.open()
    var leaving: [UInt8] = []
    // A server that pings, and reads nothing: of its pongs no more is kept than there is room for.
    func ping() {
      let pongs = [UInt8](repeating: 0, count: 1 << 20)
      for _ in 0..<40 { core.answer(pongs) }
    }
    ping()
    #expect(throws: TransportError.self) { try core.send(.text("a")) }
    core.takeOutgoing(into: &leaving)
    #expect(leaving.count == 16 << 20)
    // What the thread could not send yet keeps it from taking more, which would make room again.
    ping()
    core.takeOutgoing(into: &leaving)
    #expect(leaving.count == 16 << 20)
    #expect(throws: TransportError.self) { try core.send(.text("a")) }
    leaving = []
    core.takeOutgoing(into: &leaving)
    #expect(leaving.count == 16 << 20)
    try core.send(.text("a"))
  }

  @Test func cancellingAReceiveEndsTheConnection() async throws {
    let server = try ScriptedHTTPServer { request in WebSocketPeer.answer(to: request) { while $0.receive() != nil {} }
    }
    let socket = try await connect(server)
    let task = Task { await failure { _ = try await socket.receive() } }
    task.cancel()
    #expect(await task.value?.code == .cancelled)
    #expect(try await eventually { server.openConnections == 0 })
  }

  @Test func whoDoesNotAgreeIsToldApart() async throws {
    let answers: [(ScriptedAnswer, String)] = [
      (.respond(status: 404), "404"), (.respond(status: 200, body: "<html>"), "200"),
      (.raw("no HTTP\r\n\r\n"), "malformed"),
      (
        .raw("HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: a\r\n\r\n"),
        "another's"
      ),
      (.raw("HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"), "another"), (.close, "closed"),
      (.raw("HTTP/1.1 101 X\r\nA: " + String(repeating: "x", count: 40_000)), "no end"),
    ]
    for (answer, word) in answers {
      let server = try ScriptedHTTPServer { _ in answer }
      let error = await failure { _ = try await connect(server) }
      #expect(
        error?.code == .connectionFailed && error?.message.contains(word) == true,
        "\(word): \(String(describing: error))")
    }
  }

  @Test func silenceIsGivenUp() async throws {
    let server = try ScriptedHTTPServer { _ in .hang }
    let error = await failure { _ = try await connect(server) { $0.connectTimeout = .milliseconds(300) } }
    #expect(error?.code == .timeout)
    let gone = try ScriptedHTTPServer { _ in .close }
    gone.stop()
    #expect(await failure { _ = try await connect(gone) }?.code == .connectionFailed)
  }

  @Test func thePolicyIsAsked() async throws {
    let server = try ScriptedHTTPServer { request in WebSocketPeer.answer(to: request) { _ in } }
    let error = await failure { _ = try await connect(server) { $0.policy = PublicAddressPolicy() } }
    #expect(error?.code == .addressRefused && server.acceptedConnections == 0)
  }

  @Test func framesAreReadWhereverTheyAreCut() throws {
    var bytes: [UInt8] = [0x01, 1, 65, 0x89, 2, 1, 2, 0x80, 1, 66, 0x82, 126, 0, 200]
    bytes += [UInt8](repeating: 9, count: 200) + [0x88, 2, 3, 232]
    var whole = WebSocketFrames(maximumMessageBytes: 1000)
    let expected = try whole.take(bytes)
    #expect(expected.count == 4 && expected.last == .close(1000))
    for cut in bytes.indices {
      var frames = WebSocketFrames(maximumMessageBytes: 1000)
      let events = try frames.take(bytes[..<cut]) + frames.take(bytes[cut...])
      #expect(events == expected)
    }
  }
}
