import SDCore
import Yams

/// What is wrong with a configuration file, all of it: people mend a file once.
final class ConfigurationProblems {
  private(set) var all: [String] = []
  func note(_ problem: String) { all.append(problem) }
}

/// A place in a YAML file. What is asked of it and is not there, or is something else, is noted with path and line.
struct ConfigurationNode {
  let node: Node
  /// Where it stands: `modelsRuntime[0].name`.
  let path: String
  let problems: ConfigurationProblems

  /// Notes what is wrong with this place.
  func note(_ problem: String) {
    let line = node.mark.map { "line \($0.line): " } ?? ""
    problems.note("\(line)\(path.isEmpty ? "the file" : path) \(problem)")
  }

  /// The members of a mapping; those that are not known are noted.
  func members(_ known: [String]) -> [String: ConfigurationNode] {
    guard let mapping = node.mapping else {
      note("must be a mapping")
      return [:]
    }
    var members: [String: ConfigurationNode] = [:]
    for (key, value) in mapping {
      let name = key.string ?? ""
      let member = ConfigurationNode(node: value, path: path.isEmpty ? name : "\(path).\(name)", problems: problems)
      guard known.contains(name) else {
        member.note("is no key; there are \(known.joined(separator: ", "))")
        continue
      }
      if value.tag != Tag(.null) { members[name] = member }
    }
    return members
  }

  var items: [ConfigurationNode] {
    guard let sequence = node.sequence else {
      note("must be a list")
      return []
    }
    return sequence.enumerated().map { index, node in
      ConfigurationNode(node: node, path: "\(path)[\(index)]", problems: problems)
    }
  }

  /// A text; numbers and truth values are taken for what they look like, as people forget the quotes.
  var text: String? {
    guard let scalar = node.scalar, !scalar.string.isEmpty else {
      note("must be a text")
      return nil
    }
    return scalar.string
  }

  /// A text that a pattern matches whole.
  func text(like pattern: Regex<Substring>, _ words: String) -> String? {
    guard let text else { return nil }
    guard text.wholeMatch(of: pattern) != nil else {
      note("is \(text.prefix(80).debugDescription); it must be \(words)")
      return nil
    }
    return text
  }

  /// One of some words, in whatever case.
  func choice<Choice: RawRepresentable & CaseIterable>(_ type: Choice.Type) -> Choice? where Choice.RawValue == String {
    guard let text else { return nil }
    if let choice = Choice.allCases.first(where: { $0.rawValue.lowercased() == text.lowercased() }) { return choice }
    note(
      "is \(text.prefix(80).debugDescription); it must be one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))"
    )
    return nil
  }

  var truth: Bool? {
    guard let value = node.bool else {
      note("must be true or false")
      return nil
    }
    return value
  }

  func count(_ range: ClosedRange<Int>) -> Int? {
    guard node.tag == Tag(.int), let value = node.int, range.contains(value) else {
      let words =
        range.upperBound == .max ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
      note("must be a whole number, \(words)")
      return nil
    }
    return value
  }

  /// Whatever stands there, as JSON.
  var json: JSONValue {
    if let mapping = node.mapping {
      return .object(
        JSONObject(
          mapping.map { key, value in
            (name: key.string ?? "", value: ConfigurationNode(node: value, path: path, problems: problems).json)
          }))
    }
    if let sequence = node.sequence {
      return .array(sequence.map { ConfigurationNode(node: $0, path: path, problems: problems).json })
    }
    let text = node.scalar?.string ?? ""
    if node.tag == Tag(.null) { return .null }
    if node.tag == Tag(.bool) { return node.bool.map(JSONValue.bool) ?? .string(text) }
    guard node.tag == Tag(.int) || node.tag == Tag(.float) else { return .string(text) }
    // By its digits where JSON has them too.
    if let number = try? JSONValue(parsing: Array(text.utf8)), case .number = number { return number }
    return node.int.map(JSONValue.int) ?? node.float.map(JSONValue.double) ?? .string(text)
  }
}
