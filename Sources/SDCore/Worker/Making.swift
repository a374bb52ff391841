/// A task that is ready for the engine, and what its manifest will tell of it.
struct ReadyTask: Sendable {
  var prepared: PreparedInference
  var making: Making
}

/// What a run is made from: enough to make it again.
struct Making: Sendable {
  /// An image that the request only pointed to.
  struct Input: Sendable {
    var path: [InputReferences.Step]
    var reference: String
    var bytes: Int
    var sha256: String

    init(_ place: InputReferences.Found, bytes: Int, sha256: String) {
      (path, reference, self.bytes, self.sha256) = (place.path, place.reference, bytes, sha256)
    }

    /// Where it stands in the content, as a JSON pointer (RFC 6901).
    var pointer: String {
      path.map { step in
        switch step {
        case .member(let name): "/" + name.replacing("~", with: "~0").replacing("/", with: "~1")
        case .element(let position): "/\(position)"
        }
      }.joined()
    }
  }

  /// What the engine was sent, in the task's own terms: seeds in it, images by reference as they came.
  var content: JSONValue
  var inputs: [Input]
  /// The model that the task itself names.
  var model: String?
  /// How the pictures are stored: what the task says, and where it says nothing, the worker.
  var outputs: OutputOptions
  /// The kind of engine.
  var engine: String
  /// Who makes it.
  var worker: String
  var version: String?

  init(
    _ request: TaskRequest, content: JSONValue, inputs: [Input], engine: String, _ configuration: WorkerConfiguration
  ) {
    self.content = content
    for input in inputs { self.content[input.path] = .string(input.reference) }
    self.inputs = inputs
    model = request.model
    outputs = (request.options.outputs ?? OutputOptions()).filled(from: configuration.outputs)
    self.engine = engine
    (worker, version) = (configuration.name, configuration.version)
  }
}
