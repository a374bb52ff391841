import FoundationEssentials

/// Bytes being written: the small vocabulary that signing, query bodies and request paths are built with.
///
/// Everything that goes to a signature or to the wire is made on `[UInt8]`; `String` loops cost several times as much.
extension [UInt8] {
  /// Appends the UTF-8 of a text.
  @inline(__always)
  mutating func append(_ text: String) { append(contentsOf: text.utf8) }

  /// Appends the bytes of a literal.
  @inline(__always)
  mutating func append(_ literal: StaticString) {
    literal.withUTF8Buffer { append(contentsOf: $0) }
  }

  /// Appends a number in decimal.
  mutating func append(decimal number: some BinaryInteger) { append(String(number)) }

  /// Appends bytes in lower-case hexadecimal.
  mutating func append(hex bytes: some ContiguousBytes) {
    bytes.withUnsafeBytes { bytes in
      for byte in bytes {
        append(hexDigit(byte >> 4))
        append(hexDigit(byte & 15))
      }
    }
  }

  /// Appends a number in lower-case hexadecimal without leading zeros.
  mutating func append(hexadecimal number: Int) { append(String(number, radix: 16)) }
}

/// A digest in lower-case hexadecimal.
func hexText(_ digest: some ContiguousBytes) -> String {
  digest.withUnsafeBytes { digest in
    String(unsafeUninitializedCapacity: 2 * digest.count) { text in
      for (index, byte) in digest.enumerated() {
        text[2 * index] = hexDigit(byte >> 4)
        text[2 * index + 1] = hexDigit(byte & 15)
      }
      return 2 * digest.count
    }
  }
}

@inline(__always)
private func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

/// The value of a hexadecimal digit, or `nil`.
@inline(__always)
func hexValue(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}

/// A byte of ASCII in lower case.
@inline(__always)
func lowercased(_ byte: UInt8) -> UInt8 {
  byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
}
