import SDCore

/// Message attributes as bytes: for each, in order of names, the lengths and bytes of name and value around one byte
/// for the type.
///
/// No attributes are no bytes.
enum AttributeCoding {
  static func encode(_ attributes: MessageAttributes) -> [UInt8] {
    var bytes: [UInt8] = []
    for (name, value) in attributes.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
      append(Array(name.utf8), to: &bytes)
      switch value {
      case .string(let text): append(Array(text.utf8), type: "s", to: &bytes)
      case .number(let text): append(Array(text.utf8), type: "n", to: &bytes)
      case .binary(let value): append(value, type: "b", to: &bytes)
      case .list(let elements): append(JSONValue.array(elements).serialized(), type: "l", to: &bytes)
      }
    }
    return bytes
  }

  private static func append(_ value: [UInt8], type: Unicode.Scalar? = nil, to bytes: inout [UInt8]) {
    if let type { bytes.append(UInt8(ascii: type)) }
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: value.count).littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: value)
  }

  /// The attributes, or `nil` for bytes that are none.
  static func decode(_ bytes: [UInt8]) -> MessageAttributes? {
    var attributes: MessageAttributes = [:]
    var rest = bytes[...]
    while !rest.isEmpty {
      guard let name = take(&rest), let type = rest.popFirst(), let value = take(&rest) else { return nil }
      let text = String(decoding: value, as: UTF8.self)
      let key = String(decoding: name, as: UTF8.self)
      switch Unicode.Scalar(type) {
      case "s": attributes[key] = .string(text)
      case "n": attributes[key] = .number(text)
      case "b": attributes[key] = .binary(Array(value))
      case "l":
        guard let elements = (try? JSONValue(parsing: value))?.array else { return nil }
        attributes[key] = .list(elements)
      default: return nil
      }
    }
    return attributes
  }

  private static func take(_ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard bytes.count >= 4 else { return nil }
    let count = bytes.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    bytes = bytes.dropFirst(4)
    guard count <= bytes.count else { return nil }
    defer { bytes = bytes.dropFirst(count) }
    return bytes.prefix(count)
  }
}
