extension TaskView {
  /// The view as it goes over the wire; what is not known is left out.
  public var json: JSONValue {
    var json: JSONValue = ["id": .string(id), "run": .int(run)]
    json["runtime"] = runtime.map(JSONValue.string)
    json["model"] = model.map(JSONValue.string)
    json["type"] = .string(type.rawValue)
    json["title"] = title.map(JSONValue.string)
    json["state"] = .string(state.rawValue)
    json["priority"] = priority.map { .string($0.rawValue) }
    json["position"] = position.map(JSONValue.int)
    json["attempts"] = .int(attempts)
    json["cancel_requested"] = .bool(cancelRequested)
    json["worker"] = worker.map(JSONValue.string)
    json["trace_id"] = traceID.map(JSONValue.string)
    json["created_at"] = .string(createdAt.description)
    json["started_at"] = startedAt.map { .string($0.description) }
    json["finished_at"] = finishedAt.map { .string($0.description) }
    json["expires_at"] = expiresAt.map { .string($0.description) }
    json["timings"] = .object(JSONObject(timings.sorted { $0.key < $1.key }.map { ($0.key, .double($0.value)) }))
    json["outputs"] = .array(outputs.map(\.json))
    json["error"] = error?.json
    json["context"] = context
    return json
  }

  /// A view from what came over the wire; members that are not known are passed over.
  ///
  /// Throws `RequestProblem`.
  public init(json: JSONValue) throws(RequestProblem) {
    let reader = try ViewReader(json, of: "a task")
    id = try reader.string("id")
    run = try reader.int("run")
    runtime = json["runtime"]?.string
    model = json["model"]?.string
    type = try reader.value("type", TaskType.init(rawValue:))
    title = json["title"]?.string
    state = try reader.value("state", TaskState.init(rawValue:))
    priority = json["priority"]?.string.flatMap(TaskOptions.Priority.init)
    position = json["position"]?.int
    attempts = try reader.int("attempts")
    cancelRequested = json["cancel_requested"]?.bool ?? false
    worker = json["worker"]?.string
    traceID = json["trace_id"]?.string
    createdAt = try reader.value("created_at", Timestamp.init)
    startedAt = json["started_at"]?.string.flatMap(Timestamp.init)
    finishedAt = json["finished_at"]?.string.flatMap(Timestamp.init)
    expiresAt = json["expires_at"]?.string.flatMap(Timestamp.init)
    timings = [:]
    for member in json["timings"]?.object?.members ?? [] { timings[member.name] = member.value.double }
    outputs = []
    for output in json["outputs"]?.array ?? [] { outputs.append(try Output(json: output)) }
    error = json["error"].flatMap(Failure.init)
    context = json["context"]
  }
}

extension TaskView.Output {
  var json: JSONValue {
    var json: JSONValue = ["n": .int(number), "role": .string(role.rawValue), "uri": .string(uri), "url": .string(url)]
    json["content_type"] = .string(contentType)
    json["bytes"] = .int(bytes)
    json["sha256"] = .string(sha256)
    json["width"] = width.map(JSONValue.int)
    json["height"] = height.map(JSONValue.int)
    json["seed"] = seed.map { .number(JSONNumber($0)) }
    json["thumbnail"] = thumbnail.map { small in
      [
        "uri": .string(small.uri), "content_type": .string(small.contentType), "bytes": .int(small.bytes),
        "width": .int(small.width), "height": .int(small.height),
      ]
    }
    return json
  }

  init(json: JSONValue) throws(RequestProblem) {
    let reader = try ViewReader(json, of: "an output")
    number = try reader.int("n")
    role = json["role"]?.string.flatMap(TaskOutput.Role.init) ?? .image
    uri = try reader.string("uri")
    url = try reader.string("url")
    contentType = try reader.string("content_type")
    bytes = try reader.int("bytes")
    sha256 = try reader.string("sha256")
    width = json["width"]?.int
    height = json["height"]?.int
    if case .number(let number)? = json["seed"] { seed = UInt64(number.literal) }
    if let small = json["thumbnail"], let uri = small["uri"]?.string, let type = small["content_type"]?.string,
      let bytes = small["bytes"]?.int, let width = small["width"]?.int, let height = small["height"]?.int
    {
      thumbnail = Thumbnail(uri: uri, contentType: type, bytes: bytes, width: width, height: height)
    }
  }
}

extension TaskView.Failure {
  var json: JSONValue {
    [
      "code": .string(code), "stage": .string(stage), "message": .string(message), "retryable": .bool(retryable),
    ]
  }

  init?(json: JSONValue) {
    guard let code = json["code"]?.string else { return nil }
    self.init(
      code: code, stage: json["stage"]?.string ?? "", message: json["message"]?.string ?? "",
      retryable: json["retryable"]?.bool ?? false)
  }
}

extension TaskView: Codable {
  public init(from decoder: any Decoder) throws { try self.init(json: JSONValue(from: decoder)) }
  public func encode(to encoder: any Encoder) throws { try json.encode(to: encoder) }
}

extension TaskProgress {
  /// How far a run is, as it goes over the wire; the preview goes apart.
  public var json: JSONValue {
    var json: JSONValue = ["fraction": .double(fraction)]
    json["step"] = step.map(JSONValue.int)
    json["steps"] = steps.map(JSONValue.int)
    json["eta"] = eta.map(JSONValue.double)
    return json
  }

  /// How far a run is, from what came over the wire; `nil` when that says nothing of it.
  public init?(json: JSONValue) {
    guard let fraction = json["fraction"]?.double else { return nil }
    self.init(fraction: fraction, step: json["step"]?.int, steps: json["steps"]?.int, eta: json["eta"]?.double)
  }
}

/// Takes what must be there out of a view.
struct ViewReader {
  private let json: JSONValue
  private let what: String

  init(_ json: JSONValue, of what: String) throws(RequestProblem) {
    guard json.object != nil else { throw RequestProblem("\(what) is a JSON \(json.kind), not an object") }
    (self.json, self.what) = (json, what)
  }

  func string(_ name: String) throws(RequestProblem) -> String { try value(name) { $0 } }

  func int(_ name: String) throws(RequestProblem) -> Int {
    guard let int = json[name]?.int else { throw RequestProblem("\(what) has no whole number \(name)") }
    return int
  }

  func value<Value>(_ name: String, _ read: (String) -> Value?) throws(RequestProblem) -> Value {
    guard let value = json[name]?.string.flatMap(read) else { throw RequestProblem("\(what) has no usable \(name)") }
    return value
  }
}
