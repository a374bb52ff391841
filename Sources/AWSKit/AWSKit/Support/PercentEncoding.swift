/// Percent-encoding as AWS's signature wants it: RFC 3986's unreserved characters stay, the rest becomes `%XX`.
enum PercentEncoding {
  /// Which bytes are kept: `A-Za-z0-9-_.~`, and `/` where paths are encoded.
  private static let unreserved: [Bool] = table("-_.~")
  private static let unreservedAndSlash: [Bool] = table("-_.~/")

  private static func table(_ extra: String) -> [Bool] {
    var kept = [Bool](repeating: false, count: 256)
    for byte in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8 { kept[Int(byte)] = true }
    for byte in extra.utf8 { kept[Int(byte)] = true }
    return kept
  }

  /// Upper case, as the specification asks for.
  private static let digits = Array("0123456789ABCDEF".utf8)

  /// Appends bytes, percent-encoded.
  static func append(_ text: some Collection<UInt8>, to bytes: inout [UInt8], keepingSlash: Bool = false) {
    let handled: Void? = text.withContiguousStorageIfAvailable { encode($0, to: &bytes, keepingSlash: keepingSlash) }
    if handled == nil {
      Array(text).withUnsafeBufferPointer { encode($0, to: &bytes, keepingSlash: keepingSlash) }
    }
  }

  private static func encode(_ text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8], keepingSlash: Bool) {
    let kept = keepingSlash ? unreservedAndSlash : unreserved
    var start = 0
    var index = 0
    while index < text.count {
      let byte = text[index]
      if !kept[Int(byte)] {
        if start < index { bytes.append(contentsOf: text[start..<index]) }
        bytes.append(UInt8(ascii: "%"))
        bytes.append(digits[Int(byte >> 4)])
        bytes.append(digits[Int(byte & 15)])
        start = index + 1
      }
      index += 1
    }
    if start < text.count { bytes.append(contentsOf: text[start...]) }
  }

  /// A text, percent-encoded.
  static func encode(_ text: String, keepingSlash: Bool = false) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count + 16)
    append(text.utf8, to: &bytes, keepingSlash: keepingSlash)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A text with `%XX` decoded (and `+` read as a space, where asked); what is no valid escape stays as it is.
  static func decode(_ text: some Collection<UInt8>, plusIsSpace: Bool = false) -> [UInt8] {
    let text = Array(text)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var index = 0
    while index < text.count {
      let byte = text[index]
      if byte == UInt8(ascii: "%"), index + 2 < text.count, let high = hexValue(text[index + 1]),
        let low = hexValue(text[index + 2])
      {
        bytes.append(high << 4 | low)
        index += 3
      } else {
        bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
        index += 1
      }
    }
    return bytes
  }
}
