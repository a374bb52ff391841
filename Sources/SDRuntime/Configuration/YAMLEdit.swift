public import SDCore
import Yams

/// Sets single values in a YAML text that people wrote, and leaves everything else as it stands: comments, order,
/// quotes.
public struct YAMLEdit: Sendable {
  /// A step down from a mapping or a list.
  public enum Step: Sendable, Hashable, CustomStringConvertible {
    case key(String)
    case index(Int)

    /// As paths are written: `name`, `[0]`.
    public var description: String {
      switch self {
      case .key(let key): key
      case .index(let index): "[\(index)]"
      }
    }
  }

  /// The text, with what was set so far.
  public private(set) var text: String
  private let path: String

  /// A text to be changed.
  ///
  /// - Parameters:
  ///   - text: a YAML document.
  ///   - path: the file's, for errors.
  /// - Throws: `.configuration` for what is no YAML.
  public init(_ text: String, path: String) throws(SDError) {
    (self.text, self.path) = (text, path)
    _ = try YAMLFile.node(of: text, path: path)
  }

  /// Reads a file.
  public init(contentsOf path: String) throws(SDError) {
    try self.init(YAMLFile.text(of: path, attempting: "reading"), path: path)
  }

  /// The plain value at a place.
  public func value(at steps: [Step]) throws(SDError) -> String? {
    var node = try root()
    for step in steps {
      switch step {
      case .key(let key): node = node?.mapping?[key]
      case .index(let index): node = node?.sequence.flatMap { $0.indices.contains(index) ? $0[index] : nil }
      }
    }
    return node?.scalar?.string
  }

  /// How many elements the list at a place has.
  public func count(at key: String) throws(SDError) -> Int? { try root()?.mapping?[key]?.sequence?.count }

  private func root() throws(SDError) -> Node? { try YAMLFile.node(of: text, path: path) }

  /// Sets a value that needs no quotes; mappings on the way that are missing are made.
  ///
  /// - Throws: `.unsupported` for a text that is laid out in a way that this does not understand; it is unchanged then.
  public mutating func set(_ value: String, at steps: [Step]) throws(SDError) {
    let before = text
    let place = steps.map(\.description).joined(separator: ".")
    let refusal = SDError(
      .unsupported, "\(path) is laid out in a way that cannot be changed here: set \(place) to \(value) by hand")
    var editor = Editor(text)
    guard let root = try root(), let edited = editor.setting(value, at: steps[...], from: root) else { throw refusal }
    text = edited
    // Nothing else may have changed.
    guard let after = try? self.root(), Self.setting(value, at: steps[...], in: root) == after else {
      text = before
      throw refusal
    }
  }

  /// What the document must be afterwards.
  private static func setting(_ value: String, at steps: ArraySlice<Step>, in node: Node?) -> Node? {
    guard let step = steps.first else { return Node(value) }
    switch step {
    case .key(let key):
      let isEmpty = node?.scalar.map { $0.string.isEmpty || $0.string == "null" || $0.string == "~" } ?? true
      guard var mapping = node?.mapping ?? (isEmpty ? Node.Mapping([]) : nil) else { return nil }
      guard let inner = setting(value, at: steps.dropFirst(), in: mapping[key]) else { return nil }
      mapping[key] = inner
      return .mapping(mapping)
    case .index(let index):
      guard var sequence = node?.sequence, sequence.indices.contains(index),
        let inner = setting(value, at: steps.dropFirst(), in: sequence[index])
      else { return nil }
      sequence[index] = inner
      return .sequence(sequence)
    }
  }
}

/// The lines of a text, and where nodes stand in them.
private struct Editor {
  private var lines: [String]

  init(_ text: String) { lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }

  private var text: String { lines.joined(separator: "\n") }

  /// The text with the value set; `nil` where that cannot be done.
  mutating func setting(_ value: String, at steps: ArraySlice<YAMLEdit.Step>, from node: Node) -> String? {
    guard let step = steps.first else { return replace(node, with: value) }
    switch step {
    case .index(let index):
      guard let sequence = node.sequence, sequence.indices.contains(index) else { return nil }
      return setting(value, at: steps.dropFirst(), from: sequence[index])
    case .key(let key):
      guard let mapping = node.mapping else { return nil }
      guard let entry = mapping.first(where: { $0.key.scalar?.string == key }) else {
        return insert(value, at: steps, into: mapping)
      }
      if entry.value.mapping != nil || entry.value.sequence != nil || steps.count == 1 {
        return steps.count == 1 && entry.value.scalar?.string.isEmpty == true
          ? fill(entry.key, with: " \(value)") : setting(value, at: steps.dropFirst(), from: entry.value)
      }
      // `key:` without anything behind it.
      guard entry.value.scalar?.string.isEmpty == true, let column = entry.key.mark?.column else { return nil }
      let inner = Self.nested(value, steps.dropFirst(), indent: column - 1 + 2)
      return inner.map { "\n" + $0 }.flatMap { fill(entry.key, with: $0) }
    }
  }

  /// Puts something behind the colon of a key that has no value.
  private mutating func fill(_ key: Node, with addition: String) -> String? {
    guard let mark = key.mark, lines.indices.contains(mark.line - 1) else { return nil }
    let line = lines[mark.line - 1]
    guard let start = line.utf8.index(line.utf8.startIndex, offsetBy: mark.column - 1, limitedBy: line.utf8.endIndex),
      let colon = line[start...].firstIndex(of: ":")
    else { return nil }
    lines[mark.line - 1] = String(line[...colon]) + addition
    let rest = line[line.index(after: colon)...]
    if rest.contains(where: { !$0.isWhitespace }) {
      guard rest.drop(while: { $0.isWhitespace }).first == "#", !addition.contains("\n") else { return nil }
      lines[mark.line - 1] += rest
    }
    return text
  }

  /// Replaces a value that stands on one line.
  private mutating func replace(_ node: Node, with value: String) -> String? {
    guard let scalar = node.scalar, let mark = node.mark, lines.indices.contains(mark.line - 1) else { return nil }
    let line = lines[mark.line - 1]
    guard let start = line.index(line.startIndex, offsetBy: mark.column - 1, limitedBy: line.endIndex) else {
      return nil
    }
    for written in ["\"\(scalar.string)\"", "'\(scalar.string)'", scalar.string] where line[start...].hasPrefix(written)
    {
      lines[mark.line - 1] = String(line[..<start]) + value + line[start...].dropFirst(written.count)
      return text
    }
    return nil
  }

  /// Adds entries to a mapping, behind its last line.
  private mutating func insert(_ value: String, at steps: ArraySlice<YAMLEdit.Step>, into mapping: Node.Mapping)
    -> String?
  {
    guard mapping.style != .flow, let first = mapping.first, let mark = first.key.mark else { return nil }
    guard let added = Self.nested(value, steps, indent: mark.column - 1) else { return nil }
    // The mapping ends where something stands further left; an element of a list stands left of its own keys.
    var end = mark.line
    for (number, line) in lines.enumerated().dropFirst(mark.line) {
      let content = line.drop { $0 == " " }
      if content.isEmpty || content.first == "#" { continue }
      guard line.count - content.count >= mark.column - 1,
        !(content.hasPrefix("- ") && line.count - content.count < mark.column)
          || line.count - content.count >= mark.column - 1 && !content.hasPrefix("- ")
      else { break }
      end = number + 1
    }
    lines.insert(contentsOf: added.split(separator: "\n").map(String.init), at: end)
    return text
  }

  /// `a:` over `b: value`, indented.
  private static func nested(_ value: String, _ steps: ArraySlice<YAMLEdit.Step>, indent: Int) -> String? {
    var result: [String] = []
    for (depth, step) in steps.enumerated() {
      guard case .key(let key) = step else { return nil }
      let isLast = depth == steps.count - 1
      result.append(String(repeating: " ", count: indent + 2 * depth) + key + ":" + (isLast ? " \(value)" : ""))
    }
    return result.joined(separator: "\n")
  }
}
