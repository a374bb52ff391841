import FoundationEssentials

/// Typed access: a missing child is `nil`, a child that is no such value is an error.
extension XMLElement {
  /// A child's text.
  func string(_ name: StaticString) -> String? { self[name]?.text }

  /// A child's text; an error without it.
  func required(_ name: StaticString) throws(AWSError) -> String {
    guard let text = string(name) else { throw missing(name) }
    return text
  }

  /// A child that must be there.
  func requiredElement(_ name: StaticString) throws(AWSError) -> XMLElement {
    guard let element = self[name] else { throw missing(name) }
    return element
  }

  /// A child's text as a number.
  func integer<T: FixedWidthInteger>(_ name: StaticString, as type: T.Type = Int.self) throws(AWSError) -> T? {
    guard let text = string(name), !text.isEmpty else { return nil }
    guard let number = T(text) else { throw unreadable(name, "number") }
    return number
  }

  /// A child's text as `true` or `false`.
  func bool(_ name: StaticString) throws(AWSError) -> Bool? {
    guard let text = string(name), !text.isEmpty else { return nil }
    switch text {
    case "true", "True", "1": return true
    case "false", "False", "0": return false
    default: throw unreadable(name, "truth value")
    }
  }

  /// A child's text as a moment.
  func date(_ name: StaticString) throws(AWSError) -> Date? {
    guard let text = string(name), !text.isEmpty else { return nil }
    guard let date = WireTimeParser.date(text) else { throw unreadable(name, "date") }
    return date
  }

  /// A child's text as base64.
  func base64(_ name: StaticString) throws(AWSError) -> [UInt8]? {
    guard let text = string(name) else { return nil }
    guard let data = Data(base64Encoded: text, options: .ignoreUnknownCharacters) else {
      throw unreadable(name, "base64 value")
    }
    return [UInt8](data)
  }

  /// Every child of a name, transformed: a list that is flattened into its parent.
  func flat<T>(_ name: StaticString, _ transform: (XMLElement) throws(AWSError) -> T) throws(AWSError) -> [T] {
    var values: [T] = []
    for child in children where child.isNamed(name) { values.append(try transform(child)) }
    return values
  }

  /// The members of a list, `<Names><member>a</member></Names>`; no list is an empty one.
  func list<T>(
    _ name: StaticString, of member: StaticString = "member", _ transform: (XMLElement) throws(AWSError) -> T
  ) throws(AWSError) -> [T] {
    try self[name]?.flat(member, transform) ?? []
  }

  /// Pairs of texts, `<entry><key>a</key><value>b</value></entry>`, directly in this element.
  func map(entry: StaticString = "entry", key: StaticString = "key", value: StaticString = "value")
    throws(AWSError) -> [String: String]
  {
    var values: [String: String] = [:]
    for child in children where child.isNamed(entry) { values[try child.required(key)] = child.string(value) ?? "" }
    return values
  }

  private func missing(_ child: StaticString) -> AWSError {
    AWSError(.malformedAnswer, "the answer's <\(name)> has no <\(child)>")
  }

  private func unreadable(_ child: StaticString, _ kind: String) -> AWSError {
    AWSError(.malformedAnswer, "the answer's <\(child)> in <\(name)> is no \(kind)")
  }
}
