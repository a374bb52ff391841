/// A JSON value that loses nothing: members keep their order, numbers keep their digits.
///
/// Task payloads pass through this system unread for the most part, so `1.0` must not become `1`, nor
/// `18446744073709551617` become a rounded double. Of members with the same name the last one counts, as in RFC 8259's
/// most common reading.
public enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case number(JSONNumber)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)
}

/// A JSON number by its digits.
public struct JSONNumber: Sendable, Hashable {
  /// The number as it was written, valid by RFC 8259's grammar.
  public let literal: String

  /// A number by its digits; the caller vouches for the grammar.
  package init(unchecked literal: String) { self.literal = literal }

  /// A whole number.
  public init(_ value: some BinaryInteger) { literal = String(value) }

  /// A finite number; `nil` for infinities and NaN, which JSON cannot say.
  public init?(_ value: Double) {
    guard value.isFinite else { return nil }
    if let whole = Int64(exactly: value), abs(whole) < 1 << 53 { literal = String(whole) } else { literal = "\(value)" }
  }

  /// The value where it is a whole number that fits, `2.0` and `2e0` included.
  public var int: Int? {
    if let int = Int(literal) { return int }
    guard let double = Double(literal), abs(double) < 9e15 else { return nil }
    return Int(exactly: double)
  }

  /// The nearest double.
  public var double: Double? { Double(literal) }
}

/// The members of a JSON object, in their order.
public struct JSONObject: Sendable {
  /// A name and its value.
  public typealias Member = (name: String, value: JSONValue)

  private var storage: [Member] = []
  /// Where each name stands, kept only past a handful of members: before that a scan is faster.
  private var index: [String: Int]?
  private static let indexedFrom = 12

  /// An object without members.
  public init() {}

  /// An object from members; of equal names the last counts.
  public init(_ members: some Sequence<Member>) {
    for member in members { self[member.name] = member.value }
  }

  /// How many members there are.
  public var count: Int { storage.count }
  /// Whether there are none.
  public var isEmpty: Bool { storage.isEmpty }
  /// The members in their order.
  public var members: [Member] { storage }
  /// The names in their order.
  public var names: [String] { storage.map(\.name) }

  /// The value of a member. Setting replaces it in place or appends; setting `nil` removes it.
  public subscript(name: String) -> JSONValue? {
    get { position(of: name).map { storage[$0].value } }
    set {
      switch (position(of: name), newValue) {
      case (let position?, let value?): storage[position].value = value
      case (let position?, nil):
        storage.remove(at: position)
        if index != nil { rebuildIndex() }
      case (nil, let value?):
        storage.append((name, value))
        if index != nil { index?[name] = storage.count - 1 } else if storage.count > Self.indexedFrom { rebuildIndex() }
      case (nil, nil): break
      }
    }
  }

  private func position(of name: String) -> Int? {
    if let index { return index[name] }
    return storage.firstIndex { $0.name == name }
  }

  private mutating func rebuildIndex() {
    index =
      storage.count > Self.indexedFrom
      ? Dictionary(uniqueKeysWithValues: storage.enumerated().map { ($1.name, $0) }) : nil
  }
}

extension JSONObject: Hashable {
  /// Equal when the same names have the same values, in whatever order.
  public static func == (a: JSONObject, b: JSONObject) -> Bool {
    a.count == b.count && a.storage.allSatisfy { b[$0.name] == $0.value }
  }
  public func hash(into hasher: inout Hasher) {
    hasher.combine(count)
    for name in names.sorted() { hasher.combine(name) }
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self.init(elements.map { (name: $0.0, value: $0.1) })
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral, ExpressibleByStringInterpolation
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(nilLiteral: ()) { self = .null }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(JSONObject(elements.map { (name: $0.0, value: $0.1) }))
  }
}

extension JSONValue {
  /// A whole number.
  public static func int(_ value: Int) -> JSONValue { .number(JSONNumber(value)) }
  /// A number; `null` where JSON has no word for it.
  public static func double(_ value: Double) -> JSONValue { JSONNumber(value).map(JSONValue.number) ?? .null }
  /// Strings of an array.
  public static func strings(_ values: some Sequence<String>) -> JSONValue { .array(values.map(JSONValue.string)) }

  /// The text of a string.
  public var string: String? { if case .string(let value) = self { value } else { nil } }
  /// The value of a boolean.
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  /// The value of a whole number.
  public var int: Int? { if case .number(let value) = self { value.int } else { nil } }
  /// The value of a number.
  public var double: Double? { if case .number(let value) = self { value.double } else { nil } }
  /// The elements of an array.
  public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  /// The members of an object.
  public var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
  /// Whether it is `null`.
  public var isNull: Bool { self == .null }

  /// A member of an object; `nil` for anything else. Setting a member of something that is no object does nothing.
  public subscript(name: String) -> JSONValue? {
    get { object?[name] }
    set {
      guard case .object(var object) = self else { return }
      self = .null  // so that the object's storage is ours alone and is changed in place
      object[name] = newValue
      self = .object(object)
    }
  }

  /// The word that error messages use for this kind of value.
  public var kind: String {
    switch self {
    case .null: "null"
    case .bool: "boolean"
    case .number: "number"
    case .string: "string"
    case .array: "array"
    case .object: "object"
    }
  }
}
