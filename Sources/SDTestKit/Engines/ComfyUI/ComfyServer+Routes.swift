internal import Foundation
internal import SDCore
internal import Synchronization

extension ComfyServer {
  func answer(_ request: RecordedRequest) -> ScriptedAnswer {
    // Every path is there under /api as well.
    let path = request.path.hasPrefix("/api/") ? String(request.path.dropFirst(4)) : request.path
    let parts = path.split(separator: "/").map(String.init)
    // A body above the limit: 413.
    if request.body.count > configuration.maximumBody { return .respond(status: 413) }
    // 403 where Origin and Host differ.
    if let origin = request.header("origin"), !origin.hasSuffix(request.header("host") ?? "") {
      return .respond(status: 403)
    }
    switch (request.method, parts.first ?? "", parts.count) {
    case ("GET", "ws", 1) where configuration.hasEvents: return events(request)
    case ("POST", "prompt", 1): return submit(request)
    case ("GET", "prompt", 1):
      let count = state.withLock { $0.pending.count + ($0.running == nil ? 0 : 1) }
      return .json("{\"exec_info\":{\"queue_remaining\":\(count)}}")
    case ("GET", "history", 2):
      // {} while unknown, queued, running, deleted, or after a restart.
      guard let entry = state.withLock({ $0.history[parts[1]] }) else { return .json("{}") }
      return .json(JSONValue.object([parts[1]: entry]).text)
    case ("GET", "queue", 1): return .json(queue.text)
    case ("POST", "queue", 1): return changeQueue(request)
    case ("POST", "interrupt", 1): return interrupt(request)
    case ("POST", "free", 1):
      // Deferred [src: until the queue looks again]; free_memory empties the cache of nodes.
      state.withLock { state in
        state.frees += 1
        (state.isFragmented, state.cache) = (false, [:])
      }
      return .respond()
    case ("GET", "view", 1): return view(request)
    case ("POST", "upload", 2) where parts[1] == "image": return upload(request)
    case ("GET", "system_stats", 1):
      return .json(#"{"system":{"os":"posix","comfyui_version":"0.3.64"},"devices":[{"name":"cpu","type":"cpu"}]}"#)
    case ("GET", "models", 2) where parts[1] == "checkpoints":
      return .json(JSONValue.strings(configuration.checkpoints).text)
    // An unknown class: 200 {}.
    case ("GET", "object_info", 2): return .json("{}")
    case ("GET", "features", 1): return .json("{}")
    default: return .respond(status: 404)
    }
  }

  // MARK: Prompts

  private func submit(_ request: RecordedRequest) -> ScriptedAnswer {
    // Not JSON, or nothing: 500 and plain text. Content-Type is not looked at.
    guard let body = try? JSONValue(parsing: request.body), body.object != nil else {
      return .respond(status: 500, headers: [("Content-Type", "text/plain")], body: "500 Internal Server Error")
    }
    guard let graph = body["prompt"], graph.object != nil else {
      return .json(
        #"{"error":{"type":"no_prompt","message":"No prompt provided","details":"","extra_info":{}},"node_errors":{}}"#,
        status: 400)
    }
    let verdict = validate(graph)
    if let error = verdict.error {
      return .json(JSONValue.object(["error": error, "node_errors": verdict.nodeErrors]).text, status: 400)
    }
    // A prompt_id may be chosen; one that was used before is not refused, runs again and overwrites its history.
    let id = body["prompt_id"]?.string ?? UUID().uuidString.lowercased()
    let number = state.withLock { state in
      defer { state.nextNumber += 1 }
      state.pending.append(
        Job(
          number: state.nextNumber, id: id, graph: graph, client: body["client_id"]?.string ?? "",
          outputs: verdict.outputs))
      return state.nextNumber
    }
    // One bad output and one good: 200 with node_errors, the bad one silently skipped.
    let drops = state.withLock { state in
      defer { state.dropsNextAnswer = false }
      return state.dropsNextAnswer
    }
    if drops { return .reset }
    let answer: JSONValue = ["prompt_id": .string(id), "number": .int(number), "node_errors": verdict.nodeErrors]
    return .json(answer.text)
  }

  private var queue: JSONValue {
    func entry(_ job: Job) -> JSONValue { [.int(job.number), .string(job.id), job.graph, [:], .strings(job.outputs)] }
    return state.withLock { state in
      [
        "queue_running": .array(state.running.map { [entry($0)] } ?? []),
        "queue_pending": .array(state.pending.map(entry)),
      ]
    }
  }

  private func changeQueue(_ request: RecordedRequest) -> ScriptedAnswer {
    let body = try? JSONValue(parsing: request.body)
    let removed = (body?["delete"]?.array ?? []).compactMap(\.string)
    state.withLock { state in
      if body?["clear"]?.bool == true { state.pending = [] }
      state.pending.removeAll { removed.contains($0.id) }
    }
    return .respond()
  }

  /// `{}` is global, `{prompt_id}` hits that one if it runs; a waiting job is not touched. 200, no body.
  private func interrupt(_ request: RecordedRequest) -> ScriptedAnswer {
    let id = (try? JSONValue(parsing: request.body))?["prompt_id"]?.string
    state.withLock { state in
      if id == nil || (id != nil && state.running?.id == id) { state.isInterrupted = true }
    }
    return .respond()
  }

  // MARK: Files

  private func view(_ request: RecordedRequest) -> ScriptedAnswer {
    var values: [String: String] = [:]
    for pair in (request.query ?? "").split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      values[parts[0]] = parts.count > 1 ? parts[1].removingPercentEncoding : ""
    }
    let (name, subfolder) = (values["filename"] ?? "", values["subfolder"] ?? "")
    // 400 for a way out of the folder, 404 for what is not there; neither has a body.
    if name.contains("..") || name.hasPrefix("/") || subfolder.contains("..") { return .respond(status: 400) }
    let path = Self.path(values["type"] ?? "output", subfolder, name)
    guard let bytes = state.withLock({ $0.files[path] }) else { return .respond(status: 404) }
    return .respond(headers: [("Content-Type", "application/octet-stream")], body: bytes)
  }

  /// multipart with image, subfolder, type, overwrite. Without overwrite a name that is taken by other content gets a
  /// number: the name that is answered counts.
  private func upload(_ request: RecordedRequest) -> ScriptedAnswer {
    guard let form = Multipart(request), let file = form.files["image"] else { return .respond(status: 400) }
    let (subfolder, type) = (form.fields["subfolder"] ?? "", form.fields["type"] ?? "input")
    var name = file.name
    state.withLock { state in
      if form.fields["overwrite"] != "true" {
        let (stem, ending) = ((name as NSString).deletingPathExtension, (name as NSString).pathExtension)
        var number = 1
        while let there = state.files[Self.path(type, subfolder, name)], there != file.bytes {
          name = "\(stem) (\(number)).\(ending)"
          number += 1
        }
      }
      state.files[Self.path(type, subfolder, name)] = file.bytes
    }
    return .json(
      JSONValue.object(["name": .string(name), "subfolder": .string(subfolder), "type": .string(type)]).text)
  }

  // MARK: Events

  /// Events of a prompt go only to the client that submitted it; who comes back has missed what was before.
  private func events(_ request: RecordedRequest) -> ScriptedAnswer {
    let client = request.query?.split(separator: "=").last.map(String.init) ?? ""
    return WebSocketPeer.answer(to: request) { [weak self] peer in
      self?.state.withLock { $0.sockets[client] = peer }
      peer.send(text: #"{"type":"status","data":{"status":{"exec_info":{"queue_remaining":0}},"sid":"\#(client)"}}"#)
      while let frame = peer.receive(), frame.opcode != 8 {}
      self?.state.withLock { state in if state.sockets[client] === peer { state.sockets[client] = nil } }
    }
  }
}

/// The parts of a `multipart/form-data` body.
struct Multipart {
  private(set) var fields: [String: String] = [:]
  private(set) var files: [String: (name: String, bytes: [UInt8])] = [:]

  init?(_ request: RecordedRequest) {
    guard let type = request.header("content-type"), let mark = type.range(of: "boundary=") else { return nil }
    let boundary = Data("--\(type[mark.upperBound...])".utf8)
    let body = Data(request.body)
    var rest = body[...]
    while let start = rest.range(of: boundary) {
      rest = rest[start.upperBound...]
      guard let end = rest.range(of: boundary), let head = rest.range(of: Data("\r\n\r\n".utf8)) else { return }
      let lines = String(decoding: rest[..<head.lowerBound], as: UTF8.self)
      let content = rest[head.upperBound..<end.lowerBound].dropLast(2)
      guard let name = Self.value("name", in: lines) else { return nil }
      if let file = Self.value("filename", in: lines) {
        files[name] = (file, [UInt8](content))
      } else {
        fields[name] = String(decoding: content, as: UTF8.self)
      }
    }
  }

  private static func value(_ name: String, in lines: String) -> String? {
    guard let start = lines.range(of: " \(name)=\"") else { return nil }
    return String(lines[start.upperBound...].prefix { $0 != "\"" })
  }
}
