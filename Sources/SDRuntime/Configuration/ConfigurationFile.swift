import FoundationEssentials
import SDCore
import Yams

/// A configuration file: a YAML mapping from keys to plain values.
enum ConfigurationFile {
  static let maximumBytes = 1 << 20

  /// The values of a file with their lines; empty and null ones are left out.
  static func read(_ path: String) throws(SDError) -> Configuration.Layer {
    try parse(YAMLFile.text(of: path, attempting: "reading the configuration file"), path: path)
  }

  static func parse(_ text: String, path: String) throws(SDError) -> Configuration.Layer {
    guard let root = try YAMLFile.node(of: text, path: path) else { return [:] }
    guard let mapping = root.mapping else {
      throw SDError(.configuration, "the configuration file \(path) is not a mapping from keys to values")
    }
    var values: Configuration.Layer = [:]
    for (name, value) in mapping {
      let place = ConfigurationSource.file(path, line: name.mark?.line ?? 1)
      guard let word = name.scalar?.string, let key = ConfigurationKey(named: word) else {
        throw UnknownKey.error(
          name.scalar?.string ?? "that is not a word", in: place, known: ConfigurationKey.all.map(\.name))
      }
      guard let scalar = value.scalar else {
        throw SDError(.configuration, "\(word) in \(place) must be one value, not a list or a mapping")
      }
      if value.tag == Tag(.null) || scalar.string.isEmpty { continue }
      values[key] = ConfigurationValue(scalar.string, from: place)
    }
    return values
  }
}

/// YAML files that people write for us.
enum YAMLFile {
  /// The text of a file of bearable size.
  static func text(of path: String, attempting attempt: String) throws(SDError) -> String {
    let bytes: Data
    do {
      bytes = try Data(contentsOf: URL(filePath: path))
    } catch {
      let isMissing = (error as? CocoaError)?.code == .fileReadNoSuchFile
      throw SDError(.configuration, "\(attempt) \(path): \(isMissing ? "there is no such file" : "it cannot be read")")
    }
    guard bytes.count <= ConfigurationFile.maximumBytes else {
      throw SDError(.configuration, "\(attempt) \(path): it is larger than \(ConfigurationFile.maximumBytes) bytes")
    }
    guard let text = String(bytes: bytes, encoding: .utf8) else {
      throw SDError(.configuration, "\(attempt) \(path): it is not UTF-8")
    }
    return text
  }

  /// The document of a text; `nil` for an empty one.
  static func node(of text: String, path: String) throws(SDError) -> Node? {
    do {
      return try compose(yaml: text)
    } catch YamlError.parser(_, let problem, let mark, _), YamlError.scanner(_, let problem, let mark, _) {
      // `store: memory:` is the likely one.
      let hint = problem.hasPrefix("mapping values") ? "; a value that ends in a colon must stand in quotes" : ""
      throw SDError(.configuration, "\(path), line \(mark.line), is not YAML: \(problem)\(hint)")
    } catch YamlError.duplicatedKeysInMapping(let names, let context) {
      throw SDError(
        .configuration,
        "\(names.joined(separator: ", ")) is given twice, in \(path), in what begins in line \(context.mark.line)")
    } catch {
      throw SDError(.configuration, "\(path) is not YAML")
    }
  }
}

/// The error about a key that does not exist.
enum UnknownKey {
  static func error(_ name: String, in place: some CustomStringConvertible, known: [String]) -> SDError {
    let near = known.min { distance($0, name) < distance($1, name) }.flatMap { distance($0, name) <= 2 ? $0 : nil }
    let hint = near.map { "; did you mean \($0)?" } ?? ""
    return SDError(.configuration, "there is no key \(String(name.prefix(64)).debugDescription), in \(place)\(hint)")
  }

  /// Letters to insert, remove or replace.
  static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a.utf8.prefix(64)), Array(b.utf8.prefix(64)))
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var corner = row[0]
      row[0] = i + 1
      for (j, y) in b.enumerated() {
        let best = min(row[j] + 1, row[j + 1] + 1, corner + (x == y ? 0 : 1))
        corner = row[j + 1]
        row[j + 1] = best
      }
    }
    return row[b.count]
  }
}
