/// One profile of the shared files: its settings, by lower-case name.
public struct Profile: Sendable, Hashable {
  /// The profile's name.
  public var name: String
  /// Plain settings, `region`.
  public var values: [String: String] = [:]
  /// Nested settings, `s3` with `addressing_style` in it.
  public var sections: [String: [String: String]] = [:]

  /// A profile of a name.
  public init(_ name: String) { self.name = name }

  /// A plain setting.
  public subscript(key: String) -> String? { values[key] }

  init(name: String, options: [String: String], path: String) throws(AWSError) {
    self.name = name
    for (key, value) in options {
      if value.hasPrefix("\n") {
        sections[key] = try Self.nested(value, key: key, profile: name, path: path)
      } else {
        values[key] = value
      }
    }
  }

  /// The indented lines below a setting that has no value of its own.
  private static func nested(_ text: String, key: String, profile: String, path: String)
    throws(AWSError) -> [String: String]
  {
    func trimmed(_ text: Substring.UnicodeScalarView) -> Substring.UnicodeScalarView {
      var text = text.drop { INIParser.isSpace($0) }
      while let last = text.last, INIParser.isSpace(last) { text.removeLast() }
      return text
    }
    var values: [String: String] = [:]
    for line in text.unicodeScalars.split(whereSeparator: isLineEnd) {
      let line = trimmed(Substring.UnicodeScalarView(line))
      guard !line.isEmpty else { continue }
      guard let mark = line.firstIndex(of: "=") else {
        throw AWSError(.invalidConfiguration, "reading \(path): a line below \(key) in [\(profile)] has no =")
      }
      values[String(trimmed(line[..<mark]))] = String(trimmed(line[line.index(after: mark)...]))
    }
    return values
  }

  private static func isLineEnd(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }

  /// The settings of another profile over these.
  mutating func merge(_ other: Profile) {
    for (key, value) in other.values {
      values[key] = value
      sections[key] = nil
    }
    for (key, value) in other.sections {
      sections[key] = value
      values[key] = nil
    }
  }
}

extension Profile: CustomStringConvertible, CustomReflectable {
  /// The name; settings may be keys, so none is shown.
  public var description: String { "profile \(name)" }
  /// The name.
  public var customMirror: Mirror { Mirror(self, children: ["name": name]) }
}
