import HTTPTransport
import ImageKit
import SDCore
import SDTestKit
import Testing

@testable import BackendPlugins

@Suite("Inputs by URL")
struct HTTPInputSourceTests {
  /// A configuration that may reach the servers of these tests.
  private static func open(_ change: (inout HTTPInputSource.Configuration) -> Void = { _ in })
    -> HTTPInputSource.Configuration
  {
    var configuration = HTTPInputSource.Configuration()
    configuration.policy = OpenPolicy(usesEnvironmentProxies: false)
    change(&configuration)
    return configuration
  }

  @Test("A picture is fetched, over redirects of every form")
  func redirects() async throws {
    let png = try picture()
    let server = try ScriptedHTTPServer { request in
      func redirect(_ location: String) -> ScriptedAnswer {
        .respond(status: 302, headers: [("Location", location)], body: "moved")
      }
      switch request.target {
      case "/a/cat.png?x=1", "/a/b%20c.png", "/a/%C3%A9.png": return .respond(body: png)
      case "/a/relative": return redirect("cat.png?x=1")
      case "/absolute-path": return redirect("/a/relative")
      case "/host": return redirect("//\(request.header("host") ?? "")/absolute-path")
      case "/far": return redirect("http://\(request.header("host") ?? "")/host")
      case "/space": return redirect("/a/b c.png#top")
      case "/ring": return redirect("/ring")
      case "/file": return redirect("file:///etc/passwd")
      case "/nowhere": return .respond(status: 302)
      default: return .respond(status: 404)
      }
    }
    try await withTransport { (transport) async throws in
      let source = HTTPInputSource(transport: transport, configuration: Self.open())
      for path in ["/a/cat.png?x=1", "/a/relative", "/absolute-path", "/host", "/space", "/a/é.png", "/a/b c.png"] {
        #expect(try await source.fetch(server.url + path) == png)
      }
      for path in ["/far", "/ring", "/file", "/nowhere"] {
        #expect(await failure(source, server.url + path)?.code == .inputRefused)
      }
      #expect(await failure(source, server.url + "/gone")?.code == .inputUnreachable)
      #expect(await failure(source, server.url + "/gone?token=secret")?.message.contains("secret") == false)
    }
  }

  @Test("Addresses that are not of the public Internet are refused, at every hop, however they are written")
  func addresses() async throws {
    let png = try picture()
    let inner = try ScriptedHTTPServer { _ in .respond(body: png) }
    let port = inner.port
    try await withTransport { (transport) async throws in
      let source = HTTPInputSource(transport: transport)
      for host in [
        "127.0.0.1", "localhost", "2130706433", "0177.0.0.1", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0",
      ] {
        let error = await failure(source, "http://\(host):\(port)/cat.png")
        #expect(
          error?.code == .inputRefused || error?.code == .inputUnreachable, "\(host): \(String(describing: error))")
      }
      #expect(await failure(source, "http://127.0.0.1:\(port)/cat.png")?.code == .inputRefused)
      #expect(inner.requests.isEmpty)

      // The first hop is let through, the second is not.
      let outer = try ScriptedHTTPServer { _ in
        .respond(status: 302, headers: [("Location", "http://127.0.0.1:\(port)/cat.png")])
      }
      struct OnlyPort: ConnectionPolicy {
        var port: UInt16
        var usesEnvironmentProxies: Bool { false }
        func refusal(of address: SocketAddress) -> String? { address.port == port ? nil : "not that one" }
      }
      var configuration = HTTPInputSource.Configuration()
      configuration.policy = OnlyPort(port: outer.port)
      let hopping = HTTPInputSource(transport: transport, configuration: configuration)
      #expect(await failure(hopping, outer.url + "/x")?.code == .inputRefused)
      #expect(outer.requests.count == 1 && inner.requests.isEmpty)
    }
  }

  @Test(
    "References of other kinds are refused",
    arguments: [
      "ftp://example.com/a.png", "file:///etc/passwd", "gopher://x/", "http://", "http:///x", "/etc/passwd", "",
      "http://user:secret@example.com/a.png", "s3://", "s3://bucket", "s3://bucket/", "s3:/bucket/key",
    ])
  func kinds(reference: String) async throws {
    try await withTransport { (transport) async throws in
      let source = HTTPInputSource(transport: transport, configuration: Self.open()) { _, _, _ in
        Issue.record("an object was read")
        return nil
      }
      let error = await failure(source, reference)
      #expect(error?.code == .inputRefused && error?.message.contains("secret") == false)
    }
  }

  @Test("What is no whole picture, or too large, is refused")
  func content() async throws {
    let png = try picture(1, 300, 300)
    let server = try ScriptedHTTPServer { request in
      switch request.path {
      case "/cut": .respond(body: Array(png.dropLast(30)))
      case "/html": .respond(body: "<html>no such cat</html>")
      case "/empty": .respond(body: "")
      case "/large": .fill(count: 3 << 20)
      case "/endless": .chunked((0..<40).map { _ in String(repeating: "x", count: 100_000) })
      default: .respond(body: png)
      }
    }
    try await withTransport { (transport) async throws in
      let configuration = Self.open { configuration in
        configuration.maximumBytes = 2 << 20
      }
      let source = HTTPInputSource(transport: transport, configuration: configuration)
      for path in ["/cut", "/html", "/empty", "/large", "/endless"] {
        #expect(await failure(source, server.url + path)?.code == .inputInvalid, "\(path)")
      }
      #expect(await failure(source, server.url + "/good") == nil)
      var small = configuration
      small.limits.maxWidth = 200
      let strict = HTTPInputSource(transport: transport, configuration: small)
      #expect(await failure(strict, server.url + "/good")?.code == .inputInvalid)
    }
  }

  @Test(
    "A server's failure passes, its refusal does not", arguments: [(500, true), (503, true), (429, true), (403, false)])
  func statuses(status: Int, mayPass: Bool) async throws {
    let server = try ScriptedHTTPServer { _ in .respond(status: status) }
    try await withTransport { (transport) async throws in
      let error = await failure(HTTPInputSource(transport: transport, configuration: Self.open()), server.url + "/x")
      #expect(error?.code == .inputUnreachable && error?.retryable == mayPass)
    }
  }

  @Test("A server that does not answer is given up")
  func silence() async throws {
    let server = try ScriptedHTTPServer { $0.path == "/slow" ? .hang : .close }
    try await withTransport { (transport) async throws in
      let configuration = Self.open { $0.timeout = .milliseconds(200) }
      let source = HTTPInputSource(transport: transport, configuration: configuration)
      for path in ["/slow", "/closed"] {
        let error = await failure(source, server.url + path)
        #expect(error?.code == .inputUnreachable && error?.retryable == true)
      }
    }
  }

  @Test("A host may stand for a server of a test")
  func hosts() async throws {
    let png = try picture()
    let server = try ScriptedHTTPServer { _ in .respond(body: png) }
    try await withTransport { (transport) async throws in
      var configuration = HTTPInputSource.Configuration()
      configuration.hosts = ["images.example": server.url]
      let source = HTTPInputSource(transport: transport, configuration: configuration)
      for reference in ["http://Images.example:8080/cat.png?a=1", "https://images.example/cat.png?a=1"] {
        #expect(try await source.fetch(reference) == png)
      }
      #expect(server.requests.map(\.target) == ["/cat.png?a=1", "/cat.png?a=1"])
      // Only that one: the address itself is as far away as ever.
      #expect(await failure(source, server.url + "/cat.png")?.code == .inputRefused)
    }
  }

  @Test("Objects are read by whoever the runtime says, and its refusals are kept")
  func objects() async throws {
    let png = try picture()
    try await withTransport { (transport) async throws in
      let source = HTTPInputSource(transport: transport) { bucket, key, _ in
        switch (bucket, key) {
        case ("inputs", "a/cat 1.png"): return InputObject(bytes: png, etag: nil)
        case ("inputs", "a/text"): return InputObject(bytes: Array("text".utf8), etag: nil)
        case ("inputs", _): throw SDError(.notFound, "no such object")
        case ("busy", _): throw SDError(.throttled, "slow down")
        default: throw SDError(.denied, "not allowed")
        }
      }
      #expect(try await source.fetch("s3://inputs/a/cat 1.png") == png)
      #expect(await failure(source, "s3://inputs/a/text")?.code == .inputInvalid)
      #expect(await failure(source, "s3://inputs/b")?.retryable == false)
      #expect(await failure(source, "s3://busy/b")?.retryable == true)
      #expect(await failure(source, "s3://other/b")?.code == .inputRefused)
      #expect(await failure(HTTPInputSource(transport: transport), "s3://inputs/a")?.code == .inputRefused)
    }
  }

  @Test("Data URLs are taken apart")
  func data() async throws {
    let png = try picture()
    let text = Base64.encode(png)
    let coded = text.map { $0 == "+" ? "%2B" : $0 == "=" ? "%3D" : "\($0)" }.joined()
    try await withTransport { (transport) async throws in
      let source = HTTPInputSource(transport: transport)
      for url in ["data:image/png;base64,\(text)", "data:;base64,\(text)", "DATA:image/png;BASE64,\(coded)"] {
        #expect(try await source.fetch(url) == png)
      }
      for url in [
        "data:,hello", "data:image/png;base64,***", "data:image/png;base64,aGVsbG8=", "data:image/png;base64",
      ] {
        #expect(await failure(source, url)?.code == .inputInvalid)
      }
    }
  }
}
