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

  private func send(_ body: RequestBody, to server: ScriptedHTTPServer, with transport: CurlTransport) async throws {
    let answer = try await transport.send(HTTPRequest(method: .put, url: server.url), body: body, upTo: 0)
    #expect(answer.head.status == 200)
  }

  @Test(arguments: ["127.0.0.1", "::1"]) func leavesInWholeSegmentsAndItsTailAtOnce(host: String) async throws {
    let seen = Mutex<[[UInt16: Bool]]>([])
    let ownPort = Mutex<UInt16>(0)
    let server = try ScriptedHTTPServer(host: host) { _ in
      // Before the body is read, of which much more is left than the kernel takes.
      let waits = Self.mayWait(to: ownPort.withLock { $0 })
      seen.withLock { $0.append(waits) }
      return nil
    } _: { request in
      .respond(headers: [("X-Length", "\(request.body.count)")])
    }
    ownPort.withLock { $0 = server.port }
    try await withTransport { transport in
      let bytes = UploadTests.pattern(7_000_000)
      // Two connections, so that the one has to be told from the other.
      async let first: Void = send(.bytes(bytes), to: server, with: transport)
      async let second: Void = send(.bytes(Array("small".utf8)), to: server, with: transport)
      _ = try await (first, second)
      #expect(Self.mayWait(to: server.port).values.allSatisfy { !$0 })
      seen.withLock { $0 = [] }
      try await send(.bytes(bytes), to: server, with: transport)
      let during = try #require(seen.withLock { $0.first })
      #expect(during.values.filter { $0 }.count == 1, "\(during)")
      #expect(Self.mayWait(to: server.port).values.allSatisfy { !$0 })
      #expect(server.requests.map(\.body.count).sorted() == [5, 7_000_000, 7_000_000])
      #expect(server.requests.last?.body == bytes)
    }
  }

  @Test func whatIsSmallOrMadeOnTheWayLeavesAtOnce() async throws {
    let seen = Mutex<[Bool]>([])
    let ownPort = Mutex<UInt16>(0)
    let server = try ScriptedHTTPServer { _ in
      let waits = Self.mayWait(to: ownPort.withLock { $0 })
      seen.withLock { $0 += waits.values }
      return nil
    } _: { _ in
      .respond()
    }
    ownPort.withLock { $0 = server.port }
    try await withTransport { transport in
      try await send(.bytes(UploadTests.pattern(200_000)), to: server, with: transport)
      let source = UploadTests.source(UploadTests.pattern(3_000_000), chunk: 50_000)
      try await send(.stream(length: 3_000_000, source: source), to: server, with: transport)
      try await send(.stream(length: nil, source: source), to: server, with: transport)
      #expect(seen.withLock { $0 } == [false, false, false])
    }
  }
}
