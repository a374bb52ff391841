/// What there is to know of a run's making, kept beside its pictures; `request` is what `POST /v1/tasks` takes, and makes
/// the same pictures where the engine can.
struct Manifest {
  private let value: JSONValue

  init(
    _ record: TaskRecord, _ making: Making, result: InferenceResult, outputs: [TaskOutput], timings: [String: Double],
    at time: Timestamp
  ) {
    var manifest: JSONValue = ["id": .string(record.key.task.id), "run": .int(record.key.run)]
    manifest["request"] = Self.request(record, making)
    manifest["request_sha256"] = .string(record.digest)
    if !making.inputs.isEmpty { manifest["inputs"] = .array(making.inputs.map(Self.input)) }
    manifest["attempt"] = .int(record.attempts)
    manifest["worker"] = ["name": .string(making.worker)]
    manifest["worker"]?["version"] = making.version.map(JSONValue.string)
    manifest["engine"] = Self.engine(making, result)
    manifest["made_at"] = .string(time.description)
    manifest["seconds"] = .object(JSONObject(timings.sorted { $0.key < $1.key }.map { ($0.key, .double($0.value)) }))
    manifest["outputs"] = .array(outputs.map(Self.file))
    value = manifest
  }

  func serialized() -> [UInt8] { value.serialized() }

  /// What a manifest keeps of the engine's answer, without its pictures.
  static func echo(in manifest: JSONValue) -> InferenceResult? {
    guard let engine = manifest["engine"], let parameters = engine["parameters"] else { return nil }
    return InferenceResult(outputs: [], parameters: parameters, htmlInfo: engine["html_info"]?.string)
  }

  private static func request(_ record: TaskRecord, _ making: Making) -> JSONValue {
    var request: JSONValue = ["type": .string(record.type.rawValue), "content": making.content]
    request["runtime"] = record.runtime.map(JSONValue.string)
    request["model"] = making.model.map(JSONValue.string)
    if making.outputs != OutputOptions() { request["outputs"] = making.outputs.json }
    return request
  }

  private static func input(_ input: Making.Input) -> JSONValue {
    ["pointer": .string("/content" + input.pointer), "bytes": .int(input.bytes), "sha256": .string(input.sha256)]
  }

  private static func engine(_ making: Making, _ result: InferenceResult) -> JSONValue {
    var engine: JSONValue = ["kind": .string(making.engine)]
    engine["version"] = result.engine.map(JSONValue.string)
    engine["model"] = result.model.map(JSONValue.string)
    engine["model_hash"] = result.modelHash.map(JSONValue.string)
    engine["sampler"] = result.sampler.map(JSONValue.string)
    engine["parameters"] = result.parameters
    engine["info"] = result.info
    engine["html_info"] = result.htmlInfo.map(JSONValue.string)
    return engine
  }

  private static func file(_ output: TaskOutput) -> JSONValue {
    var file: JSONValue = ["key": .string(output.key), "role": .string(output.role.rawValue)]
    file["content_type"] = .string(output.contentType)
    file["bytes"] = .int(output.bytes)
    file["sha256"] = .string(output.sha256)
    file["width"] = output.width.map(JSONValue.int)
    file["height"] = output.height.map(JSONValue.int)
    file["seed"] = output.seed.map { .number(JSONNumber($0)) }
    file["thumbnail"] = output.thumbnail.map { ["key": .string($0.key), "sha256": .string($0.sha256)] }
    return file
  }
}
