import CImageKit

/// Four bytes that name a chunk, a box or a brand.
struct FourCC: Hashable, ExpressibleByStringLiteral {
  let rawValue: UInt32

  init(rawValue: UInt32) { self.rawValue = rawValue }

  /// A name written in this source: four ASCII characters.
  init(stringLiteral name: StaticString) {
    precondition(name.utf8CodeUnitCount == 4, "a name of four characters")
    self.rawValue = name.withUTF8Buffer { $0.reduce(0) { $0 << 8 | UInt32($1) } }
  }

  /// The name's bytes, in order.
  var bytes: [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: rawValue >> $0) } }

  /// Whether all four are ASCII letters.
  var isAlphabetic: Bool { bytes.allSatisfy { (0x41...0x5A).contains($0 & 0xDF) } }

  /// The name for messages; what is not printable ASCII is a question mark.
  var name: String {
    String(decoding: bytes.map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
  }
}

extension Span where Element == UInt8 {
  func matches(_ other: [UInt8], at offset: Int) -> Bool {
    guard offset >= 0, offset <= count, other.count <= count - offset else { return false }
    for index in other.indices where self[offset + index] != other[index] { return false }
    return true
  }

  func begins(with prefix: [UInt8]) -> Bool { matches(prefix, at: 0) }

  func bigEndian32(at offset: Int) -> Int? {
    guard offset >= 0, offset <= count - 4 else { return nil }
    return Int(self[offset]) << 24 | Int(self[offset + 1]) << 16 | Int(self[offset + 2]) << 8 | Int(self[offset + 3])
  }

  func fourCC(at offset: Int) -> FourCC? {
    bigEndian32(at: offset).map { FourCC(rawValue: UInt32(truncatingIfNeeded: $0)) }
  }

  /// CRC-32 as PNG and gzip use it.
  func crc32(_ range: Range<Int>) -> UInt32 {
    extracting(range).withUnsafeBufferPointer { cimagekit_crc32(0, $0.baseAddress, $0.count) }
  }

  /// Offset of the first such byte within the range, or the range's end.
  func firstOffset(of byte: UInt8, in range: Range<Int>) -> Int {
    range.lowerBound
      + extracting(range).withUnsafeBufferPointer { bytes in
        bytes.isEmpty ? 0 : cimagekit_find(bytes.baseAddress, bytes.count, byte)
      }
  }

  /// A copy of the bytes of a range.
  func array(_ range: Range<Int>) -> [UInt8] {
    extracting(range).withUnsafeBufferPointer { Array($0) }
  }

  /// Whether all of it is well-formed UTF-8.
  var isUTF8: Bool {
    withUnsafeBufferPointer { String(validating: $0, as: UTF8.self) != nil }
  }
}

/// A place inside a stretch of bytes; each read is checked against the stretch's end and moves on.
///
/// It holds offsets only, so that it may be stored while the span itself may not; the span is handed in at each read and
/// must reach to `end`.
struct Cursor {
  private(set) var offset: Int
  let end: Int
  /// What the stretch is, for messages.
  let part: String

  init(_ range: Range<Int>, _ part: String) {
    (self.offset, self.end, self.part) = (range.lowerBound, range.upperBound, part)
  }

  var left: Int { end - offset }

  /// Passes over `count` bytes and tells where they are.
  @discardableResult
  mutating func take(_ count: Int) throws(ImageError) -> Range<Int> {
    guard count >= 0, count <= left else {
      throw ImageError(.truncated, "\(part): \(count) bytes wanted at offset \(offset), \(left) there")
    }
    defer { offset += count }
    return offset..<(offset + count)
  }

  mutating func byte(_ bytes: Span<UInt8>) throws(ImageError) -> UInt8 {
    bytes[try take(1).lowerBound]
  }

  /// An unsigned big-endian integer of 0 to 8 bytes; what does not fit an `Int` is refused.
  mutating func bigEndian(_ width: Int, _ bytes: Span<UInt8>) throws(ImageError) -> Int {
    var value: UInt64 = 0
    for index in try take(width) { value = value << 8 | UInt64(bytes[index]) }
    guard let value = Int(exactly: value) else {
      throw ImageError(.malformed, "\(part): an impossible number at offset \(offset - width)")
    }
    return value
  }

  /// An unsigned little-endian integer of up to 4 bytes.
  mutating func littleEndian(_ width: Int, _ bytes: Span<UInt8>) throws(ImageError) -> Int {
    var value = 0
    for index in try take(width).reversed() { value = value << 8 | Int(bytes[index]) }
    return value
  }

  mutating func fourCC(_ bytes: Span<UInt8>) throws(ImageError) -> FourCC {
    FourCC(rawValue: UInt32(truncatingIfNeeded: try bigEndian(4, bytes)))
  }
}
