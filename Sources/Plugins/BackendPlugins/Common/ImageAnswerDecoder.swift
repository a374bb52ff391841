/// The bytes of images, decoded where their texts stood: an answer needs no more memory than it came with.
enum ImageAnswerDecoder {
  /// Decodes one text in place.
  ///
  /// - Returns: where the image's bytes are now; `nil` if the text is not base64.
  static func decode(_ text: ImageAnswerScanner.Text, in bytes: UnsafeMutableBufferPointer<UInt8>) -> Range<Int>? {
    var range = text.range
    if text.hasEscapes {
      guard let count = unescape(range, in: bytes) else { return nil }
      range = range.lowerBound..<(range.lowerBound + count)
    }
    let start = range.lowerBound + Base64.payloadStart(of: UnsafeMutableBufferPointer(rebasing: bytes[range]))
    guard let count = Base64.decode(start..<range.upperBound, in: bytes), count > 0 else { return nil }
    return start..<(start + count)
  }

  /// Undoes the escapes that ASCII text can have; `nil` for any other.
  private static func unescape(_ range: Range<Int>, in bytes: UnsafeMutableBufferPointer<UInt8>) -> Int? {
    var (read, write) = (range.lowerBound, range.lowerBound)
    while read < range.upperBound {
      var byte = bytes[read]
      read += 1
      if byte == UInt8(ascii: "\\") {
        guard read < range.upperBound else { return nil }
        let escape = bytes[read]
        read += 1
        switch escape {
        case UInt8(ascii: "/"): byte = escape
        case UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"): byte = 0x20
        case UInt8(ascii: "u"):
          guard read + 4 <= range.upperBound else { return nil }
          let digits = String(decoding: UnsafeMutableBufferPointer(rebasing: bytes[read..<(read + 4)]), as: UTF8.self)
          guard digits.utf8.allSatisfy({ $0 != UInt8(ascii: "+") }), let value = UInt8(digits, radix: 16), value < 0x80
          else { return nil }
          byte = value
          read += 4
        default: return nil
        }
      }
      bytes[write] = byte
      write += 1
    }
    return write - range.lowerBound
  }
}
