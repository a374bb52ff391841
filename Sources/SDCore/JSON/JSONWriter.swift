extension JSONValue {
  /// The JSON text, compact, members in their order, as UTF-8.
  public func serialized() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(256)
    write(to: &bytes)
    return bytes
  }

  /// The JSON text, compact, members in their order.
  public var text: String { String(decoding: serialized(), as: UTF8.self) }

  /// The same value with members sorted by name at every level: one text for equal values, for digests.
  public var canonical: JSONValue {
    switch self {
    case .array(let elements): .array(elements.map(\.canonical))
    case .object(let object):
      .object(
        JSONObject(
          object.members.sorted { ExactString($0.name) < ExactString($1.name) }.map { ($0.name, $0.value.canonical) }))
    default: self
    }
  }

  /// Appends the JSON text.
  public func write(to bytes: inout [UInt8]) {
    switch self {
    case .null: bytes.append(contentsOf: "null".utf8)
    case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
    case .number(let number): bytes.append(contentsOf: number.literal.utf8)
    case .string(let string): Self.write(string, to: &bytes)
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      for (position, element) in elements.enumerated() {
        if position > 0 { bytes.append(UInt8(ascii: ",")) }
        element.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let object):
      bytes.append(UInt8(ascii: "{"))
      for (position, member) in object.members.enumerated() {
        if position > 0 { bytes.append(UInt8(ascii: ",")) }
        Self.write(member.name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        member.value.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  /// Appends a quoted string, escaping what RFC 8259 says must be, and the two characters besides that SQS and SNS do not
  /// take: U+FFFE and U+FFFF.
  package static func write(_ string: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    var string = string
    string.withUTF8 { text in
      var clean = 0
      for position in text.indices {
        let byte = text[position]
        if byte == 0xBE || byte == 0xBF, position >= 2, text[position - 1] == 0xBF, text[position - 2] == 0xEF {
          bytes.append(contentsOf: text[clean..<position - 2])
          bytes.append(contentsOf: (byte == 0xBE ? "\\ufffe" : "\\uffff").utf8)
          clean = position + 1
          continue
        }
        guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
        bytes.append(contentsOf: text[clean..<position])
        bytes.append(contentsOf: escape(of: byte).utf8)
        clean = position + 1
      }
      bytes.append(contentsOf: text[clean...])
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private static func escape(of byte: UInt8) -> String {
    switch byte {
    case UInt8(ascii: "\""): "\\\""
    case UInt8(ascii: "\\"): "\\\\"
    case 0x0A: "\\n"
    case 0x0D: "\\r"
    case 0x09: "\\t"
    default: "\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
  }
}
