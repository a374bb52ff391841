import Foundation
import HTTPTransport
import HTTPTypes
import SDTestKit
import Synchronization
import Testing

@Suite("A request's body", .timeLimit(.minutes(5))) struct UploadTests {
  /// Bytes that show when a part is lost, doubled or moved; at most 7,000,000.
  static func pattern(_ count: Int) -> [UInt8] { Array(bytes[..<count]) }

  private static let bytes: [UInt8] = {
    var words: [UInt64] = []
    words.reserveCapacity(875_000)
    var state: UInt64 = 88_172_645_463_325_252
    while words.count < 875_000 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      words.append(state)
    }
    return words.withUnsafeBytes { Array($0) }
  }()

  /// A source that gives bytes in chunks of a size, pausing before each.
  static func source(_ bytes: [UInt8], chunk: Int) -> @Sendable () -> ChunkSource {
    {
      let position = Mutex(0)
      return {
        await Task.yield()
        return position.withLock { position in
          guard position < bytes.count else { return nil }
          let end = min(position + chunk, bytes.count)
          defer { position = end }
          return bytes[position..<end]
        }
      }
    }
  }

  private func upload(_ body: RequestBody, method: HTTPRequest.Method = .put, headers: HTTPFields = [:]) async throws
    -> RecordedRequest
  {
    let server = try ScriptedHTTPServer { _ in .respond() }
    return try await withTransport { transport in
      let request = try HTTPRequest(method: method, url: server.url, headerFields: headers)
      let answer = try await transport.send(request, body: body, upTo: 0)
      #expect(answer.head.status == 200)
      return try #require(server.requests.last)
    }
  }

  @Test(arguments: [0, 1, 61_440, 61_441, 65_536, 200_000, 5_000_000], [HTTPRequest.Method.put, .post])
  func bytesArriveAsTheyAre(_ count: Int, _ method: HTTPRequest.Method) async throws {
    let bytes = Self.pattern(count)
    let got = try await upload(.bytes(bytes), method: method)
    #expect(got.body == bytes)
    #expect(got.header("content-length") == "\(count)")
    #expect(got.header("expect") == nil)
    #expect(got.method == method.rawValue)
  }

  @Test func aSliceSendsItsPart() async throws {
    let bytes = Self.pattern(300_000)
    #expect(try await upload(.bytes(bytes[100..<103])).body == Array(bytes[100..<103]))
    #expect(try await upload(.bytes(bytes[1000..<250_000])).body == Array(bytes[1000..<250_000]))
  }

  @Test func aPartOfAFileArrives() async throws {
    let bytes = Self.pattern(3_000_000)
    let path = NSTemporaryDirectory() + "upload-\(UUID().uuidString)"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try await upload(.file(path: path, offset: 0, length: 3_000_000)).body == bytes)
    #expect(
      try await upload(.file(path: path, offset: 12_345, length: 2_000_000)).body == Array(bytes[12_345..<2_012_345]))
    #expect(try await upload(.file(path: path, offset: 3_000_000, length: 0)).body == [])
    for (path, offset, length) in [(path, 1, 3_000_000), (path, -1, 2), (path + "x", 0, 1), ("/tmp", 0, 0)]
      as [(String, Int64, Int64)]
    {
      let error = await failure { () throws(TransportError) in
        try await CurlTransport.shared.execute(
          HTTPRequest(method: .put, url: "http://127.0.0.1:1/"),
          body: .file(path: path, offset: offset, length: length), options: .init())
      }
      #expect(error?.code == .bodyFailed)
      #expect(error?.requestMayHaveBeenSent == false)
    }
  }

  @Test(arguments: [1, 1000, 70_000, 1_000_000])
  func aStreamOfKnownLengthArrives(_ chunk: Int) async throws {
    let bytes = Self.pattern(chunk == 1 ? 5000 : 2_500_000)
    let got = try await upload(.stream(length: Int64(bytes.count), source: Self.source(bytes, chunk: chunk)))
    #expect(got.body == bytes)
    #expect(!got.isChunked)
    #expect(got.header("content-length") == "\(bytes.count)")
  }

  @Test(arguments: [1, 1000, 70_000, 1_000_000])
  func aStreamOfUnknownLengthArrivesInChunks(_ chunk: Int) async throws {
    let bytes = Self.pattern(chunk == 1 ? 5000 : 2_500_000)
    let got = try await upload(.stream(length: nil, source: Self.source(bytes, chunk: chunk)), method: .post)
    #expect(got.body == bytes)
    #expect(got.isChunked)
    #expect(got.header("content-length") == nil)
  }

  @Test func emptyStreamsArrive() async throws {
    #expect(try await upload(.stream(length: nil, source: Self.source([], chunk: 1))).body == [])
    #expect(try await upload(.stream(length: 0, source: Self.source([], chunk: 1))).header("content-length") == "0")
  }

  @Test func expectContinueIsSentWhereTheCallerSaysSo() async throws {
    let bytes = Self.pattern(100_000)
    let got = try await upload(.bytes(bytes), headers: [.expect: "100-continue"])
    #expect(got.header("expect") == "100-continue")
    #expect(got.body == bytes)
  }

  @Test func aSourceThatThrowsEndsTheExchange() async throws {
    struct Broken: Error {}
    let server = try ScriptedHTTPServer { _ in .respond() }
    try await withTransport { transport in
      for length in [nil, Int64(1000)] {
        let sent = Counter()
        let body = RequestBody.stream(length: length) {
          { if sent.add() <= 2 { return [1, 2, 3] } else { throw Broken() } }
        }
        let request = try HTTPRequest(method: .put, url: server.url)
        let error = await failure { () throws(TransportError) in
          try await transport.execute(request, body: body, options: .init())
        }
        #expect(error?.code == .bodyFailed)
        #expect(error?.underlying is Broken)
      }
      #expect(try await server.wait { $0.openConnections == 0 })
      #expect(server.requests.isEmpty)
    }
  }

  @Test(arguments: [9, 11]) func aStreamOfAnotherLengthThanAnnouncedEndsTheExchange(_ count: Int) async throws {
    let server = try ScriptedHTTPServer { _ in .hang }
    try await withTransport { transport in
      let request = try HTTPRequest(method: .put, url: server.url)
      let error = await failure { () throws(TransportError) in
        try await transport.execute(
          request, body: .stream(length: 10, source: Self.source(Self.pattern(count), chunk: 3)), options: .init())
      }
      #expect(error?.code == .bodyFailed)
    }
  }

  @Test func anAnswerBeforeTheEndOfTheBodyIsTheAnswer() async throws {
    let server = try ScriptedHTTPServer(onHead: { _ in .respond(status: 413, body: "too much").then(.hang) }) { _ in
      .respond()
    }
    try await withTransport { transport in
      let (begun, ended) = (Counter(), Counter())
      let body = RequestBody.stream(length: nil) {
        let source = Ending(begun: begun, ended: ended)
        return {
          // After a first chunk nothing comes until the exchange is over.
          if source.made.add() == 1 { return [1] }
          try await Task.sleep(for: .seconds(600))
          return nil
        }
      }
      let answer = try await transport.send(HTTPRequest(method: .put, url: server.url), body: body, upTo: 100)
      #expect(answer.head.status == 413)
      #expect(answer.body == Array("too much".utf8))
      // Whatever was begun to make the body is let go of.
      #expect(try await eventually { begun.value == ended.value })
    }
  }

  @Test func anAnswerToAnUploadThatRestsIsTheAnswer() async throws {
    let server = try ScriptedHTTPServer(onHead: { _ in
      .converse { peer in
        // One chunk was sent by then, and nothing else comes.
        var seen: [UInt8] = []
        while !seen.contains(0xFE), let bytes = peer.receive() { seen += bytes }
        peer.send(Array("HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo much".utf8))
        while peer.receive() != nil {}
      }
    }) { _ in .respond() }
    try await withTransport { transport in
      let made = Counter()
      let body = RequestBody.stream(length: nil) {
        {
          if made.add() == 1 { return [0xFE] }
          try await Task.sleep(for: .seconds(600))
          return nil
        }
      }
      let answer = try await within(.seconds(20), "the answer") {
        try await transport.send(HTTPRequest(method: .put, url: server.url), body: body, upTo: 100)
      }
      #expect(answer.head.status == 413)
      #expect(answer.body == Array("too much".utf8))
    }
  }

  /// Tells when it goes away.
  private final class Ending: Sendable {
    let made = Counter()
    private let ended: Counter
    init(begun: Counter, ended: Counter) {
      begun.add()
      self.ended = ended
    }
    deinit { ended.add() }
  }

  @Test func aResetDuringTheUploadIsALostConnection() async throws {
    let server = try ScriptedHTTPServer(onHead: { _ in .reset }) { _ in .respond() }
    try await withTransport { transport in
      let request = try HTTPRequest(method: .put, url: server.url)
      let bytes = [UInt8](repeating: 1, count: 20_000_000)
      for body in [RequestBody.bytes(bytes), .stream(length: nil, source: Self.source(bytes, chunk: 100_000))] {
        let error = await failure { () throws(TransportError) in
          try await transport.execute(request, body: body, options: .init())
        }
        #expect(error?.code == .connectionLost)
        #expect(error?.requestMayHaveBeenSent == true)
      }
    }
  }

  @Test func aSourceIsHeldBackWhileThePeerDoesNotRead() async throws {
    let made = Counter()
    let server = try ScriptedHTTPServer(onHead: { _ in
      .respond().after(ServerGate())
    }) { _ in .respond() }
    try await withTransport { transport in
      let chunk = [UInt8](repeating: 7, count: 1 << 20)
      let body = RequestBody.stream(length: nil) {
        {
          made.add()
          return chunk[...]
        }
      }
      let request = try HTTPRequest(method: .put, url: server.url)
      let exchange = Task { try await transport.execute(request, body: body, options: .init()) }
      // Socket buffers take a few megabytes; then the count must come to rest.
      var (last, still) = (0, 0)
      #expect(
        try await eventually {
          (last, still) = made.value == last && last > 0 ? (last, still + 1) : (made.value, 0)
          return still > 100
        })
      #expect(made.value < 40)
      exchange.cancel()
      await #expect(throws: TransportError.self) { try await exchange.value }
    }
  }
}
