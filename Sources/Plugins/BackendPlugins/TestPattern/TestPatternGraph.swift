import SDCore

/// A ComfyUI graph, read as far as a test pattern needs: what each saving node's picture is made of.
struct TestPatternGraph {
  private struct Node {
    var kind: String
    var inputs: JSONObject
    /// The ids of the nodes that an input takes its value from.
    func source(_ name: String) -> String? { inputs[name]?.array?.first?.string }
    var sources: [String] { inputs.members.compactMap { $0.value.array?.first?.string } }
  }

  private var nodes: [String: Node] = [:]
  private var order: [String] = []
  private static let maximumNodes = 4096

  init(_ content: JSONValue) throws(TaskError) {
    // The graph itself, or the engine's whole request with the graph in its `prompt`.
    let graph = content["prompt"]?.object ?? content.object ?? [:]
    guard graph.count <= Self.maximumNodes else {
      throw TestPatternJob.rejected("the graph has more than \(Self.maximumNodes) nodes")
    }
    for (id, value) in graph.members {
      guard let kind = value["class_type"]?.string else { continue }
      nodes[id] = Node(kind: kind, inputs: value["inputs"]?.object ?? [:])
      order.append(id)
    }
  }

  /// A picture, or a batch of them, for every node that saves some.
  func patterns(anySeed: UInt64) throws(TaskError) -> [TestPattern] {
    let saving = order.filter { nodes[$0]?.kind.hasPrefix("SaveImage") == true }
    guard !saving.isEmpty else {
      let error: JSONValue = ["type": "prompt_no_outputs", "message": "Prompt has no outputs", "details": ""]
      throw TestPatternJob.rejected("Prompt has no outputs", reason: ["error": error, "node_errors": [:]])
    }
    var patterns: [TestPattern] = []
    for id in saving {
      let (pattern, count) = try pattern(savedBy: id, anySeed: anySeed)
      guard patterns.count + count <= TestPatternJob.maximumPictures else {
        throw TestPatternJob.rejected("the graph makes more than \(TestPatternJob.maximumPictures) pictures")
      }
      for index in 0..<count {
        var one = pattern
        (one.index, one.seed) = (index, pattern.seed &+ UInt64(index))
        patterns.append(one)
      }
    }
    return patterns
  }

  private func pattern(savedBy id: String, anySeed: UInt64) throws(TaskError) -> (TestPattern, count: Int) {
    let upstream = upstream(of: id)
    let sampler = upstream.first { $0.kind.contains("KSampler") }
    let sized = upstream.first { $0.inputs["width"]?.int != nil && $0.inputs["height"]?.int != nil }
    let model = upstream.lazy.compactMap { $0.inputs["ckpt_name"]?.string ?? $0.inputs["unet_name"]?.string }.first
    var pattern = TestPattern(
      prompt: text(sampler?.source("positive")), negativePrompt: text(sampler?.source("negative")),
      seed: (sampler?.inputs["seed"] ?? sampler?.inputs["noise_seed"])?.seed ?? anySeed,
      width: sized?.inputs["width"]?.int ?? 512, height: sized?.inputs["height"]?.int ?? 512,
      steps: sampler?.inputs["steps"]?.int ?? 1, sampler: sampler?.inputs["sampler_name"]?.string ?? "",
      cfgScale: sampler?.inputs["cfg"]?.double ?? 1, model: model.map(TestPatternJob.stem) ?? "",
      modelHash: model.map(TestPatternJob.hash) ?? "")
    pattern.labels = ["node \(id)"]
    pattern.denoisingStrength = sampler?.inputs["denoise"]?.double ?? 1
    if let loader = upstream.first(where: { $0.kind.hasPrefix("LoadImage") }),
      let image = loader.inputs["image"]?.string
    {
      pattern.initDigest = TestPatternJob.digest(try EmbeddedImage.decode(image, name: "the image of LoadImage").bytes)
    }
    let batch = sized?.inputs["batch_size"]?.int ?? 1
    guard (1...TestPatternJob.maximumPictures).contains(batch) else {
      throw TestPatternJob.rejected("a batch_size of \(batch) is not within 1 to \(TestPatternJob.maximumPictures)")
    }
    return (pattern, batch)
  }

  /// The nodes that a node's values come from, the nearest first; each once, so that a ring ends too.
  private func upstream(of id: String) -> [Node] {
    var (seen, queue, next) = (Set([id]), [id], 0)
    var found: [Node] = []
    while next < queue.count {
      let node = nodes[queue[next]]
      next += 1
      guard let node else { continue }
      found.append(node)
      for source in node.sources where seen.insert(source).inserted { queue.append(source) }
    }
    return found
  }

  /// The nearest text above a node, itself included.
  private func text(_ id: String?) -> String {
    guard let id else { return "" }
    return upstream(of: id).lazy.compactMap { $0.inputs["text"]?.string ?? $0.inputs["string"]?.string }.first ?? ""
  }
}
