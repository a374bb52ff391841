import HTTPTransport
import HTTPTypes
import SDTestKit
import Testing

@Suite("Proxies", .timeLimit(.minutes(5))) struct ProxyTests {
  private func configuration(_ proxies: ProxySettings) -> CurlTransport.Configuration {
    var configuration = CurlTransport.Configuration()
    configuration.proxies = proxies
    return configuration
  }

  @Test func anHTTPRequestGoesThroughTheProxyWhole() async throws {
    let proxy = try ScriptedHTTPServer { _ in .respond(body: "from the proxy") }
    try await withTransport(configuration(.init(http: proxy.url))) { transport in
      let answer = try await transport.send(HTTPRequest(url: "http://somewhere.invalid:81/a/../%2f?x=1"), upTo: 100)
      #expect(answer.body == Array("from the proxy".utf8))
      let seen = try #require(proxy.requests.first)
      #expect(seen.target == "http://somewhere.invalid:81/a/../%2f?x=1")
      #expect(seen.header("host") == "somewhere.invalid:81")
    }
  }

  @Test func anHTTPSRequestAsksTheProxyForATunnel() async throws {
    let proxy = try ScriptedHTTPServer { _ in .respond(status: 403) }
    try await withTransport(configuration(.init(https: proxy.url))) { transport in
      let request = try HTTPRequest(url: "https://somewhere.invalid/secret", headerFields: [.authorization: "secret"])
      let error = await failure { () throws(TransportError) in try await transport.send(request, upTo: 0) }
      #expect(error?.code == .connectionFailed)
      #expect(error?.requestMayHaveBeenSent == false)
      let seen = try #require(proxy.requests.first)
      #expect(seen.method == "CONNECT")
      #expect(seen.target == "somewhere.invalid:443")
      #expect(seen.header("authorization") == nil)
    }
  }

  @Test func exceptionsAndPoliciesGoPastTheProxy() async throws {
    let proxy = try ScriptedHTTPServer { _ in .respond(status: 502) }
    let server = try ScriptedHTTPServer { _ in .respond() }
    struct Direct: ConnectionPolicy {
      var usesEnvironmentProxies: Bool { false }
      func refusal(of address: SocketAddress) -> String? { nil }
    }
    try await withTransport(configuration(.init(http: proxy.url, exceptions: "other.invalid,localhost"))) { transport in
      let byName = try HTTPRequest(url: "http://localhost:\(server.port)/a/../b")
      #expect(try await transport.send(byName, upTo: 0).head.status == 200)
      let byNumber = try HTTPRequest(url: server.url + "/c/../d")
      #expect(try await transport.send(byNumber, upTo: 0).head.status == 502)
      let answer = try await transport.send(byNumber, upTo: 0, options: .with { $0.policy = Direct() })
      #expect(answer.head.status == 200)
      #expect(server.requests.map(\.target) == ["/a/../b", "/c/../d"])
      let refused = await failure { () throws(TransportError) in
        try await transport.send(byNumber, upTo: 0, options: .with { $0.policy = PublicAddressPolicy() })
      }
      #expect(refused?.code == .addressRefused)
    }
  }

  @Test func theEnvironmentIsReadAsCurlReadsIt() {
    let lower = ProxySettings(environment: [
      "http_proxy": "http://a", "https_proxy": "http://b", "HTTPS_PROXY": "http://c", "no_proxy": "x,y",
      "NO_PROXY": "z",
    ])
    #expect(lower == ProxySettings(http: "http://a", https: "http://b", exceptions: "x,y"))
    #expect(ProxySettings(environment: ["HTTP_PROXY": "http://evil"]) == ProxySettings())
    #expect(
      ProxySettings(environment: [
        "ALL_PROXY": "http://all", "HTTPS_PROXY": "http://c", "NO_PROXY": "*", "http_proxy": "",
      ])
        == ProxySettings(http: "http://all", https: "http://c", exceptions: "*"))
  }
}
