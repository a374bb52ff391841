internal import SDCore

extension ComfyServer {
  struct Verdict {
    /// Why the whole is refused with 400.
    var error: JSONValue?
    var nodeErrors: JSONValue = [:]
    /// The output nodes that may run.
    var outputs: [String] = []
  }

  static let outputClasses: Set<String> = [
    "SaveImage", "PreviewImage", "SaveAnimatedWEBP", "SaveAudio", "SaveVideo", "VHS_VideoCombine", "PreviewAny",
  ]

  private static let required: [String: [String]] = [
    "SaveImage": ["images", "filename_prefix"], "PreviewImage": ["images"], "LoadImage": ["image"],
    "KSampler": ["model", "positive", "negative", "latent_image", "seed", "steps", "cfg", "sampler_name"],
    "CheckpointLoaderSimple": ["ckpt_name"], "EmptyImage": ["width", "height", "batch_size"], "VAEDecode": ["samples"],
  ]

  /// 400 with `error` and `node_errors`; types as ComfyUI names them.
  func validate(_ graph: JSONValue) -> Verdict {
    var verdict = Verdict()
    let members = graph.object?.members ?? []
    for node in members where node.value["class_type"]?.string == nil {
      verdict.error = Self.error("invalid_prompt", "Cannot execute because a node is missing the class_type property.")
      return verdict
    }
    let outputs = members.filter { Self.outputClasses.contains($0.value["class_type"]?.string ?? "") }.map(\.name)
    guard !outputs.isEmpty else {
      verdict.error = Self.error("prompt_no_outputs", "Prompt has no outputs")
      return verdict
    }
    for output in outputs {
      let faulty = reachable(output, graph).filter { node in
        let errors = faults(node, graph)
        guard !errors.isEmpty else { return false }
        let type = graph[node]?["class_type"] ?? .null
        verdict.nodeErrors[node] = [
          "errors": .array(errors), "dependent_outputs": [.string(output)], "class_type": type,
        ]
        return true
      }
      if faulty.isEmpty { verdict.outputs.append(output) }
    }
    if verdict.outputs.isEmpty {
      verdict.error = Self.error("prompt_outputs_failed_validation", "Prompt outputs failed validation")
    }
    return verdict
  }

  private static func error(_ type: String, _ message: String) -> JSONValue {
    ["type": .string(type), "message": .string(message), "details": "", "extra_info": [:]]
  }

  /// The nodes that an output needs, those first that others need.
  func reachable(_ output: String, _ graph: JSONValue) -> [String] {
    var (order, seen): ([String], Set<String>) = ([], [])
    func visit(_ node: String) {
      guard seen.insert(node).inserted else { return }
      for input in graph[node]?["inputs"]?.object?.members ?? [] {
        if let link = input.value.array, let source = link.first?.string, graph[source] != nil { visit(source) }
      }
      order.append(node)
    }
    visit(output)
    return order
  }

  private func faults(_ node: String, _ graph: JSONValue) -> [JSONValue] {
    let type = graph[node]?["class_type"]?.string ?? ""
    let inputs = graph[node]?["inputs"]
    func fault(_ type: String, _ message: String, _ input: String, _ details: String) -> JSONValue {
      [
        "type": .string(type), "message": .string(message), "details": .string(details),
        "extra_info": ["input_name": .string(input)],
      ]
    }
    var faults: [JSONValue] = (Self.required[type] ?? []).filter { inputs?[$0] == nil }.map {
      fault("required_input_missing", "Required input is missing", $0, $0)
    }
    if let steps = inputs?["steps"]?.int, steps > 10000 {
      faults.append(fault("value_bigger_than_max", "Value \(steps) bigger than max of 10000", "steps", "steps"))
    }
    if let count = inputs?["batch_size"]?.int, count < 1 {
      faults.append(
        fault("value_smaller_than_min", "Value \(count) smaller than min of 1", "batch_size", "batch_size"))
    }
    // A model that is absent is a value that is not in a list.
    if let name = inputs?["ckpt_name"]?.string, !configuration.checkpoints.contains(name) {
      let details = "ckpt_name: '\(name)' not in \(configuration.checkpoints)"
      faults.append(fault("value_not_in_list", "Value not in list", "ckpt_name", details))
    }
    if type == "LoadImage", let name = inputs?["image"]?.string, !hasInput(name) {
      faults.append(
        fault("custom_validation_failed", "Custom validation failed for node", "image", "Invalid image file: \(name)"))
    }
    return faults
  }

  /// LoadImage takes `subfolder/name`.
  private func hasInput(_ name: String) -> Bool { files.contains("input/\(name)") }
}
