import HTTPTransport
import SDCore
import SDTestKit
import Synchronization
import Testing

@testable import BackendPlugins

/// What somebody who writes tasks might try with the address of an input.
@Suite("Attacks by way of inputs", .timeLimit(.minutes(2)))
struct InputAttackTests {
  /// Takes 127.0.0.2 for an address of the Internet, since tests have no other, and is strict with all the rest.
  private struct PretendedInternet: ConnectionPolicy {
    var usesEnvironmentProxies: Bool { PublicAddressPolicy().usesEnvironmentProxies }
    func refusal(of address: SocketAddress) -> String? {
      address.bytes == [127, 0, 0, 2] ? nil : PublicAddressPolicy().refusal(of: address)
    }
  }

  private func withSource(
    _ change: (inout CurlTransport.Configuration) -> Void, _ body: (HTTPInputSource) async throws -> Void
  ) async throws {
    var configuration = CurlTransport.Configuration()
    configuration.proxies = ProxySettings()
    change(&configuration)
    let transport = CurlTransport(configuration: configuration)
    var inputs = HTTPInputSource.Configuration()
    inputs.policy = PretendedInternet()
    do { try await body(HTTPInputSource(transport: transport, configuration: inputs)) } catch {
      await transport.shutdown()
      throw error
    }
    await transport.shutdown()
  }

  /// One address each place that is refused, among them the odd ways to write one (attack 1).
  static let inside = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "169.254.170.2",
    "169.254.170.23", "172.16.0.1", "192.0.0.1", "192.0.2.1", "192.168.0.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "255.255.255.255", "168.63.129.16", "[::]", "[::1]", "[::ffff:127.0.0.1]",
    "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[fd00:ec2::254]", "[fd00:ec2::23]", "[fe80::1]", "[fc00::1]",
    "[2002:7f00:1::1]", "[ff02::1]", "2130706433", "0177.0.0.1", "0x7f000001", "0x7f.1", "127.1", "017700000001",
  ]

  @Test("No address inside is connected to, asked for straight away or by a redirect", arguments: inside)
  func redirects(host: String) async throws {
    let outside = try ScriptedHTTPServer(host: "127.0.0.2") { request in
      .respond(status: request.path == "/308" ? 308 : 302, headers: [("Location", "http://\(host)/latest/meta-data")])
    }
    try await withSource { _ in
    } _: { (source) async throws in
      #expect(await failure(source, "http://\(host)/latest/meta-data")?.code == .inputRefused)
      for path in ["/302", "/308"] {
        #expect(await failure(source, "http://127.0.0.2:\(outside.port)\(path)")?.code == .inputRefused, "\(path)")
      }
      #expect(outside.requests.count == 2)
    }
  }

  @Test(
    "A redirect leads to http and https alone",
    arguments: [
      "file:///etc/passwd", "ftp://127.0.0.2/x", "gopher://127.0.0.2:1/_x", "s3://bucket/key", "data:,x", "dict://x",
    ])
  func schemes(location: String) async throws {
    let outside = try ScriptedHTTPServer(host: "127.0.0.2") { _ in
      .respond(status: 302, headers: [("Location", location)])
    }
    try await withSource { _ in
    } _: { (source) async throws in
      #expect(await failure(source, outside.url)?.code == .inputRefused)
    }
  }

  @Test("A name that resolves inside is refused")
  func namesInside() async throws {
    let inner = try ScriptedHTTPServer { _ in .respond() }
    try await withSource {
      $0.resolver = { $0 == "pictures.example" ? ["127.0.0.1"] : nil }
    } _: { (source) async throws in
      #expect(await failure(source, "http://pictures.example:\(inner.port)/x")?.code == .inputRefused)
      #expect(inner.acceptedConnections == 0)
    }
  }

  @Test("A name that resolves outside first and inside later gains nothing (DNS rebinding)")
  func rebinding() async throws {
    let png = try picture()
    let inner = try ScriptedHTTPServer { _ in .respond(body: png) }
    let outer = try ScriptedHTTPServer(host: "127.0.0.2") { _ in
      .respond(status: 302, headers: [("Location", "http://pictures.example:\(inner.port)/secret.png")])
    }
    let asked = Mutex(0)
    try await withSource { configuration in
      configuration.resolver = { name in
        guard name == "pictures.example" else { return nil }
        return asked.withLock { count in
          defer { count += 1 }
          return [count == 0 ? "127.0.0.2" : "127.0.0.1"]
        }
      }
    } _: { (source) async throws in
      // The check is the connection's own: there is no second look-up between the two.
      let error = await failure(source, "http://pictures.example:\(outer.port)/cat.png")
      #expect(error?.code == .inputRefused && asked.withLock { $0 } == 2)
      #expect(outer.requests.count == 1 && inner.acceptedConnections == 0)
    }
  }

  @Test("Of several addresses of a name each is judged: one outside does not let in one inside")
  func severalAddresses() async throws {
    let png = try picture()
    let inner = try ScriptedHTTPServer { _ in .respond(body: png) }
    // Nobody listens at that port of 127.0.0.2, so the next address is tried.
    try await withSource {
      $0.resolver = { _ in ["127.0.0.2", "127.0.0.1"] }
    } _: { (source) async throws in
      let error = await failure(source, "http://pictures.example:\(inner.port)/x")
      #expect(error?.code == .inputRefused || error?.code == .inputUnreachable)
      #expect(inner.acceptedConnections == 0)
    }
    try await withSource {
      $0.resolver = { _ in ["127.0.0.1", "127.0.0.2"] }
    } _: { (source) async throws in
      let outer = try ScriptedHTTPServer(host: "127.0.0.2") { _ in .respond(body: png) }
      // The one inside is passed over, the one outside answers.
      #expect(try await source.fetch("http://pictures.example:\(outer.port)/x") == png)
    }
  }

  @Test("Proxies of the environment are not used: they would connect to whatever they are told")
  func proxies() async throws {
    let png = try picture()
    let proxy = try ScriptedHTTPServer { _ in .respond(body: png) }
    let outer = try ScriptedHTTPServer(host: "127.0.0.2") { _ in .respond(body: png) }
    try await withSource {
      $0.proxies = ProxySettings(environment: ["http_proxy": proxy.url, "ALL_PROXY": proxy.url])
    } _: { (source) async throws in
      #expect(try await source.fetch(outer.url + "/x") == png)
      for reference in ["http://169.254.169.254/x", "https://127.0.0.1/x"] {
        #expect(await failure(source, reference)?.code == .inputRefused)
      }
      #expect(proxy.acceptedConnections == 0)
    }
  }

  @Test("No signature, password or payload is told in an error")
  func secrets() async throws {
    let outer = try ScriptedHTTPServer(host: "127.0.0.2") { request in
      request.path == "/moved"
        ? .respond(status: 302, headers: [("Location", "http://10.0.0.1/x?X-Amz-Signature=hush")])
        : .respond(status: 403)
    }
    try await withSource { _ in
    } _: { (source) async throws in
      for reference in [
        "\(outer.url)/x?X-Amz-Signature=hush", "\(outer.url)/moved?token=hush", "http://user:hush@127.0.0.2/x",
        "http://10.0.0.1/x?sig=hush#hush", "data:image/png;base64,hush", "s3://bucket/key",
      ] {
        let error = try #require(await failure(source, reference))
        #expect(!"\(error)".contains("hush"), "\(error)")
      }
    }
  }

  @Test("A compressed answer is not inflated")
  func compressed() async throws {
    let outer = try ScriptedHTTPServer(host: "127.0.0.2") { _ in
      .respond(headers: [("Content-Encoding", "gzip")], body: [0x1F, 0x8B, 8, 0] + [UInt8](repeating: 0, count: 60))
    }
    try await withSource { _ in
    } _: { (source) async throws in
      #expect(await failure(source, outer.url)?.code == .inputInvalid)
      #expect(outer.requests.first?.header("accept-encoding") == nil)
    }
  }
}
