import FoundationEssentials

/// Any JSON: cases come in as it, and what came of them goes out as it.
enum JSONValue: Codable, Sendable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let text = try? value.decode(String.self) {
      self = .string(text)
    } else if let array = try? value.decode([JSONValue].self) {
      self = .array(array)
    } else {
      self = .object(try value.decode([String: JSONValue].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let bool): try container.encode(bool)
    case .number(let number): try container.encode(number)
    case .string(let text): try container.encode(text)
    case .array(let elements): try container.encode(elements)
    case .object(let members): try container.encode(members)
    }
  }

  subscript(name: String) -> JSONValue {
    if case .object(let members) = self { return members[name] ?? .null }
    return .null
  }

  /// A member's text, empty where there is none.
  func text(_ name: String) -> String { self[name].text ?? "" }

  var text: String? { if case .string(let text) = self { text } else { nil } }
  var int: Int? { if case .number(let number) = self { Int(number) } else { nil } }
  var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
  var date: Date? { if case .number(let number) = self { Date(timeIntervalSince1970: number) } else { nil } }
  var list: [JSONValue] { if case .array(let list) = self { list } else { [] } }
  var texts: [String] { list.compactMap(\.text) }
  /// Bytes, which are in base64.
  var bytes: [UInt8] { text.flatMap { Data(base64Encoded: $0) }.map { [UInt8]($0) } ?? [] }
  var isNull: Bool { if case .null = self { true } else { false } }
  /// Texts by name.
  var table: [String: String] { if case .object(let members) = self { members.compactMapValues(\.text) } else { [:] } }
  /// `[{"Key": …, "Value": …}]` as texts by name.
  var tags: [String: String] {
    var tags: [String: String] = [:]
    for tag in list { tags[tag.text("Key")] = tag.text("Value") }
    return tags
  }
}
