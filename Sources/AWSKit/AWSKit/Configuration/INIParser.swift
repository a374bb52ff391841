/// Reads shared config and credentials files as the AWS CLI reads them.
///
/// The CLI's format is what Python's `configparser.RawConfigParser` makes of it, down to its corners: `=` or `:`
/// between name and value, `#` and `;` in front of comment lines only, lines indented deeper than their option's
/// continue its value, names in lower case, a `[DEFAULT]` section that all others inherit, repeated sections and
/// options being errors. This is that grammar, not a copy of that code.
struct INIParser {
  /// Sections in their order, options in theirs.
  struct File: Sendable, Equatable {
    var sections: [(name: String, options: [String: String])] = []

    static func == (left: File, right: File) -> Bool {
      left.sections.count == right.sections.count
        && zip(left.sections, right.sections).allSatisfy { $0.name == $1.name && $0.options == $1.options }
    }
  }

  private typealias Line = ArraySlice<Unicode.Scalar>

  /// An option whose value may grow by continuation lines.
  private struct Option {
    var name: String
    var lines: [String]
  }

  private var names: [String] = []
  private var options: [String: [Option]] = [:]
  private static let inherited = "DEFAULT"

  /// Reads a file's text.
  ///
  /// - Parameters:
  ///   - text: the content.
  ///   - path: for errors, which tell path and line but no value.
  static func parse(_ text: String, path: String) throws(AWSError) -> File {
    var parser = INIParser()
    try parser.read(text, path: path)
    return parser.file
  }

  private mutating func read(_ text: String, path: String) throws(AWSError) {
    func fail(_ line: Int, _ reason: String) -> AWSError {
      AWSError(.invalidConfiguration, "reading \(path): line \(line) \(reason)")
    }
    var section: String?
    // Whether an option may be continued, and how far its first line was indented.
    var isOptionOpen = false
    var indent = 0
    var firstProblem: AWSError?
    for (index, line) in Self.lines(of: text).enumerated() {
      let content = Self.trimmed(line)
      guard let first = content.first else {
        if let section, isOptionOpen { append("", to: section) }
        continue
      }
      if first == "#" || first == ";" { continue }
      let currentIndent = content.startIndex - line.startIndex
      if let section, isOptionOpen, currentIndent > indent {
        append(Self.string(content), to: section)
        continue
      }
      indent = currentIndent
      if let name = Self.header(content) {
        if name != Self.inherited {
          guard options[name] == nil else { throw fail(index + 1, "has a section that the file has already") }
          names.append(name)
          options[name] = []
        } else if options[name] == nil {
          options[name] = []
        }
        section = name
        isOptionOpen = false
        continue
      }
      guard let section else { throw fail(index + 1, "stands before the first section") }
      guard let mark = content.firstIndex(where: { $0 == "=" || $0 == ":" }) else {
        firstProblem = firstProblem ?? fail(index + 1, "has neither a section nor an option")
        continue
      }
      let name = Self.string(Self.trimmed(content[..<mark])).lowercased()
      if name.isEmpty { firstProblem = firstProblem ?? fail(index + 1, "has a value without a name") }
      guard options[section]?.contains(where: { $0.name == name }) != true else {
        throw fail(index + 1, "has an option that the section has already")
      }
      options[section]?.append(Option(name: name, lines: [Self.string(Self.trimmed(content[(mark + 1)...]))]))
      // An option without a name takes no further lines.
      isOptionOpen = !name.isEmpty
    }
    if let firstProblem { throw firstProblem }
  }

  private mutating func append(_ line: String, to section: String) {
    guard let last = options[section]?.indices.last else { return }
    options[section]?[last].lines.append(line)
  }

  private var file: File {
    func values(_ section: String) -> [String: String] {
      var values: [String: String] = [:]
      for option in options[section] ?? [] {
        values[option.name] = Self.string(
          Self.trimmedEnd(Array(option.lines.joined(separator: "\n").unicodeScalars)[...]))
      }
      return values
    }
    let defaults = values(Self.inherited)
    return File(sections: names.map { ($0, defaults.merging(values($0)) { $1 }) })
  }

  // MARK: Lines

  /// Lines without their ends, at `\n`, `\r\n` and `\r`.
  private static func lines(of text: String) -> [Line] {
    let scalars = Array(text.unicodeScalars)
    var lines: [Line] = []
    var start = 0
    var index = 0
    while index < scalars.count {
      if scalars[index] == "\n" || scalars[index] == "\r" {
        lines.append(scalars[start..<index])
        if scalars[index] == "\r", index + 1 < scalars.count, scalars[index + 1] == "\n" { index += 1 }
        start = index + 1
      }
      index += 1
    }
    if start < scalars.count { lines.append(scalars[start...]) }
    return lines
  }

  /// The text between `[` and the last `]`, if there is any.
  private static func header(_ content: Line) -> String? {
    guard content.first == "[", let end = content.lastIndex(of: "]"), end > content.startIndex + 1 else { return nil }
    return string(content[(content.startIndex + 1)..<end])
  }

  private static func string(_ line: Line) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: line)
    return String(text)
  }

  private static func trimmed(_ line: Line) -> Line { trimmedEnd(line.drop { isSpace($0) }) }

  private static func trimmedEnd(_ line: Line) -> Line {
    var line = line
    while let last = line.last, isSpace(last) { line.removeLast() }
    return line
  }

  /// What Python takes for white space.
  static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
    default: false
    }
  }
}
