/// An IP address by its bytes: 4 or 16 of them.
struct FilterAddress: Sendable, Equatable {
  let bytes: [UInt8]

  /// An address from dotted or colon text (RFC 4291, section 2.2); `nil` for anything else.
  init?(_ text: String) {
    guard let bytes = text.utf8.contains(UInt8(ascii: ":")) ? Self.version6(text) : Self.version4(text[...]) else {
      return nil
    }
    self.bytes = bytes
  }

  private static func version4(_ text: Substring) -> [UInt8]? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    let bytes = parts.compactMap { part -> UInt8? in
      guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (48...57).contains($0) }),
        part.utf8.count == 1 || part.utf8.first != 48
      else { return nil }
      return UInt8(part)
    }
    return bytes.count == 4 ? bytes : nil
  }

  private static func version6(_ text: String) -> [UInt8]? {
    let halves = text.components(separatedBy: "::")
    guard halves.count <= 2 else { return nil }
    guard let head = groups(halves[0], isLast: halves.count == 1) else { return nil }
    guard halves.count == 2 else { return head.count == 16 ? head : nil }
    guard let tail = groups(halves[1], isLast: true), head.count + tail.count <= 14 else { return nil }
    return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
  }

  /// The bytes of colon-separated groups, the last of which may be a dotted address.
  private static func groups(_ text: Substring, isLast: Bool) -> [UInt8]? {
    if text.isEmpty { return [] }
    var bytes: [UInt8] = []
    let groups = text.split(separator: ":", omittingEmptySubsequences: false)
    for (position, group) in groups.enumerated() {
      if isLast, position == groups.count - 1, group.utf8.contains(UInt8(ascii: ".")) {
        guard let dotted = version4(group) else { return nil }
        bytes += dotted
      } else {
        guard (1...4).contains(group.utf8.count), group.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
          let value = UInt16(group, radix: 16)
        else { return nil }
        bytes += [UInt8(value >> 8), UInt8(value & 0xFF)]
      }
    }
    return bytes.count <= 16 ? bytes : nil
  }

  /// A block of addresses in CIDR notation (RFC 4632, RFC 4291).
  struct Block: Sendable {
    private let address: FilterAddress
    private let prefix: Int

    /// A block; a lone address is a block of one.
    init?(_ text: String) {
      let parts = text.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count <= 2, let address = FilterAddress(String(parts[0])) else { return nil }
      let bits = address.bytes.count * 8
      guard parts.count == 2 else {
        (self.address, prefix) = (address, bits)
        return
      }
      guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (48...57).contains($0) }),
        let prefix = Int(parts[1]), prefix <= bits
      else { return nil }
      (self.address, self.prefix) = (address, prefix)
    }

    func contains(_ other: FilterAddress) -> Bool {
      guard other.bytes.count == address.bytes.count else { return false }
      let whole = prefix / 8
      guard address.bytes[..<whole].elementsEqual(other.bytes[..<whole]) else { return false }
      guard prefix % 8 > 0 else { return true }
      let mask = UInt8(truncatingIfNeeded: 0xFF00 >> (prefix % 8))
      return address.bytes[whole] & mask == other.bytes[whole] & mask
    }
  }
}

extension String {
  /// The parts between occurrences of a separator of ASCII characters.
  fileprivate func components(separatedBy separator: StaticString) -> [Substring] {
    let wanted = Array("\(separator)".utf8)
    var (parts, start, position): ([Substring], Index, Index) = ([], startIndex, startIndex)
    while position < endIndex {
      if utf8[position...].starts(with: wanted) {
        parts.append(self[start..<position])
        position = utf8.index(position, offsetBy: wanted.count)
        start = position
      } else {
        position = utf8.index(after: position)
      }
    }
    return parts + [self[start...]]
  }
}
