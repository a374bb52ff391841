import SDCore

/// A graph with named parameters.
struct ComfyWorkflow: Sendable {
  /// One parameter: where its value goes.
  struct Parameter: Sendable {
    /// `node` and `input` of each place.
    var places: [(node: String, input: String)]
    /// The value where a task gives none; `nil` leaves what the graph has.
    var standard: JSONValue?
    var isRequired = false
    /// Words of the task's for words of the node's; others are passed on.
    var words: [String: String] = [:]
    /// Whether the value is an image.
    var isImage = false
  }

  var name: String
  var parameters: [(name: String, parameter: Parameter)]
  var graph: ComfyGraph

  /// Reads a workflow's file.
  ///
  /// - Throws: the reason why it is none.
  init(_ name: String, _ json: JSONValue) throws(WorkflowFault) {
    self.name = name
    // A graph by itself is a workflow whose parameters are its inputs.
    guard let members = json["graph"] else {
      do { graph = try ComfyGraph(json) } catch { throw WorkflowFault(error.message) }
      parameters = []
      return
    }
    do { graph = try ComfyGraph(members) } catch { throw WorkflowFault(error.message) }
    parameters = []
    for member in json["parameters"]?.object?.members ?? [] {
      parameters.append((member.name, try Self.parameter(member.name, member.value, graph)))
    }
  }

  private static func parameter(
    _ name: String, _ json: JSONValue, _ graph: ComfyGraph
  ) throws(WorkflowFault) -> Parameter {
    let paths =
      json.string.map { [$0] } ?? json["input"]?.string.map { [$0] } ?? json["input"]?.array?.compactMap(\.string) ?? []
    guard !paths.isEmpty else { throw WorkflowFault("parameter \(name) names no input such as \"6.text\"") }
    var parameter = Parameter(places: [])
    for path in paths {
      guard let place = place(path, graph) else {
        throw WorkflowFault("parameter \(name) goes to \(path), which the graph does not have")
      }
      parameter.places.append(place)
    }
    parameter.standard = json["default"]
    parameter.isRequired = json["required"]?.bool ?? false
    parameter.words = (json["words"]?.object?.members ?? []).reduce(into: [:]) { $0[$1.name] = $1.value.string }
    parameter.isImage = parameter.places.contains { graph.classType(of: $0.node)?.hasPrefix("LoadImage") == true }
    return parameter
  }

  /// `6.text`, the node by its number; inputs may have dots in their names.
  private static func place(_ path: String, _ graph: ComfyGraph) -> (node: String, input: String)? {
    guard let dot = path.firstIndex(of: ".") else { return nil }
    let (node, input) = (String(path[..<dot]), String(path[path.index(after: dot)...]))
    return graph.classType(of: node) != nil && !input.isEmpty ? (node, input) : nil
  }

  /// The graph with a task's values in it.
  ///
  /// - Throws: `engine_rejected` for parameters that it does not have, or lacks.
  func filled(with values: JSONObject) throws(TaskError) -> ComfyGraph {
    var graph = graph
    var left = values
    for (name, parameter) in parameters {
      guard let value = values[name] ?? parameter.standard, !value.isNull else {
        if parameter.isRequired { throw refused("needs the parameter \(name)") }
        continue
      }
      left[name] = nil
      let single = parameter.isImage ? value.array?.first ?? value : value
      if parameter.isImage, let count = value.array?.count, count != 1 {
        throw refused("takes one image as \(name), not \(count)")
      }
      let word = single.string.flatMap { parameter.words[$0] ?? parameter.words[$0.lowercased()] }
      for place in parameter.places { graph[place.node, place.input] = word.map(JSONValue.string) ?? single }
    }
    for member in left.members where !member.value.saysNothing {
      guard let place = Self.place(member.name, graph), graph[place.node, place.input] != nil else {
        let known = parameters.map(\.name).joined(separator: ", ")
        throw refused(
          "has no parameter \(EngineFault.cut(member.name, to: 64)); it has \(known.isEmpty ? "inputs such as 6.text" : known)"
        )
      }
      graph[place.node, place.input] = member.value
    }
    return graph
  }

  private func refused(_ what: String) -> TaskError {
    TaskError(.engineRejected, .prepare, "the workflow \(name) \(what)")
  }
}

/// What is wrong with a workflow's file.
struct WorkflowFault: Error {
  var reason: String
  init(_ reason: String) { self.reason = reason }
}
