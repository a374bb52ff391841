import SDCore
import SDRuntime

/// Writes a snapshot's id into a `config.yaml`: the data volume of nodes that runtimes run on.
struct ConfigEdit: Sendable {
  let path: String
  /// The runtimes that use it; empty for all.
  let runtimes: [String]

  /// Where in a runtime it goes.
  private static let keys = ["extraValues", "karpenter", "nodeTemplate", "dataVolume", "snapshotID"]

  /// In words.
  var place: String {
    "\(Self.keys.joined(separator: ".")) of \(runtimes.isEmpty ? "every runtime" : runtimes.joined(separator: ", "))"
  }

  /// The same, once it is known that it can be written: before a long run, not after.
  func prepared() throws -> ConfigEdit {
    _ = try edited(snapshot: "snap-0")
    return self
  }

  /// Writes it, in one step.
  func write(snapshot: String) throws {
    let before = try WholeFile.text(path)
    try WholeFile.replace(path, before, with: try edited(snapshot: snapshot))
  }

  private func edited(snapshot: String) throws -> String {
    var edit = try YAMLEdit(contentsOf: path)
    let count = try edit.count(at: "modelsRuntime") ?? 0
    var missing = Set(runtimes)
    for index in 0..<count {
      let runtime: [YAMLEdit.Step] = [.key("modelsRuntime"), .index(index)]
      let name = try edit.value(at: runtime + [.key("name")]) ?? ""
      guard runtimes.isEmpty || runtimes.contains(name) else { continue }
      missing.remove(name)
      try edit.set(snapshot, at: runtime + Self.keys.map { .key($0) })
    }
    guard count > 0, missing.isEmpty else {
      let what = missing.isEmpty ? "modelsRuntime" : "runtime \(missing.sorted().joined(separator: ", "))"
      throw CommandFailure.usage("\(path) has no \(what)")
    }
    return edit.text
  }
}
