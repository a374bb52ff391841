import SDCore

/// A graph of nodes in ComfyUI's API format: `{"3": {"class_type": "KSampler", "inputs": {...}}, ...}`.
struct ComfyGraph: Sendable {
  /// The nodes, as they are sent.
  private(set) var json: JSONValue

  /// Takes a graph as a task brings it.
  ///
  /// - Throws: `engine_rejected` with what to do, where it is none.
  init(_ json: JSONValue) throws(TaskError) {
    guard let nodes = json.object, !nodes.isEmpty else { throw Self.refused("the graph has no nodes") }
    if nodes["nodes"]?.array != nil, nodes["links"] != nil {
      throw Self.refused("the graph is in the editor's format: export it in API format (Workflow > Export (API))")
    }
    for node in nodes.members {
      guard node.value["class_type"]?.string != nil, node.value["inputs"]?.object != nil else {
        throw Self.refused("node \(EngineFault.cut(node.name, to: 64)) of the graph has no class_type or no inputs")
      }
    }
    self.json = json
  }

  private static func refused(_ why: String) -> TaskError { TaskError(.engineRejected, .prepare, why) }

  /// Whether a content is the body of `POST /prompt` rather than a graph.
  static func isWrapped(_ content: JSONValue) -> Bool {
    content["prompt"]?.object != nil && content["prompt"]?["class_type"] == nil
  }

  /// Names of the nodes, in the order in which ComfyUI shows them.
  var nodeNames: [String] {
    (json.object?.names ?? []).sorted { a, b in
      switch (Int(a), Int(b)) {
      case (let a?, let b?): a < b
      case (_?, nil): true
      case (nil, _?): false
      case (nil, nil): a < b
      }
    }
  }

  func classType(of node: String) -> String? { json[node]?["class_type"]?.string }

  subscript(node: String, input: String) -> JSONValue? {
    get { json[node]?["inputs"]?[input] }
    set { json[node]?["inputs"]?[input] = newValue }
  }

  /// Every input of that name that holds a value rather than a link, with its node, in order.
  func values(of input: String) -> [(node: String, value: JSONValue)] {
    nodeNames.compactMap { node in
      guard let value = self[node, input], value.array == nil else { return nil }
      return (node, value)
    }
  }

  // MARK: Patching

  private static let seedInputs = ["seed", "noise_seed"]

  /// Gives a seed to nodes that ask for any: -1 and null are no seeds to ComfyUI itself.
  mutating func fillSeeds(_ seed: UInt64) {
    for input in Self.seedInputs {
      for node in nodeNames {
        guard let value = self[node, input], value.array == nil, value.seed == nil else { continue }
        self[node, input] = .number(JSONNumber(seed))
      }
    }
  }

  /// Puts everything that is saved into a folder of its own, so that a graph is never the same as another task's: of
  /// equal graphs ComfyUI does the first, and gives that one's files for the others.
  mutating func save(into folder: String) {
    for node in nodeNames {
      guard let prefix = self[node, "filename_prefix"], prefix.array == nil else { continue }
      let name = prefix.string.map { $0.drop { $0 == "/" } } ?? ""
      self[node, "filename_prefix"] = .string("\(folder)/\(name.isEmpty ? "ComfyUI" : name)")
    }
  }

  /// Whether what a node saves goes where `save(into:)` said.
  func savesByPrefix(_ node: String) -> Bool { self[node, "filename_prefix"]?.string != nil }

  // MARK: What it says of the making

  /// The seed, where all nodes that have one have the same.
  var seed: UInt64? {
    let seeds = Set(Self.seedInputs.flatMap { values(of: $0) }.compactMap(\.value.seed))
    return seeds.count == 1 ? seeds.first : nil
  }

  /// Seeds by node.
  var seeds: JSONValue {
    .object(JSONObject(Self.seedInputs.flatMap { values(of: $0) }.map { ($0.node, $0.value) }))
  }

  static let modelInputs = ["ckpt_name", "unet_name"]

  /// The checkpoints that it loads.
  var models: [String] { Self.modelInputs.flatMap { values(of: $0) }.compactMap(\.value.string) }
  /// The sampler of the first node that has one.
  var sampler: String? { values(of: "sampler_name").first?.value.string }
}
