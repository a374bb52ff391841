/// What there is to know of a run's making, kept beside its pictures.
struct Manifest {
  private let value: JSONValue

  init(
    _ record: TaskRecord, result: InferenceResult, outputs: [TaskOutput], timings: [String: Double], at time: Timestamp
  ) {
    var engine: JSONValue = [:]
    engine["model"] = result.model.map(JSONValue.string)
    engine["model_hash"] = result.modelHash.map(JSONValue.string)
    engine["sampler"] = result.sampler.map(JSONValue.string)
    engine["parameters"] = result.parameters
    engine["info"] = result.info
    let files = outputs.map { output in
      var file: JSONValue = ["key": .string(output.key), "role": .string(output.role.rawValue)]
      file["content_type"] = .string(output.contentType)
      file["bytes"] = .int(output.bytes)
      file["sha256"] = .string(output.sha256)
      file["width"] = output.width.map(JSONValue.int)
      file["height"] = output.height.map(JSONValue.int)
      file["seed"] = output.seed.map { .number(JSONNumber($0)) }
      return file
    }
    var manifest: JSONValue = ["id": .string(record.key.task.id), "run": .int(record.key.run)]
    manifest["type"] = .string(record.type.rawValue)
    manifest["runtime"] = record.runtime.map(JSONValue.string)
    manifest["request_sha256"] = .string(record.digest)
    manifest["attempt"] = .int(record.attempts)
    manifest["made_at"] = .string(time.description)
    manifest["seconds"] = .object(JSONObject(timings.sorted { $0.key < $1.key }.map { ($0.key, .double($0.value)) }))
    manifest["engine"] = engine
    manifest["outputs"] = .array(files)
    value = manifest
  }

  func serialized() -> [UInt8] { value.serialized() }
}
