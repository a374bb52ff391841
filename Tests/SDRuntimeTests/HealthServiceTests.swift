import Glibc
import HTTPTransport
import HTTPTypes
import Logging
import SDTestKit
import ServiceLifecycle
import Synchronization
import Testing
import UnixSignals

@testable import SDRuntime

@Suite(.timeLimit(.minutes(5))) struct HealthServiceTests {
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  @Test func itAnswersUntilItIsShutDown() async throws {
    let (ports, told) = AsyncStream<Int>.makeStream()
    let (signals, send) = AsyncStream<UnixSignal>.makeStream()
    final class Flag: Sendable { let value = Mutex(false) }
    let flag = Flag()
    let health = HealthService(
      port: 0, logger: logger,
      answers: .init(isReady: { flag.value.withLock { $0 } }, metrics: { "sd_test 1\n" }), onReady: { told.yield($0) })
    async let end: Void = ServiceRunner([health], logger: logger).run(until: signals)
    var iterator = ports.makeAsyncIterator()
    let port = try #require(await iterator.next())
    func status(_ path: String, _ method: HTTPRequest.Method = .get) async throws -> Int {
      let request = HTTPRequest(method: method, scheme: "http", authority: "127.0.0.1:\(port)", path: path)
      let response = try await CurlTransport.shared.execute(
        request, body: .none, options: .init(totalTimeout: .seconds(10)))
      return response.head.status.code
    }
    for (path, code) in [("/healthz", 200), ("/readyz", 503), ("/readyz?x", 503), ("/metrics", 200), ("/other", 404)] {
      let answered = try await status(path)
      #expect(answered == code, "\(path)")
    }
    flag.value.withLock { $0 = true }
    let (readyNow, posted) = (try await status("/readyz"), try await status("/readyz", .post))
    #expect(readyNow == 200)
    #expect(posted == 405)
    send.yield(.sigterm)
    try await end
    await #expect(throws: TransportError.self) { _ = try await status("/healthz") }
  }

  @Test(arguments: [
    ("GET /healthz", "400"), ("", "400"), ("GET /healthz SMTP/1", "400"), ("HEAD /healthz HTTP/1.0", "200"),
  ])
  func requestLinesAreJudged(line: String, status: String) {
    #expect(HealthListener.response(to: line, .init(isReady: { true }, metrics: { "" })).status.hasPrefix(status))
  }

  @Test func whoeverSaysNothingKeepsNobodyWaiting() async throws {
    let listener = try HealthListener(port: 0)
    HealthListener.startThread { listener.serve(.init(isReady: { true }, metrics: { "" })) }
    defer { listener.stop() }
    let silent = (0..<40).map { _ in Self.connect(to: listener.port) }
    defer { for descriptor in silent { close(descriptor) } }
    #expect(silent.allSatisfy { $0 >= 0 })
    let request = HTTPRequest(method: .get, scheme: "http", authority: "127.0.0.1:\(listener.port)", path: "/healthz")
    // One after the other, each of the silent would take two seconds.
    let response = try await CurlTransport.shared.execute(
      request, body: .none, options: .init(totalTimeout: .seconds(30)))
    #expect(response.head.status.code == 200)
  }

  @Test func withoutDescriptorsItLetsTimePassBetweenItsTries() async throws {
    let listener = try HealthListener(port: 0)
    let tries = Mutex(0)
    let hasEnded = Mutex(false)
    let waiting = Self.connect(to: listener.port)
    defer { close(waiting) }
    HealthListener.startThread {
      listener.serve(
        .init(isReady: { true }, metrics: { "" }), pause: 3_600_000,
        takeIn: { _ in
          tries.withLock { $0 += 1 }
          errno = EMFILE
          return -1
        })
      hasEnded.withLock { $0 = true }
    }
    try await eventually("a try") { tries.withLock { $0 } > 0 }
    // Whoever is told that somebody waits, again and again, is not heard of here: it rests until it is stopped.
    listener.stop()
    try await eventually("its end") { hasEnded.withLock { $0 } }
    #expect(tries.withLock { $0 } == 1)
  }

  /// A connection to a port of ours.
  private static func connect(to port: Int) -> CInt {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let made = withUnsafeBytes(of: &address) { bytes in
      bytes.withMemoryRebound(to: sockaddr.self) { Glibc.connect(descriptor, $0.baseAddress, socklen_t(bytes.count)) }
    }
    return made == 0 ? descriptor : -1
  }

  @Test func aPortThatIsTakenIsAnError() throws {
    let one = try HealthListener(port: 0)
    #expect(throws: (any Error).self) { try HealthListener(port: one.port) }
  }
}
