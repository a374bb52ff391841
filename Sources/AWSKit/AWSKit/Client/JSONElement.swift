import FoundationEssentials

/// Any JSON: what calls of the JSON protocols are made of, and what they answer.
///
/// Typed access is as with ``XMLElement``: a missing member is `nil`, a member that is no such value is an error.
enum JSONElement: Codable, Sendable, Hashable {
  case null
  case bool(Bool)
  case integer(Int64)
  case number(Double)
  case string(String)
  case array([JSONElement])
  case object([String: JSONElement])

  /// Reads an answer; none at all is an empty object.
  init(_ bytes: [UInt8]) throws(AWSError) {
    guard !bytes.isEmpty else {
      self = .object([:])
      return
    }
    // The decoder's own words may quote the answer.
    do { self = try JSONDecoder().decode(JSONElement.self, from: Data(bytes)) } catch {
      throw AWSError(.malformedAnswer, "the answer is no JSON")
    }
  }

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let text = try? value.decode(String.self) {
      self = .string(text)
    } else if let members = try? value.decode([String: JSONElement].self) {
      self = .object(members)
    } else if let elements = try? value.decode([JSONElement].self) {
      self = .array(elements)
    } else if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else if let integer = try? value.decode(Int64.self) {
      self = .integer(integer)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if value.decodeNil() {
      self = .null
    } else {
      throw DecodingError.dataCorruptedError(in: value, debugDescription: "no JSON value")
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let bool): try container.encode(bool)
    case .integer(let integer): try container.encode(integer)
    case .number(let number): try container.encode(number)
    case .string(let text): try container.encode(text)
    case .array(let elements): try container.encode(elements)
    case .object(let members): try container.encode(members)
    }
  }
}

// MARK: - Reading

extension JSONElement {
  /// A member of an object; `nil` for a missing one and for `null`.
  subscript(name: String) -> JSONElement? {
    guard case .object(let members) = self, let member = members[name], member != .null else { return nil }
    return member
  }

  /// A member's text.
  func string(_ name: String) throws(AWSError) -> String? {
    guard let member = self[name] else { return nil }
    guard case .string(let text) = member else { throw Self.unreadable(name, "text") }
    return text
  }

  /// A member's text; an error without it.
  func required(_ name: String) throws(AWSError) -> String {
    guard let text = try string(name) else {
      throw AWSError(.malformedAnswer, "the answer has no \(name)")
    }
    return text
  }

  /// A member's number.
  func integer(_ name: String) throws(AWSError) -> Int? {
    switch self[name] {
    case nil: return nil
    case .integer(let integer): return Int(integer)
    default: throw Self.unreadable(name, "number")
    }
  }

  /// A member that says `true` or `false`.
  func bool(_ name: String) throws(AWSError) -> Bool? {
    switch self[name] {
    case nil: return nil
    case .bool(let bool): return bool
    default: throw Self.unreadable(name, "truth value")
    }
  }

  /// A member's moment: seconds since 1970, or one of the wire's texts.
  func date(_ name: String) throws(AWSError) -> Date? {
    switch self[name] {
    case nil: return nil
    case .integer(let seconds): return Date(timeIntervalSince1970: Double(seconds))
    case .number(let seconds): return Date(timeIntervalSince1970: seconds)
    case .string(let text):
      guard let date = WireTimeParser.date(text) else { throw Self.unreadable(name, "date") }
      return date
    default: throw Self.unreadable(name, "date")
    }
  }

  /// The elements of a list, transformed; no list is an empty one.
  func list<T>(_ name: String, _ transform: (JSONElement) throws(AWSError) -> T) throws(AWSError) -> [T] {
    guard let member = self[name] else { return [] }
    guard case .array(let elements) = member else { throw Self.unreadable(name, "list") }
    var values: [T] = []
    for element in elements { values.append(try transform(element)) }
    return values
  }

  /// The texts of a list.
  func strings(_ name: String) throws(AWSError) -> [String] {
    try list(name) { element throws(AWSError) in
      guard case .string(let text) = element else { throw Self.unreadable(name, "list of texts") }
      return text
    }
  }

  /// Texts by name.
  func map(_ name: String) throws(AWSError) -> [String: String] {
    guard let member = self[name] else { return [:] }
    guard case .object(let members) = member else { throw Self.unreadable(name, "map") }
    var values: [String: String] = [:]
    for key in members.keys { values[key] = try member.string(key) }
    return values
  }

  private static func unreadable(_ name: String, _ kind: String) -> AWSError {
    AWSError(.malformedAnswer, "the answer's \(name) is no \(kind)")
  }
}
