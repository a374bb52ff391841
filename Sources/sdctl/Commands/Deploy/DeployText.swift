import AWSKit
import Deployment
import SDCore

/// Plans for people.
enum DeployText {
  /// What is to be done.
  static func plan(_ changes: [StackChange], _ releases: [DeploymentPlan.Release], region: String) -> String {
    var lines = ["Stacks in \(region):"]
    let width = changes.map(\.stack.name.count).max() ?? 0
    for change in changes { lines += self.lines(of: change, width: width) }
    if !releases.isEmpty {
      lines.append("Releases:")
      var table = Table(["  release", "namespace", "chart"])
      for release in releases {
        let version = release.version.map { " \($0)" } ?? ""
        table.add([
          "  \(release.name)", release.namespace, (release.chart.hasPrefix("/") ? "ours" : release.chart) + version,
        ])
      }
      lines.append(table.text)
    }
    let losses = changes.reduce(0) { $0 + $1.losses.count }
    if losses > 0 {
      lines.append(
        "\(losses == 1 ? "One resource is" : "\(losses) resources are") removed or replaced (marked !): what \(losses == 1 ? "it holds is" : "they hold is") lost."
      )
    }
    return lines.flatMap { $0.split(separator: "\n") }.map { Terminal.plain(String($0)) }.joined(separator: "\n")
  }

  /// A stack and what is done to its resources.
  static func lines(of change: StackChange, width: Int = 0) -> [String] {
    let count = change.templateResources.map { ", up to \($0) resources" } ?? ""
    let what =
      switch change.action {
      case .create: "to be created\(count)"
      case .recreate: "left over from a failed creation: to be deleted, then created\(count)"
      case .update where change.resources.isEmpty: "to be changed once those before it are ready"
      case .update: "to be changed"
      case .keep: "as it is to be"
      case .delete: "to be deleted"
      }
    let gap = String(repeating: " ", count: max(0, width - change.stack.name.count))
    var lines = ["  \(change.stack.name)\(gap)  \(what)"]
    // All of a new stack is new: its number says enough.
    guard change.action == .update else { return lines }
    let losses = Set(change.losses.compactMap(\.logicalID))
    for resource in change.resources {
      let mark =
        switch resource.action {
        case "Add": "+"
        case "Remove": "-"
        default: "~"
        }
      let id = resource.logicalID ?? "?"
      let names = Set(resource.details.compactMap { $0.name ?? $0.attribute }).sorted().joined(separator: ", ")
      var line = "    \(losses.contains(id) ? "!" : " ")\(mark) \(id)  \(resource.resourceType ?? "")"
      if !names.isEmpty { line += "  \(names)" }
      if resource.replacement == "True" { line += "  (replaced)" }
      if resource.replacement == "Conditional" { line += "  (perhaps replaced)" }
      lines.append(line)
    }
    return lines
  }

  /// A difference of values.
  static func line(of difference: ValueDifference) -> String {
    switch (difference.before, difference.after) {
    case (nil, let after?): "    + \(difference.path): \(short(after))"
    case (let before?, nil): "    - \(difference.path): \(short(before))"
    case (let before?, let after?): "    ~ \(difference.path): \(short(before)) -> \(short(after))"
    case (nil, nil): "      \(difference.path)"
    }
  }

  private static func short(_ value: JSONValue) -> String {
    let text = value.text
    return text.count > 120 ? "\(text.prefix(117))..." : text
  }

  static func json(_ texts: [String: String]) -> JSONValue {
    .object(JSONObject(texts.sorted { $0.key < $1.key }.map { ($0.key, JSONValue.string($0.value)) }))
  }
}

extension StackChange {
  /// As programs read it.
  var json: JSONValue {
    [
      "stack": .string(stack.name), "action": .string(action.rawValue),
      "resources": .array(
        resources.map { resource in
          [
            "action": .string(resource.action), "id": .string(resource.logicalID ?? ""),
            "type": .string(resource.resourceType ?? ""), "replacement": .string(resource.replacement ?? "False"),
          ]
        }),
    ]
  }
}
