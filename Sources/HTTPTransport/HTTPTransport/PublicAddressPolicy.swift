/// Allows addresses of the public Internet alone, and goes through no proxy: for URLs that strangers hand in.
///
/// Refused is what the IANA special-purpose registries (RFC 6890 and its updates) do not list as globally reachable:
/// loopback, private and shared networks, link-local with the clouds' metadata services, unique-local, multicast,
/// reserved and documentation ranges; and every form that wraps an IPv4 address in an IPv6 one (mapped, compatible,
/// 6to4, Teredo, NAT64), since what it leads to is for a translator on the way to decide.
public struct PublicAddressPolicy: ConnectionPolicy {
  /// Whether `64:ff9b::/96` is judged by the IPv4 address inside, rather than refused: for clusters with IPv6 alone,
  /// which reach the IPv4 Internet through DNS64 and NAT64.
  public var allowsNAT64: Bool

  /// The environment's proxies are ignored: through one, the address connected to would say nothing.
  public var usesEnvironmentProxies: Bool { false }

  /// A policy that allows public addresses alone.
  public init(allowsNAT64: Bool = false) { self.allowsNAT64 = allowsNAT64 }

  /// Why an address is refused, or `nil` if it is a public one.
  public func refusal(of address: SocketAddress) -> String? {
    let isPublic =
      switch address.bytes.count {
      case 4: Self.isPublic(v4: address.bytes[...])
      case 16: isPublic(v6: address.bytes)
      default: false
      }
    return isPublic ? nil : "the address is not one of the public Internet"
  }

  private func isPublic(v6 bytes: [UInt8]) -> Bool {
    if allowsNAT64, Self.nat64.contains(bytes) { return Self.isPublic(v4: bytes[12...]) }
    // Global unicast is 2000::/3; mapped, compatible, NAT64, local and multicast forms all lie outside.
    return Self.globalUnicast.contains(bytes) && !Self.refusedV6.contains { $0.contains(bytes) }
  }

  private static func isPublic(v4 bytes: ArraySlice<UInt8>) -> Bool { !refusedV4.contains { $0.contains(bytes) } }

  private struct Network: Sendable {
    var prefix: [UInt8]
    var length: Int

    init(_ length: Int, _ prefix: UInt8...) { (self.length, self.prefix) = (length, prefix) }

    /// Whether the first `length` bits are those of the prefix, which is zero past its bytes.
    func contains(_ bytes: some Collection<UInt8>) -> Bool {
      var left = length
      for (index, byte) in bytes.enumerated() where left > 0 {
        let mask: UInt8 = left >= 8 ? 0xFF : ~(0xFF >> UInt8(left))
        guard (byte ^ (index < prefix.count ? prefix[index] : 0)) & mask == 0 else { return false }
        left -= 8
      }
      return left <= 0
    }
  }

  private static let refusedV4 = [
    Network(8, 0),  // this network
    Network(8, 10),  // private
    Network(10, 100, 64),  // shared, carrier-grade NAT
    Network(8, 127),  // loopback
    Network(16, 169, 254),  // link-local; metadata
    Network(12, 172, 16),  // private
    Network(24, 192, 0, 0),  // protocol assignments
    Network(24, 192, 0, 2),  // documentation
    Network(24, 192, 88, 99),  // 6to4 relays
    Network(16, 192, 168),  // private
    Network(15, 198, 18),  // benchmarking
    Network(24, 198, 51, 100),  // documentation
    Network(24, 203, 0, 113),  // documentation
    Network(32, 168, 63, 129, 16),  // Azure's metadata, from a public range
    Network(4, 224),  // multicast
    Network(4, 240),  // reserved, broadcast
  ]

  private static let globalUnicast = Network(3, 0x20)
  private static let nat64 = Network(96, 0x00, 0x64, 0xFF, 0x9B)
  private static let refusedV6 = [
    Network(23, 0x20, 0x01, 0x00),  // protocol assignments: Teredo, benchmarking, ORCHID
    Network(32, 0x20, 0x01, 0x0D, 0xB8),  // documentation
    Network(16, 0x20, 0x02),  // 6to4
    Network(20, 0x3F, 0xFF, 0x00),  // documentation
  ]
}
