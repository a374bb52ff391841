import HTTPTransport
import HTTPTypes
import SDTestKit
import Synchronization
import Testing

@Suite("Connection policies", .timeLimit(.minutes(5))) struct PolicyTests {
  /// Asks a closure, and keeps what it was asked.
  final class Recording: ConnectionPolicy {
    let asked = Mutex<[SocketAddress]>([])
    let usesEnvironmentProxies = false
    private let refuses: @Sendable (SocketAddress) -> Bool
    init(refuses: @escaping @Sendable (SocketAddress) -> Bool = { _ in false }) { self.refuses = refuses }
    func refusal(of address: SocketAddress) -> String? {
      asked.withLock { $0.append(address) }
      return refuses(address) ? "this one is not liked" : nil
    }
  }

  @Test(arguments: [
    "127.0.0.1", "localhost", "LOCALHOST", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0.0.0.0", "0", "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]", "[::127.0.0.1]", "169.254.169.254", "[fd00:ec2::254]", "10.0.0.1", "[64:ff9b::7f00:1]",
  ])
  func addressesThatAreNotPublicAreRefusedHoweverTheyAreWritten(_ host: String) async throws {
    let servers = try [ScriptedHTTPServer { _ in .respond() }, ScriptedHTTPServer(host: "::1") { _ in .respond() }]
    try await withTransport { transport in
      for server in servers {
        let request = try HTTPRequest(url: "http://\(host):\(server.port)/")
        let error = await failure { () throws(TransportError) in
          try await transport.send(request, upTo: 0, options: .with { $0.policy = PublicAddressPolicy() })
        }
        #expect(error?.code == .addressRefused)
        #expect(error?.requestMayHaveBeenSent == false)
        #expect(server.acceptedConnections == 0)
      }
    }
  }

  @Test func thePolicyIsAskedWithTheAddressThatIsConnectedTo() async throws {
    let server = try ScriptedHTTPServer { _ in .respond() }
    let policy = Recording()
    try await withTransport { transport in
      _ = try await transport.send(
        HTTPRequest(url: "http://localhost:\(server.port)/"), upTo: 0, options: .with { $0.policy = policy })
      #expect(policy.asked.withLock { $0 }.contains(SocketAddress(bytes: [127, 0, 0, 1], port: server.port)))
    }
  }

  @Test func aKeptConnectionIsNotUsedUnderAPolicyThatRefusesIt() async throws {
    let server = try ScriptedHTTPServer { _ in .respond() }
    try await withTransport { transport in
      let request = try HTTPRequest(url: "http://localhost:\(server.port)/")
      _ = try await transport.send(request, upTo: 0)
      let error = await failure { () throws(TransportError) in
        try await transport.send(request, upTo: 0, options: .with { $0.policy = PublicAddressPolicy() })
      }
      #expect(error?.code == .addressRefused)
      #expect(error?.requestMayHaveBeenSent == false)
      #expect(server.requests.count == 1)
      // One that allows the address may use what another made.
      _ = try await transport.send(request, upTo: 0)
      let policy = Recording()
      _ = try await transport.send(request, upTo: 0, options: .with { $0.policy = policy })
      #expect(!policy.asked.withLock { $0 }.isEmpty)
      #expect(server.requests.count == 3)
      #expect(server.requests.dropFirst().map(\.connection) == [2, 2])
    }
  }

  @Test func theTransportsOwnPolicyHoldsForExchangesWithoutOne() async throws {
    let server = try ScriptedHTTPServer { _ in .respond() }
    var configuration = CurlTransport.Configuration()
    configuration.policy = PublicAddressPolicy()
    try await withTransport(configuration) { transport in
      let request = try HTTPRequest(url: server.url)
      let error = await failure { () throws(TransportError) in try await transport.send(request, upTo: 0) }
      #expect(error?.code == .addressRefused)
      let answer = try await transport.send(request, upTo: 0, options: .with { $0.policy = OpenPolicy() })
      #expect(answer.head.status == 200)
    }
  }

  // MARK: Which addresses are public

  private func refuses(_ text: String, _ policy: PublicAddressPolicy = .init()) throws -> Bool {
    policy.refusal(of: SocketAddress(bytes: try #require(numeric(text), "\(text)"), port: 443)) != nil
  }

  @Test(arguments: [
    "0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1", "127.255.255.255",
    "169.254.0.1", "169.254.169.254", "169.254.170.2", "169.254.170.23", "172.16.0.0", "172.31.255.255", "192.0.0.1",
    "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16", "::", "::1", "::7f00:1", "::808:808",
    "::ffff:7f00:1",
    "::ffff:808:808", "64:ff9b::a9fe:a9fe", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:2::1",
    "2001:db8::1",
    "2001:1ff:ffff::1", "2002:7f00:1::1", "2002:808:808::1", "3fff::1", "3fff:fff:ffff::1", "4000::1", "5f00::1",
    "fc00::1",
    "fd00:ec2::254", "fd00:ec2::23", "fdff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ffff::1", "1fff::1",
  ])
  func refused(_ text: String) throws { #expect(try refuses(text)) }

  @Test(arguments: [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0",
    "198.17.255.255", "198.20.0.0", "223.255.255.255", "168.63.129.15", "2600:1f00::1", "2a00:1450::1", "2001:200::1",
    "2001:db7::1", "2001:db9::1", "2003::1", "3ffe::1", "3fff:1000::1", "2606:4700:4700::1111",
  ])
  func allowed(_ text: String) throws { #expect(try !refuses(text)) }

  @Test func nat64IsJudgedByWhatItHoldsWhereAllowed() throws {
    let policy = PublicAddressPolicy(allowsNAT64: true)
    #expect(try !refuses("64:ff9b::808:808", policy))
    #expect(try refuses("64:ff9b::a9fe:a9fe", policy))
    #expect(try refuses("64:ff9b::7f00:1", policy))
    #expect(try refuses("64:ff9b:1::808:808", policy))
    #expect(try refuses("::ffff:808:808", policy))
  }

  @Test func addressesOfNoKnownKindAreRefused() {
    for bytes in [[], [8, 8, 8], [UInt8](repeating: 0x20, count: 17)] as [[UInt8]] {
      #expect(PublicAddressPolicy().refusal(of: SocketAddress(bytes: bytes, port: 1)) != nil)
    }
  }
}
