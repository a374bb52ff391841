import HTTPTransport
import SDCore
import SDTestKit
import Synchronization
import Testing

@testable import BackendPlugins

@Suite("Inputs that are used again", .timeLimit(.minutes(2)))
struct InputCacheTests {
  private func withSource(
    clocks: Clocks = .system, cacheBytes: Int = 64 << 20, objects: HTTPInputSource.Objects? = nil,
    answering handler: @escaping @Sendable (RecordedRequest) -> ScriptedAnswer,
    _ body: (ScriptedHTTPServer, HTTPInputSource) async throws -> Void
  ) async throws {
    let server = try ScriptedHTTPServer(handler)
    try await withTransport { (transport) async throws in
      var configuration = HTTPInputSource.Configuration()
      configuration.policy = OpenPolicy(usesEnvironmentProxies: false)
      configuration.cacheBytes = cacheBytes
      try await body(
        server,
        HTTPInputSource(transport: transport, configuration: configuration, clocks: clocks, objects: objects))
    }
  }

  @Test("One that its server vouches for is asked about, and not sent again")
  func revalidation() async throws {
    let images = Mutex([try picture(1), try picture(2)])
    try await withSource(answering: { request in
      let image = images.withLock { $0[0] }
      let tag = "\"\(image.count)-\(Digest.hex(image).prefix(8))\""
      return request.header("if-none-match") == tag
        ? .respond(status: 304) : .respond(headers: [("ETag", tag)], body: image)
    }) { (server, source) async throws in
      let (first, second) = images.withLock { ($0[0], $0[1]) }
      for _ in 0..<3 { #expect(try await source.fetch(server.url + "/a.png") == first) }
      #expect(server.requests.map { $0.header("if-none-match") != nil } == [false, true, true])
      images.withLock { _ = $0.removeFirst() }
      #expect(try await source.fetch(server.url + "/a.png") == second)
    }
  }

  @Test("A date does where there is no tag")
  func dates() async throws {
    let png = try picture()
    let date = "Wed, 21 Oct 2015 07:28:00 GMT"
    try await withSource(answering: { request in
      request.header("if-modified-since") == date
        ? .respond(status: 304) : .respond(headers: [("Last-Modified", date)], body: png)
    }) { (server, source) async throws in
      for _ in 0..<2 { #expect(try await source.fetch(server.url + "/a.png") == png) }
      #expect(server.requests.count == 2 && server.requests[1].header("if-modified-since") == date)
    }
  }

  @Test("One that is said to stay is not even asked about, for so long")
  func freshness() async throws {
    let png = try picture()
    let time = ManualClock()
    try await withSource(
      clocks: time.clocks,
      answering: { _ in
        .respond(headers: [("Cache-Control", "public, max-age=120"), ("Age", "20"), ("ETag", "\"x\"")], body: png)
      }
    ) { (server, source) async throws in
      for _ in 0..<5 { _ = try await source.fetch(server.url + "/a.png") }
      #expect(server.requests.count == 1)
      time.advance(by: .seconds(101))
      _ = try await source.fetch(server.url + "/a.png")
      #expect(server.requests.count == 2)
    }
  }

  @Test(
    "One that must not be kept, or that nobody vouches for, is fetched each time",
    arguments: [[("Cache-Control", "no-store"), ("ETag", "\"x\"")], [("Vary", "*"), ("ETag", "\"x\"")], []])
  func unkept(headers: [(String, String)]) async throws {
    let png = try picture()
    try await withSource(answering: { _ in .respond(headers: headers, body: png) }) { (server, source) async throws in
      for _ in 0..<2 { _ = try await source.fetch(server.url + "/a.png") }
      #expect(server.requests.count == 2 && server.requests[1].header("if-none-match") == nil)
    }
  }

  @Test("What is no picture is not kept, and 304 to a first question is no answer")
  func bad() async throws {
    try await withSource(answering: { request in
      request.path == "/304"
        ? .respond(status: 304) : .respond(headers: [("Cache-Control", "max-age=60")], body: "<html>")
    }) { (server, source) async throws in
      for _ in 0..<2 { await #expect(throws: TaskError.self) { _ = try await source.fetch(server.url + "/a.png") } }
      #expect(server.requests.count == 2)
      await #expect(throws: TaskError.self) { _ = try await source.fetch(server.url + "/304") }
    }
  }

  @Test("An object whose tag has not changed is not read again")
  func objects() async throws {
    let png = try picture()
    let asked = Mutex<[String?]>([])
    try await withSource(
      objects: { _, _, known in
        asked.withLock { $0.append(known) }
        return known == "t1" ? nil : InputObject(bytes: png, etag: "t1")
      }, answering: { _ in .respond(status: 404) }
    ) { (_, source) async throws in
      for _ in 0..<3 { #expect(try await source.fetch("s3://inputs/a.png") == png) }
      #expect(asked.withLock { $0 } == [nil, "t1", "t1"])
    }
  }

  @Test("The oldest go when there is no room, equal contents count once, and all go in time")
  func bounds() throws {
    let time = ManualClock()
    let cache = InputCache(budget: 1000, clocks: time.clocks)
    let tag = InputCache.Validators(etag: "x")
    func content(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 250) }
    for number in 0..<20 { cache.keep(content(9), for: "same-\(number)", tag) }
    #expect(cache.find("same-0") != nil)
    for byte in 0..<3 as Range<UInt8> { cache.keep(content(byte), for: "\(byte)", tag) }
    #expect(cache.find("same-0") != nil && cache.find("0")?.bytes == content(0))
    // The fifth content does not fit: all addresses of the least used go.
    for number in 0..<20 { _ = cache.find("same-\(number)") }
    _ = cache.find("1")
    cache.keep(content(7), for: "7", tag)
    #expect(cache.find("2") == nil && cache.find("0") != nil && cache.find("7") != nil)
    cache.keep([UInt8](repeating: 1, count: 251), for: "large", tag)
    cache.keep(content(8), for: "unvouched", .init())
    #expect(cache.find("large") == nil && cache.find("unvouched") == nil)
    time.advance(by: .seconds(601))
    #expect(cache.find("0") == nil)
    let none = InputCache(budget: 0, clocks: time.clocks)
    none.keep(content(1), for: "a", tag)
    #expect(none.find("a") == nil)
  }
}
