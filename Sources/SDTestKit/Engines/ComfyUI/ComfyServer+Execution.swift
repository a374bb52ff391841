internal import Foundation
internal import SDCore
internal import Synchronization

extension ComfyServer {
  private struct Raised: Error {
    var node: String
    var type: String
    var message: String
  }
  private struct Interrupted: Error { var node: String }
  /// The process that worked is gone.
  private struct Gone: Error {}

  /// The body of the working thread; it ends with the engine.
  static func work(_ engine: () -> ComfyServer?) {
    while let server = engine() {
      if server.state.withLock({ $0.isStopped }) { return }
      if !server.workOnNext() { usleep(1000) }
    }
  }

  private func workOnNext() -> Bool {
    let next: (Job, Int)? = state.withLock { state in
      guard !state.pending.isEmpty else { return nil }
      let job = state.pending.removeFirst()
      state.running = job
      state.jobs.append(job.id)
      // execute() clears the flag [src]: an interrupt before the start can be lost.
      state.isInterrupted = false
      return (job, state.generation)
    }
    guard let (job, generation) = next else { return false }
    var outputs: JSONValue = [:]
    var messages: [JSONValue] = [["execution_start", ["prompt_id": .string(job.id)]]]
    send("execution_start", [:], job)
    var status = "success"
    do {
      try execute(job, generation, &outputs)
      messages.append(["execution_success", ["prompt_id": .string(job.id)]])
      send("executing", ["node": nil], job)
      send("execution_success", [:], job)
    } catch is Gone {
      return true
    } catch {
      // An interrupt and a failure both have the status "error"; the last message tells them apart.
      status = "error"
      let message = Self.message(of: error, job)
      messages.append(message)
      send(message.array?.first?.string ?? "", message.array?.last ?? [:], job)
    }
    let entry: JSONValue = [
      "prompt": [.int(job.number), .string(job.id), job.graph, [:], .strings(job.outputs)], "outputs": outputs,
      "status": [
        "status_str": .string(status), "completed": .bool(status == "success"), "messages": .array(messages),
      ], "meta": [:],
    ]
    state.withLock { state in
      guard state.generation == generation else { return }
      state.running = nil
      state.history[job.id] = entry
    }
    return true
  }

  private static func message(of error: any Error, _ job: Job) -> JSONValue {
    if let interrupted = error as? Interrupted {
      return ["execution_interrupted", ["prompt_id": .string(job.id), "node_id": .string(interrupted.node)]]
    }
    let raised = error as? Raised ?? Raised(node: "?", type: "Exception", message: "\(error)")
    return [
      "execution_error",
      [
        "prompt_id": .string(job.id), "node_id": .string(raised.node),
        "node_type": job.graph[raised.node]?["class_type"] ?? .null, "exception_type": .string(raised.type),
        "exception_message": .string(raised.message), "traceback": ["  File \"execution.py\""],
      ],
    ]
  }

  private func execute(_ job: Job, _ generation: Int, _ outputs: inout JSONValue) throws {
    var nodes: [String] = []
    for output in job.outputs { nodes += reachable(output, job.graph).filter { !nodes.contains($0) } }
    let cached = nodes.filter { node in state.withLock { $0.cache[signature(node, job.graph)] != nil } }
    // An identical graph returns the first run's file names and makes no new file: execution_cached lists all.
    send("execution_cached", ["nodes": .strings(cached)], job)
    for node in nodes {
      try check(node, generation)
      let key = signature(node, job.graph)
      if let known = state.withLock({ $0.cache[key] }) {
        if known.object?.isEmpty == false { outputs[node] = known }
        continue
      }
      send("executing", ["node": .string(node)], job)
      let type = job.graph[node]?["class_type"]?.string ?? ""
      if type == "KSampler" {
        try sample(node, job, generation)
      } else {
        hold(type, generation)
        try check(node, generation)
      }
      let made = try make(node, type, job)
      state.withLock { state in
        state.executed.append(type)
        state.cache[key] = made
      }
      guard made.object?.isEmpty == false else { continue }
      outputs[node] = made
      send("executed", ["node": .string(node), "output": made], job)
    }
  }

  /// Everything that goes into a node, inputs of inputs included.
  private func signature(_ node: String, _ graph: JSONValue) -> String {
    let inputs = (graph[node]?["inputs"]?.object?.members ?? []).map { input -> String in
      guard let source = input.value.array?.first?.string, graph[source] != nil else {
        return "\(input.name)=\(input.value.text)"
      }
      return "\(input.name)=(\(signature(source, graph)))"
    }
    return "\(graph[node]?["class_type"]?.string ?? ""):\(inputs.sorted().joined(separator: ","))"
  }

  /// Polled between nodes and at steps of a sampler.
  private func check(_ node: String, _ generation: Int) throws {
    let (isGone, isInterrupted) = state.withLock { ($0.isStopped || $0.generation != generation, $0.isInterrupted) }
    if isGone { throw Gone() }
    if isInterrupted { throw Interrupted(node: node) }
  }

  private func hold(_ type: String, _ generation: Int) {
    guard let gate = state.withLock({ $0.holds[type] }) else { return }
    // A held node looks for an interrupt, as a sampler does at its steps.
    _ = gate.pass { self.state.withLock { $0.isStopped || $0.generation != generation || $0.isInterrupted } }
  }

  private func sample(_ node: String, _ job: Job, _ generation: Int) throws {
    let steps = job.graph[node]?["inputs"]?["steps"]?.int ?? 1
    for step in 1...max(1, min(steps, 100)) {
      send("progress", ["value": .int(step), "max": .int(steps), "node": .string(node)], job)
      sendPreview(step, job)
      hold("KSampler", generation)
      try check(node, generation)
    }
  }

  // MARK: Nodes

  private func make(_ node: String, _ type: String, _ job: Job) throws -> JSONValue {
    let inputs = job.graph[node]?["inputs"]
    switch type {
    case "Fail":
      throw Raised(
        node: node, type: inputs?["type"]?.string ?? "RuntimeError", message: inputs?["message"]?.string ?? "it failed")
    case "EmptyLatentImage", "EmptyImage":
      let pixels = (inputs?["width"]?.int ?? 1) * (inputs?["height"]?.int ?? 1) * (inputs?["batch_size"]?.int ?? 1)
      let isFragmented = state.withLock { state in
        defer { state.isFragmented = state.isFragmented || configuration.leaksMemory }
        return state.isFragmented
      }
      guard pixels <= configuration.memoryPixels, !isFragmented else {
        throw Raised(node: node, type: "torch.OutOfMemoryError", message: "Allocation on device")
      }
      return [:]
    case "SaveImage": return ["images": .array(try save(node, job, "output", ".png", "images"))]
    case "PreviewImage": return ["images": .array(try save(node, job, "temp", ".png", "images"))]
    case "SaveAnimatedWEBP":
      return ["images": .array(try save(node, job, "output", ".webp", "images")), "animated": [true]]
    case "VHS_VideoCombine": return ["gifs": .array(try save(node, job, "output", ".mp4", "images"))]
    case "SaveVideo": return ["video": .array(try save(node, job, "output", ".webm", "images"))]
    case "SaveAudio": return ["audio": .array(try save(node, job, "output", ".flac", "audio"))]
    case "PreviewAny":
      guard let source = inputs?["source"] else { return [:] }
      return ["text": [source]]
    // A PNG cut to 100 bytes is loaded without an error.
    default: return [:]
    }
  }

  private func save(
    _ node: String, _ job: Job, _ type: String, _ ending: String, _ source: String
  ) throws -> [JSONValue] {
    let inputs = job.graph[node]?["inputs"]
    let prefix = inputs?["filename_prefix"]?.string ?? "ComfyUI_temp"
    let parts = prefix.split(separator: "/").map(String.init)
    let (subfolder, stem) = (parts.dropLast().joined(separator: "/"), parts.last ?? "ComfyUI")
    let size = size(of: node, job.graph)
    return (0..<size.count).map { index in
      let number = state.withLock { state in
        var number = 1
        while state.files[Self.path(type, subfolder, Self.name(stem, number, ending))] != nil { number += 1 }
        return number
      }
      let name = Self.name(stem, number, ending)
      store(content(ending, size.width, size.height, index, job), as: name, subfolder: subfolder, type: type)
      return ["filename": .string(name), "subfolder": .string(subfolder), "type": .string(type)]
    }
  }

  private static func name(_ stem: String, _ number: Int, _ ending: String) -> String {
    let digits = String(number)
    return "\(stem)_\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits)_\(ending)"
  }

  /// The size that the graph says somewhere above a node.
  private func size(of node: String, _ graph: JSONValue) -> (width: Int, height: Int, count: Int) {
    let source = reachable(node, graph).compactMap { graph[$0]?["inputs"] }.first { $0["width"]?.int != nil }
    let count =
      reachable(node, graph).compactMap { graph[$0]?["inputs"] }
      .compactMap { $0["batch_size"]?.int ?? $0["amount"]?.int }.first ?? 1
    return (source?["width"]?.int ?? 16, source?["height"]?.int ?? 16, max(1, min(count, 64)))
  }

  private func content(_ ending: String, _ width: Int, _ height: Int, _ index: Int, _ job: Job) -> [UInt8] {
    switch ending {
    case ".png":
      // The whole graph stands in a tEXt chunk `prompt`; --disable-metadata leaves it out [mem].
      let texts = configuration.disablesMetadata ? [] : [(keyword: "prompt", text: job.graph.text)]
      let seed = (job.graph.object?.members ?? []).compactMap { $0.value["inputs"]?["seed"]?.int }.first ?? 0
      return FakeImage.png(
        width: min(width, 512), height: min(height, 512), gray: UInt8(truncatingIfNeeded: 20 + index + seed % 100),
        texts: texts)
    case ".mp4": return [0, 0, 0, 16] + Array("ftypisom".utf8) + [0, 0, 2, 0] + Array("....mdat".utf8)
    case ".webm": return [0x1A, 0x45, 0xDF, 0xA3, 0x87, 0x42, 0x82, 0x84] + Array("webm".utf8) + [0, 0, 0, 0]
    case ".flac": return Array("fLaC".utf8) + [0, 0, 0, 34]
    default:
      // 1x1, lossless.
      return [UInt8](Data(base64Encoded: "UklGRhwAAABXRUJQVlA4TA8AAAAvAAAAAAfQ//73v/+BiOh/AAA=") ?? Data())
    }
  }

  // MARK: Events

  private func send(_ type: String, _ data: JSONValue, _ job: Job) {
    var data = data
    data["prompt_id"] = .string(job.id)
    let socket = state.withLock { $0.sockets[job.client] }
    socket?.send(text: JSONValue.object(["type": .string(type), "data": data]).text)
  }

  /// Binary: four bytes of event (1), four of format (1 JPEG, 2 PNG), then the picture.
  private func sendPreview(_ step: Int, _ job: Job) {
    let socket = state.withLock { $0.sockets[job.client] }
    socket?.send(opcode: 2, [0, 0, 0, 1, 0, 0, 0, 2] + FakeImage.png(width: 4, height: 4, gray: UInt8(step & 0xFF)))
  }
}
