/// Takes secrets out of what is shown: user information of URLs, and values of queries and parameters that bear secrets.
public enum Redaction {
  /// Names whose values are no business of a log's, lower case, without dashes and underscores.
  private static let secretNames = [
    "password", "passwd", "secret", "token", "signature", "credential", "apikey", "accesskey", "authorization",
    "cookie", "privatekey", "sessionkey",
  ].map { Array($0.utf8) }

  /// Whether the value of something called so is a secret.
  ///
  /// Asked for each value that is logged: it looks at bytes.
  public static func isSecret(_ name: String) -> Bool {
    var plain: [UInt8] = []
    plain.reserveCapacity(name.utf8.count)
    for byte in name.utf8 where byte != UInt8(ascii: "-") && byte != UInt8(ascii: "_") {
      plain.append((0x41...0x5A).contains(byte) ? byte | 0x20 : byte)
    }
    return secretNames.contains { contains($0, in: plain) }
  }

  private static func contains(_ word: [UInt8], in text: [UInt8]) -> Bool {
    guard text.count >= word.count else { return false }
    return (0...(text.count - word.count)).contains { text[$0...].starts(with: word) }
  }

  /// A text without the secrets that can be told from their form.
  ///
  /// Meant for short texts such as messages; it looks at each byte once or twice.
  public static func redacted(_ text: String) -> String {
    let bytes = Array(text.utf8)
    guard bytes.contains(UInt8(ascii: "=")) || bytes.contains(UInt8(ascii: "@")) else { return text }
    return String(decoding: withoutParameters(withoutUserInformation(bytes)), as: UTF8.self)
  }

  /// `://user:password@` becomes `://***@`.
  private static func withoutUserInformation(_ bytes: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    var position = 0
    while position < bytes.count {
      guard bytes[position...].starts(with: "://".utf8) else {
        out.append(bytes[position])
        position += 1
        continue
      }
      out += "://".utf8
      position += 3
      let end = bytes[position...].firstIndex { isDelimiter($0) } ?? bytes.count
      // A password may hold any sign, slashes among them; the last @ before the next space ends it.
      if let at = bytes[position..<end].lastIndex(of: UInt8(ascii: "@")) {
        out += "***@".utf8
        position = at + 1
      }
    }
    return out
  }

  /// `token=abc` becomes `token=***`, in queries and wherever else it stands so.
  private static func withoutParameters(_ bytes: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    var nameStart = 0
    var position = 0
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      out.append(byte)
      if byte == UInt8(ascii: "=") {
        let name = String(decoding: out[min(nameStart, out.count - 1)..<(out.count - 1)], as: UTF8.self)
        nameStart = out.count
        guard isSecret(name) else { continue }
        out += "***".utf8
        position = bytes[position...].firstIndex { isDelimiter($0) || $0 == UInt8(ascii: "&") } ?? bytes.count
      } else if !isNameByte(byte) {
        nameStart = out.count
      }
    }
    return out
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
    default: false
    }
  }

  private static func isDelimiter(_ byte: UInt8) -> Bool {
    byte <= 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "<")
      || byte == UInt8(ascii: ">") || byte == UInt8(ascii: "|")
  }
}
