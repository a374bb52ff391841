import FoundationEssentials
public import SDCore

/// The workflows that tasks for a ComfyUI can name: graphs with named parameters.
///
/// A file `NAME.json` is a workflow:
///
///     {
///       "parameters": {
///         "prompt": "6.text",
///         "steps": {"input": "3.steps", "default": 20},
///         "sampler_name": {"input": "3.sampler_name", "words": {"Euler a": "euler_ancestral"}},
///         "init_images": {"input": "10.image", "required": true}
///       },
///       "graph": { ... the graph in API format ... }
///     }
///
/// A file that is a graph by itself is one whose parameters are its inputs: `{"6.text": "a cat"}`. Workflows called
/// `text-to-image` and `image-to-image` do the tasks of these types; there are simple ones for Stable Diffusion
/// checkpoints unless a file takes their place.
public struct ComfyWorkflows: Sendable {
  private var workflows: [String: ComfyWorkflow]

  /// The workflows of this package.
  public static let standard = ComfyWorkflows(workflows: Self.own)

  private init(workflows: [String: ComfyWorkflow]) { self.workflows = workflows }

  /// The workflows in a directory, and those of this package that have no file there.
  ///
  /// - Throws: `.configuration` with the file for what cannot be read or is no workflow.
  public init(directory: String) throws(SDError) {
    self = .standard
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: directory) } catch {
      throw SDError(.configuration, "the directory of workflows \(directory) cannot be read", underlying: error)
    }
    for file in names.sorted() where file.hasSuffix(".json") {
      let (path, name) = ("\(directory)/\(file)", String(file.dropLast(5)))
      guard let data = FileManager.default.contents(atPath: path), data.count <= 16 << 20 else {
        throw SDError(.configuration, "the workflow \(path) cannot be read, or is larger than 16 MiB")
      }
      do {
        workflows[name] = try ComfyWorkflow(name, JSONValue(parsing: [UInt8](data)))
      } catch let fault as WorkflowFault {
        throw SDError(.configuration, "the workflow \(path): \(fault.reason)")
      } catch {
        throw SDError(.configuration, "the workflow \(path) is not JSON: \(error)")
      }
    }
  }

  /// What they are called, in order.
  public var names: [String] { workflows.keys.sorted() }

  // MARK: Filling

  /// The graph for a task.
  ///
  /// - Parameter checkpoints: asks for those that the engine has, where the task names none.
  func graph(
    named name: String, filledFor request: InferenceRequest, checkpoints: () async throws -> [String]
  ) async throws -> ComfyGraph {
    guard let workflow = workflows[name] else {
      throw TaskError(
        .engineRejected, .prepare,
        request.type == .pipeline
          ? "there is no workflow \(EngineFault.cut(name, to: 64)); there are \(names.joined(separator: ", "))"
          : "this ComfyUI does no \(name): it has no workflow of that name")
    }
    var values = Self.values(of: request)
    if values["seed"]?.seed == nil, workflow.parameters.contains(where: { $0.name == "seed" }) {
      values["seed"] = .number(JSONNumber(request.seed))
    }
    if workflow.parameters.contains(where: { $0.name == "model" }), values["model"]?.string?.isEmpty != false {
      let known = try await checkpoints()
      values["model"] = .string(try Self.checkpoint(request.model, known))
    }
    return try workflow.filled(with: values)
  }

  /// The checkpoint of a task, by the engine's name for it.
  private static func checkpoint(_ asked: String?, _ known: [String]) throws(TaskError) -> String {
    guard let asked else {
      guard let first = known.first else {
        throw TaskError(.modelNotFound, .prepare, "ComfyUI has no checkpoints, and the task names none")
      }
      return first
    }
    if known.isEmpty { return asked }
    let name = ModelName(asked)
    guard let found = known.first(where: { $0 == asked }) ?? known.first(where: { ModelName($0).resembles(name) })
    else {
      let list = known.prefix(20).joined(separator: ", ")
      throw TaskError(.modelNotFound, .prepare, "ComfyUI has no checkpoint \(asked); it has \(list)")
    }
    return found
  }

  private static func values(of request: InferenceRequest) -> JSONObject {
    if request.type == .pipeline { return request.content["parameters"]?.object ?? [:] }
    var values = request.content.object ?? [:]
    // What web UIs do one after the other is one batch here.
    if let batches = values["n_iter"]?.int {
      values["n_iter"] = nil
      let (count, overflows) = batches.multipliedReportingOverflow(by: values["batch_size"]?.int ?? 1)
      if batches > 1, !overflows { values["batch_size"] = .int(count) }
    }
    for name in ["send_images", "save_images"] { values[name] = nil }
    return values
  }

  /// The content of a task such that it makes the same again: with its seed.
  func repeatable(_ request: InferenceRequest) -> JSONValue {
    var content = request.content
    let name = request.type == .pipeline ? content["workflow"]?.string ?? "" : request.type.rawValue
    guard workflows[name]?.parameters.contains(where: { $0.name == "seed" }) == true else { return content }
    let seed = JSONValue.number(JSONNumber(request.seed))
    if request.type != .pipeline {
      if content["seed"]?.seed == nil { content["seed"] = seed }
    } else if content["parameters"]?["seed"]?.seed == nil {
      var parameters = content["parameters"]?.object ?? [:]
      parameters["seed"] = seed
      content["parameters"] = .object(parameters)
    }
    return content
  }
}
