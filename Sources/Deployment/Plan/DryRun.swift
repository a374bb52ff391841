import FoundationEssentials
public import SDCore
import Yams

/// Writes what would be deployed into a folder: templates, their parameters, and the values of each release.
public struct DryRun: Sendable {
  private let plan: DeploymentPlan
  private let assets: DeploymentAssets

  /// A dry run of a plan.
  public init(_ plan: DeploymentPlan, assets: DeploymentAssets) { (self.plan, self.assets) = (plan, assets) }

  /// Writes the files, and gives their paths.
  ///
  /// - Throws: `.full` or `.unavailable` when the folder cannot be written.
  @discardableResult
  public func write(to folder: String) throws(SDError) -> [String] {
    var paths: [String] = []
    for stack in plan.stacks {
      paths.append(try write(assets.template(stack.template), to: "\(folder)/stacks/\(stack.name)/template.yaml"))
      let parameters = stack.parameters.sorted { $0.key < $1.key }.map { name, value in
        ["ParameterKey": .string(name), "ParameterValue": .string(value.shown)] as JSONValue
      }
      paths.append(
        try write(JSONValue.array(parameters).text + "\n", to: "\(folder)/stacks/\(stack.name)/parameters.json"))
    }
    for release in plan.releases {
      let text = YAMLText.text(of: .object(release.values([:])))
      paths.append(try write(text, to: "\(folder)/releases/\(release.name)/values.yaml"))
    }
    return paths
  }

  private func write(_ text: String, to path: String) throws(SDError) -> String {
    let url = URL(filePath: path)
    do {
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    } catch {
      throw SDError(.unavailable, "writing \(path) failed", underlying: error)
    }
    return path
  }
}

/// JSON values as YAML for people.
enum YAMLText {
  static func text(of value: JSONValue) -> String { (try? serialize(node: node(value))) ?? value.text + "\n" }

  private static func node(_ value: JSONValue) -> Node {
    switch value {
    case .null: Node("null", Tag(.null))
    case .bool(let value): Node("\(value)", Tag(.bool))
    case .number(let number): Node(number.literal, Tag(number.int == nil ? .float : .int))
    case .string(let text): Node(text, Tag(.str), style(of: text))
    case .array(let items): Node(items.map(node), Tag(.seq))
    case .object(let object): Node(object.members.map { (Node($0.name, Tag(.str)), node($0.value)) }, Tag(.map))
    }
  }

  /// Texts that would be read as something else stand in quotes, longer ones as blocks.
  private static func style(of text: String) -> Node.Scalar.Style {
    if text.contains("\n") { return .literal }
    let plain = Node(text)
    return text.isEmpty || plain.tag != Tag(.str) ? .doubleQuoted : .any
  }
}
