import FoundationEssentials

/// Any JSON, with the looks at it that generated cases need.
enum JSONValue: Decodable, Sendable {
  case string(String)
  case number(Double)
  case bool(Bool)
  case array([JSONValue])
  case object([String: JSONValue])
  case null

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

  subscript(key: String) -> JSONValue {
    if case .object(let fields) = self { return fields[key] ?? .null }
    return .null
  }

  var text: String? { if case .string(let text) = self { text } else { nil } }
  var int: Int? { if case .number(let number) = self { Int(number) } else { nil } }
  var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
  var date: Date? { if case .number(let number) = self { Date(timeIntervalSince1970: number) } else { nil } }
  var list: [JSONValue] { if case .array(let list) = self { list } else { [] } }
  var texts: [String] { list.compactMap(\.text) }
  var bytes: [UInt8] { text.flatMap { Data(base64Encoded: $0) }.map { [UInt8]($0) } ?? [] }
  var isNull: Bool { if case .null = self { true } else { false } }
  var table: [String: String] {
    if case .object(let fields) = self { return fields.compactMapValues(\.text) }
    return [:]
  }
}
