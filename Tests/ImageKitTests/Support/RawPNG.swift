/// PNG files built by hand, chunk by chunk, so that any rule can be broken.
///
/// It shares no code with ImageKit.
struct RawPNG {
  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  var bytes = Self.signature

  /// A file of these chunks.
  static func file(_ chunks: [[UInt8]]) -> [UInt8] { signature + chunks.flatMap { $0 } }

  /// A sound file of 4x3 gray pixels with more chunks before and after its image data.
  static func sound(before: [[UInt8]] = [], after: [[UInt8]] = []) -> [UInt8] {
    file([header(width: 4, height: 3)] + before + [data(rows(3, of: 4))] + after + [end])
  }

  static let end = chunk("IEND", [])

  static func header(
    width: UInt32, height: UInt32, bitDepth: UInt8 = 8, colorType: UInt8 = 0, compression: UInt8 = 0, filter: UInt8 = 0,
    interlace: UInt8 = 0
  ) -> [UInt8] {
    chunk("IHDR", big(width) + big(height) + [bitDepth, colorType, compression, filter, interlace])
  }

  /// An IDAT chunk of inflated bytes.
  static func data(_ raw: [UInt8]) -> [UInt8] { chunk("IDAT", stored(raw)) }

  /// Scanlines of `width` bytes with filter 0.
  static func rows(_ count: Int, of width: Int) -> [UInt8] {
    (0..<count).flatMap { row in [0] + (0..<width).map { UInt8(truncatingIfNeeded: row * 31 + $0 * 7) } }
  }

  static func chunk(_ type: String, _ data: [UInt8], length: UInt32? = nil, crc: UInt32? = nil) -> [UInt8] {
    let body = Array(type.utf8) + data
    return big(length ?? UInt32(data.count)) + body + big(crc ?? crc32(body))
  }

  static func big(_ value: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }

  static func crc32(_ bytes: [UInt8]) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? 0xEDB8_8320 ^ (crc >> 1) : crc >> 1 }
    }
    return ~crc
  }

  /// A zlib stream of one stored block.
  static func stored(_ raw: [UInt8]) -> [UInt8] {
    precondition(raw.count < 65536)
    let count = UInt16(raw.count)
    let header: [UInt8] = [0x78, 0x01, 0x01] + [count, ~count].flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    return header + raw + big(adler32(raw))
  }

  static func adler32(_ bytes: [UInt8]) -> UInt32 {
    var (a, b): (UInt32, UInt32) = (1, 0)
    for byte in bytes { (a, b) = ((a + UInt32(byte)) % 65521, (a + UInt32(byte) + b) % 65521) }
    return b << 16 | a
  }

  /// A zlib stream that inflates to a zero and `matches` times 258 more of them, at 13 bits a time, and does not end.
  static func bomb(matches: Int) -> [UInt8] {
    var (out, held, count): ([UInt8], UInt64, UInt64) = ([0x78, 0x01], 0, 0)
    out.reserveCapacity(matches * 13 / 8 + 16)
    // Bits go in from the low end; a Huffman code from its most significant bit on.
    func put(_ bits: UInt64, _ width: UInt64) {
      held |= bits << count
      count += width
      while count >= 8 {
        out.append(UInt8(truncatingIfNeeded: held))
        held >>= 8
        count -= 8
      }
    }
    put(0b011, 3)  // the last block, fixed codes
    put(0b0000_1100, 8)  // the literal 0: 00110000, turned round
    // 258 bytes (11000101, turned round) from one byte back (00000)
    for _ in 0..<matches { put(0b0_0000_1010_0011, 13) }
    put(0, 7)
    put(0, 8)
    return out
  }
}
