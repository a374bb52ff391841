/// Base64 (RFC 4648, section 4) read in place: the bytes take the room of their own text.
enum Base64 {
  /// Decodes the text within a range of a buffer, onto the range's start.
  ///
  /// White space is passed over and padding may be missing; any other character is refused. On refusal the range holds
  /// neither text nor bytes.
  /// - Returns: how many bytes there are now, or `nil` if the text is not base64.
  static func decode(_ range: Range<Int>, in buffer: UnsafeMutableBufferPointer<UInt8>) -> Int? {
    let text = UnsafeMutableBufferPointer(rebasing: buffer[range])
    var (read, written) = octets(of: text)
    // What is left is the end of the text, or begins with something that is no digit.
    var (bits, digits): (UInt32, Int) = (0, 0)
    while read < text.count {
      let byte = text[read]
      if byte == padding { break }
      read += 1
      if isSpace(byte) { continue }
      let value = values[Int(byte)]
      guard value != invalid else { return nil }
      (bits, digits) = (bits << 6 | value, digits + 1)
      if digits == 4 {
        for shift in [16, 8, 0] as [UInt32] {
          text[written] = UInt8(truncatingIfNeeded: bits >> shift)
          written += 1
        }
        (bits, digits) = (0, 0)
      }
    }
    var paddings = 0
    while read < text.count {
      guard text[read] == padding || isSpace(text[read]) else { return nil }
      paddings += text[read] == padding ? 1 : 0
      read += 1
    }
    guard digits != 1, paddings == 0 || paddings == (4 - digits) % 4 else { return nil }
    if digits == 2 {
      text[written] = UInt8(truncatingIfNeeded: bits >> 4)
    } else if digits == 3 {
      text[written] = UInt8(truncatingIfNeeded: bits >> 10)
      text[written + 1] = UInt8(truncatingIfNeeded: bits >> 2)
    }
    return written + max(0, digits - 1)
  }

  /// The bytes that a text stands for, with or without a `data:` prefix; `nil` if it is not base64.
  static func decode(_ text: String) -> [UInt8]? {
    var bytes = Array(text.utf8)
    let start = payloadStart(of: bytes)
    let count = bytes.withUnsafeMutableBufferPointer { decode(start..<$0.count, in: $0) }
    guard let count else { return nil }
    bytes.removeLast(bytes.count - start - count)
    bytes.removeFirst(start)
    return bytes
  }

  /// The text that stands for bytes, padded.
  static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let part = bytes[start..<min(start + 3, bytes.count)]
      let bits = part.reduce(0 as UInt32) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - part.count))
      for place in 0..<4 {
        text.append(place <= part.count ? digits[Int(bits >> UInt32(18 - 6 * place) & 63)] : padding)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Where the payload begins: behind `data:...;base64,` where the text has that.
  static func payloadStart(of text: some RandomAccessCollection<UInt8>) -> Int {
    guard text.starts(with: "data:".utf8) else { return 0 }
    let comma = text.prefix(256).firstIndex(of: UInt8(ascii: ","))
    return comma.map { text.distance(from: text.startIndex, to: $0) + 1 } ?? 0
  }

  /// The fast way through eight digits at a time; stops before the first other thing.
  private static func octets(
    of text: UnsafeMutableBufferPointer<UInt8>
  ) -> (read: Int, written: Int) {
    guard let base = text.baseAddress else { return (0, 0) }
    return placeTable.withUnsafeBufferPointer { table in
      let table = table.baseAddress.unsafelyUnwrapped
      var (read, written) = (0, 0)
      // Eight digits at a time; the two bytes too many that are stored lie where digits have been read.
      while read <= text.count - 8 {
        let from = base + read
        let high =
          table[Int(from[0])] | table[256 + Int(from[1])] | table[512 + Int(from[2])] | table[768 + Int(from[3])]
        let low =
          table[Int(from[4])] | table[256 + Int(from[5])] | table[512 + Int(from[6])] | table[768 + Int(from[7])]
        guard high | low < invalid else { break }
        let bits = (UInt64(high) << 24 | UInt64(low)) << 16
        UnsafeMutableRawPointer(base + written).storeBytes(of: bits.bigEndian, as: UInt64.self)
        read += 8
        written += 6
      }
      return (read, written)
    }
  }

  private static let padding = UInt8(ascii: "=")
  /// Above every sum of four digits.
  private static let invalid: UInt32 = 1 << 24

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  private static let values: [UInt32] = {
    var values = [UInt32](repeating: invalid, count: 256)
    for (value, digit) in digits.enumerated() { values[Int(digit)] = UInt32(value) }
    return values
  }()

  /// For each of four places, each digit's value where it belongs in the sum.
  private static let placeTable: [UInt32] = [18, 12, 6, 0].flatMap { shift in
    values.map { $0 == invalid ? invalid : $0 << UInt32(shift) }
  }
}
