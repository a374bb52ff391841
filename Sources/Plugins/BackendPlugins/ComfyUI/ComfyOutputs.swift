import ImageKit
import SDCore

/// What a graph made, as its history lists it.
struct ComfyOutputs: Sendable {
  private var files: [ComfyClient.File] = []
  private var texts: [String] = []
  /// Whether a file came from a node that saves where we said, and is not there.
  private var stray: ComfyClient.File?

  /// Files made at once.
  private static let parallelDownloads = 4
  private static let maximumFiles = 1024

  /// - Parameters:
  ///   - entry: the history's entry.
  ///   - folder: where everything was to be saved.
  init(_ entry: JSONValue, folder: String, _ graph: ComfyGraph) {
    var seen: Set<ComfyClient.File> = []
    let outputs = entry["outputs"]
    for node in graph.nodeNames {
      for member in outputs?[node]?.object?.members ?? [] {
        for item in member.value.array ?? [] {
          if let text = item.string, member.name == "text" { texts.append(text) }
          guard let name = item["filename"]?.string else { continue }
          let file = ComfyClient.File(
            name: name, subfolder: item["subfolder"]?.string ?? "", type: item["type"]?.string ?? "output")
          guard seen.insert(file).inserted, files.count < Self.maximumFiles else { continue }
          files.append(file)
          if file.type == "output", graph.savesByPrefix(node), !Self.isBelow(folder, file.subfolder) { stray = file }
        }
      }
    }
  }

  private static func isBelow(_ folder: String, _ subfolder: String) -> Bool {
    let path = subfolder.replacing("\\", with: "/")
    return path == folder || path.hasPrefix(folder + "/")
  }

  /// Fetches the files, those that were saved before those that were only shown.
  func fetch(
    _ client: ComfyClient, _ request: InferenceRequest, _ graph: ComfyGraph, engine: String
  ) async throws -> InferenceAnswer {
    if let stray {
      throw TaskError(
        .outputInvalid, .deliver, "ComfyUI gives \(stray.subfolder)/\(stray.name), which this task has not made")
    }
    let saved = files.filter { $0.type == "output" }
    let shown = files.filter { $0.type != "output" }
    let wanted = saved + shown
    guard !wanted.isEmpty || !texts.isEmpty else {
      throw TaskError(
        .outputInvalid, .deliver, "the graph made nothing that can be fetched: it needs a node that saves or shows",
        retryable: false)
    }
    let contents = try await download(wanted, client)
    // What is only shown is wanted where nothing is saved.
    let asked = saved.isEmpty && texts.isEmpty ? shown.count : saved.count
    let (texts, seed) = (texts, graph.seed)
    let total = contents.reduce(0) { $0 + $1.count }
    return InferenceAnswer(byteCount: total) {
      var outputs: [InferenceOutput] = []
      for (index, bytes) in contents.enumerated() {
        outputs.append(
          try .media(
            bytes[...], fileName: wanted[index].name, role: index < asked ? .image : .extra, seed: seed,
            number: index + 1))
      }
      outputs.insert(contentsOf: texts.map(InferenceOutput.text), at: asked)
      var info: JSONValue = ["seeds": graph.seeds]
      info["models"] = .strings(graph.models)
      return InferenceResult(
        outputs: outputs, info: info, engine: engine, model: graph.models.first, sampler: graph.sampler)
    }
  }

  private func download(_ files: [ComfyClient.File], _ client: ComfyClient) async throws -> [[UInt8]] {
    try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { group in
      var waiting = files.indices[...]
      var contents = [[UInt8]](repeating: [], count: files.count)
      func startNext() {
        guard let position = waiting.popFirst() else { return }
        group.addTask { (position, try await client.download(files[position])) }
      }
      for _ in 0..<Self.parallelDownloads { startNext() }
      while let (position, bytes) = try await group.next() {
        contents[position] = bytes
        startNext()
      }
      return contents
    }
  }
}
