import Glibc
import HTTPTransport
import HTTPTypes
import SDTestKit
import Synchronization
import Testing

/// A body that is at hand leaves in whole segments: the kernel may wait for more (TCP_NODELAY is off) until its tail.
@Suite("A body at hand", .timeLimit(.minutes(5))) struct BulkTests {
  /// Which of this process's connections to a server may wait, by their own ports.
  private static func mayWait(to server: UInt16) -> [UInt16: Bool] {
    var result: [UInt16: Bool] = [:]
    for descriptor in Int32(0)..<4096 {
      guard let peer = port(descriptor, getpeername), peer == server, let own = port(descriptor, getsockname) else {
        continue
      }
      var value: Int32 = -1
      var size = socklen_t(MemoryLayout<Int32>.size)
      guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &value, &size) == 0 else { continue }
      result[own] = value == 0
    }
    return result
  }

  private static func port(
    _ descriptor: Int32, _ ask: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
  ) -> UInt16? {
    var address = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &address) { address in
      let told = address.withMemoryRebound(to: sockaddr.self, capacity: 1) { ask(descriptor, $0, &size) }
      guard told == 0, [AF_INET, AF_INET6].contains(Int32(address.pointee.ss_family)) else { return nil }
      // The port is at the same place in both kinds of addresses.
      return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { UInt16(bigEndian: $0.pointee.sin_port) }
    }
  }

  /// What the server saw of its client's connections.
  private final class Watch: Sendable {
    private struct State {
      var port: UInt16 = 0
      var seen: [[UInt16: Bool]] = []
    }

    private let state = Mutex(State())
    var seen: [[UInt16: Bool]] { state.withLock { $0.seen } }
    func watch(_ server: ScriptedHTTPServer) { state.withLock { $0.port = server.port } }
    func look() {
      let seen = BulkTests.mayWait(to: state.withLock { $0.port })
      state.withLock { $0.seen.append(seen) }
    }
  }

  private func put(_ body: RequestBody, to server: ScriptedHTTPServer, with transport: CurlTransport) async throws {
    let answer = try await transport.send(HTTPRequest(method: .put, url: server.url), body: body, upTo: 0)
    #expect(answer.head.status == 200)
  }

  @Test(arguments: ["127.0.0.1", "::1"]) func leavesInWholeSegmentsAndItsTailAtOnce(host: String) async throws {
    let (beforeBody, beforeAnswer, gate) = (Watch(), Watch(), ServerGate())
    let bytes = UploadTests.pattern(7_000_000)
    let server = try ScriptedHTTPServer(host: host) { request in
      // Much more of the body is left than the kernel takes of a new connection.
      if request.header("content-length") == "\(bytes.count)" { beforeBody.look() }
      return nil
    } _: { request in
      guard request.body.count == bytes.count else { return .respond().after(gate) }
      beforeAnswer.look()
      return .respond()
    }
    beforeBody.watch(server)
    beforeAnswer.watch(server)
    try await withTransport { transport in
      // Another connection is in use, so that the one has to be told from the other.
      async let other: Void = put(.bytes(Array("small".utf8)), to: server, with: transport)
      #expect(try await server.wait { $0.requests.count == 1 })
      try await put(.bytes(bytes), to: server, with: transport)
      gate.open()
      try await other
    }
    #expect(beforeBody.seen.map { $0.values.sorted { !$0 && $1 } } == [[false, true]])
    #expect(beforeAnswer.seen.map { Array($0.values) } == [[false, false]])
    #expect(server.requests.last?.body == bytes)
  }

  @Test func whatIsSmallOrMadeOnTheWayLeavesAtOnce() async throws {
    let beforeBody = Watch()
    let server = try ScriptedHTTPServer { _ in
      beforeBody.look()
      return nil
    } _: { _ in
      .respond()
    }
    beforeBody.watch(server)
    try await withTransport { transport in
      try await put(.bytes(UploadTests.pattern(200_000)), to: server, with: transport)
      let source = UploadTests.source(UploadTests.pattern(3_000_000), chunk: 50_000)
      try await put(.stream(length: 3_000_000, source: source), to: server, with: transport)
      try await put(.stream(length: nil, source: source), to: server, with: transport)
    }
    #expect(beforeBody.seen.map { Array($0.values) } == [[false], [false], [false]])
  }

  @Test func aConnectionWhoseBodyWasRefusedIsNotFoundAgain() async throws {
    let refusing = try ScriptedHTTPServer(onHead: { _ in .respond(status: 413) }, { _ in .respond() })
    let server = try ScriptedHTTPServer { _ in .respond() }
    let nobody = try ScriptedHTTPServer { _ in .respond() }
    nobody.stop()
    try await withTransport { transport in
      let bytes = UploadTests.pattern(3_000_000)
      for _ in 0..<20 {
        // The connection is closed with most of the body unsent, or never stands; the next one may have its number.
        _ = await failure { () throws(TransportError) in
          try await transport.send(HTTPRequest(method: .put, url: refusing.url), body: .bytes(bytes), upTo: 0)
        }
        let refused = await failure { () throws(TransportError) in
          try await transport.send(HTTPRequest(method: .put, url: nobody.url), body: .bytes(bytes), upTo: 0)
        }
        #expect(refused?.code == .connectionFailed)
        try await put(.bytes(bytes), to: server, with: transport)
      }
      #expect(server.requests.allSatisfy { $0.body == bytes } && server.requests.count == 20)
    }
  }
}
