/// Text that stays on one line and means nothing to a terminal, whatever is in it.
enum LineText {
  /// A JSON string, quotes included.
  ///
  /// Beyond what JSON asks for, every control character, line separator and direction override is escaped: some readers of
  /// lines break at them.
  static func quoted(_ text: String) -> String {
    var bytes: [UInt8] = []
    appendQuoted(text, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  static func appendQuoted(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    appendEscaped(text, to: &bytes) { scalar in
      switch scalar {
      case "\"": "\\\""
      case "\\": "\\\\"
      case "\n": "\\n"
      case "\r": "\\r"
      case "\t": "\\t"
      default: isUnprintable(scalar) ? "\\u" + hexadecimal(scalar.value, digits: 4) : nil
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// Text as people read it, with what cannot be printed as `\n` or `\u{1b}`.
  static func appendPlain(_ text: String, to bytes: inout [UInt8]) {
    appendEscaped(text, to: &bytes) { scalar in
      switch scalar {
      case "\n": "\\n"
      case "\r": "\\r"
      case "\t": "\\t"
      default: isUnprintable(scalar) ? "\\u{\(String(scalar.value, radix: 16))}" : nil
      }
    }
  }

  private static func appendEscaped(_ text: String, to bytes: inout [UInt8], escape: (Unicode.Scalar) -> String?) {
    for scalar in text.unicodeScalars {
      if let escaped = escape(scalar) {
        bytes += escaped.utf8
      } else {
        bytes += Array(String(scalar).utf8)
      }
    }
  }

  private static func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0...0x1F, 0x7F...0x9F, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
    default: false
    }
  }

  private static func hexadecimal(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}
