/// What drives one engine: the server that makes the pictures.
///
/// The worker calls `prepare` while the engine is still busy with the task before, `run` the moment it is free, and the
/// answer's `finish` while the engine already works on the next.
///
/// Guarantees:
/// - Errors are `TaskError` with the stage in which they happened, or `CancellationError`; an implementation classifies
///   what its engine says, since a status code does not tell.
/// - `run` calls `onAnswer` at most once, when the engine has begun to answer and is free.
/// - Cancelling `run` ends the exchange; it does not stop the engine, `interrupt` does.
public protocol InferenceBackend: Sendable {
  /// The kind of engine: `webui`, `comfyui`, `openai`, `test-pattern`.
  var kind: String { get }

  /// How the engine is now. Never throws and answers within seconds: it is asked before each receive.
  func status() async -> EngineStatus

  /// What the engine is and can do. Asked once it is ready, and again after it was away.
  func describe() async throws -> EngineDescription

  /// Makes sure that the engine works with a model, for runtimes whose tasks may not change it. Asked after `describe`.
  ///
  /// Throws `model_not_found` where it certainly works with another; an engine that does not tell is given the benefit of
  /// the doubt.
  func verify(model: String) async throws

  /// Has an engine that holds more than `limit` bytes of main memory let go of what earlier jobs have left there. Called
  /// between two jobs, by whoever has the engine.
  ///
  /// Answers what it held before and afterwards; `nil` where that is no more than the limit, or where it does not tell.
  func recycleMemory(above limit: Int) async -> RecycledMemory?

  /// Everything that can be done before the engine is free: the body, uploads, checks.
  func prepare(_ request: InferenceRequest) async throws -> PreparedInference

  /// Has the engine do it, from the first byte sent to the last byte of the answer.
  func run(_ prepared: PreparedInference, onAnswer: @escaping @Sendable () -> Void) async throws -> InferenceAnswer

  /// How far the engine is with it; `nil` where the engine does not tell or works on something else.
  ///
  /// - Parameter withPreview: whether somebody wants to see a picture of the present state; it may cost the engine time.
  func progress(of prepared: PreparedInference, withPreview: Bool) async throws -> TaskProgress?

  /// Stops the engine's work on it, and on nothing else as far as the engine allows.
  func interrupt(_ prepared: PreparedInference) async throws

  /// Asks the engine to end. Answers whether it has such a call at all.
  func stop() async throws -> Bool
}

/// How an engine is now.
public enum EngineStatus: Sendable, Hashable {
  /// It takes requests; `busy` where it tells.
  case ready(busy: Bool?)
  /// It does not, and why.
  case unavailable(String)
}

/// What an engine is and can do.
public struct EngineDescription: Sendable, Hashable {
  /// Name and version, as far as it tells.
  public var name: String
  /// What it can do.
  public var types: Set<TaskType>
  /// The model it has loaded, where it tells.
  public var loadedModel: String?
  /// The models it could load; empty where it does not tell.
  public var models: [String]
  /// Whether it tells progress, so that a stall can be seen.
  public var reportsProgress: Bool
  /// Whether it can be interrupted.
  public var interrupts: Bool

  /// What an engine is and can do.
  public init(
    name: String, types: Set<TaskType>, loadedModel: String? = nil, models: [String] = [], reportsProgress: Bool,
    interrupts: Bool
  ) {
    self.name = name
    self.types = types
    self.loadedModel = loadedModel
    self.models = models
    self.reportsProgress = reportsProgress
    self.interrupts = interrupts
  }
}

/// What came of having an engine let go of memory, in bytes.
public struct RecycledMemory: Sendable, Hashable {
  public var before: Int
  public var after: Int

  /// What came of it; for backends.
  public init(before: Int, after: Int) { (self.before, self.after) = (before, after) }
}

/// What an engine is to do, inputs in place.
public struct InferenceRequest: Sendable {
  /// The run and its attempt: names the request to engines that want a name.
  public var key: RunKey
  public var attempt: Int
  /// What is to be done.
  public var type: TaskType
  /// The model it must be done with; `nil` for whatever is loaded.
  public var model: String?
  /// Whether the engine may load another model for it.
  public var mayLoadModel: Bool
  /// In the engine's own terms. Where an image belongs there is base64 of it.
  public var content: JSONValue
  /// For requests that name none: the same for every attempt of a run.
  public var seed: UInt64

  /// What an engine is to do.
  public init(
    key: RunKey, attempt: Int, type: TaskType, model: String?, mayLoadModel: Bool, content: JSONValue, seed: UInt64
  ) {
    self.key = key
    self.attempt = attempt
    self.type = type
    self.model = model
    self.mayLoadModel = mayLoadModel
    self.content = content
    self.seed = seed
  }
}

/// A request that is ready to be sent.
public struct PreparedInference: Sendable {
  /// What it was made of. Its content is such that, sent again, it makes the same pictures: seeds are in it.
  public var request: InferenceRequest
  /// What goes to the engine, as the backend made it.
  public var payload: [UInt8]
  /// A name that the backend gave it.
  public var name: String

  /// A request that is ready to be sent; for backends.
  public init(request: InferenceRequest, payload: [UInt8], name: String) {
    (self.request, self.payload, self.name) = (request, payload, name)
  }
}

/// An engine's whole answer, not yet taken apart: that is work for the time when the engine is busy again.
public struct InferenceAnswer: Sendable {
  /// Bytes held by it, for the worker's budget.
  public var byteCount: Int
  /// Takes it apart and checks it. To be called once.
  public var finish: @Sendable () async throws -> InferenceResult

  /// An answer; for backends.
  public init(byteCount: Int, finish: @escaping @Sendable () async throws -> InferenceResult) {
    (self.byteCount, self.finish) = (byteCount, finish)
  }
}

/// What an engine made.
public struct InferenceResult: Sendable {
  /// The pictures, in order: those asked for first, what came along after them.
  public var outputs: [InferenceOutput]
  /// The engine's echo of the request's parameters, without image payloads.
  public var parameters: JSONValue
  /// What it told about the making: `info` of the web UI, parsed; `null` where it told nothing.
  public var info: JSONValue
  /// `html_info` of the extras.
  public var htmlInfo: String?
  /// Which engine made it, with its version, where it told.
  public var engine: String?
  /// What it was made with, where the engine told.
  public var model: String?
  public var modelHash: String?
  public var sampler: String?

  /// Bytes of all outputs, with the small pictures beside them.
  var byteCount: Int { outputs.reduce(0) { $0 + $1.bytes.count + ($1.thumbnail?.bytes.count ?? 0) } }

  /// What an engine made; for backends.
  public init(
    outputs: [InferenceOutput], parameters: JSONValue = [:], info: JSONValue = nil, htmlInfo: String? = nil,
    engine: String? = nil, model: String? = nil, modelHash: String? = nil, sampler: String? = nil
  ) {
    self.outputs = outputs
    self.parameters = parameters
    self.info = info
    self.htmlInfo = htmlInfo
    self.engine = engine
    self.model = model
    self.modelHash = modelHash
    self.sampler = sampler
  }
}

/// One thing that an engine made.
public struct InferenceOutput: Sendable {
  /// The bytes; may be a part of the answer's own.
  public var bytes: ArraySlice<UInt8>
  /// What it is to the client.
  public var role: TaskOutput.Role
  /// Media type and file extension with its dot, from the bytes.
  public var contentType: String
  public var fileExtension: String
  /// In pixels, for pictures.
  public var width: Int?
  public var height: Int?
  /// The seed that made it, where the engine told.
  public var seed: UInt64?
  /// A small picture of it; made by an `OutputFinisher`.
  public var thumbnail: Thumbnail?

  /// A small picture of an output.
  public struct Thumbnail: Sendable {
    /// The file.
    public var bytes: [UInt8]
    /// Media type and file extension with its dot.
    public var contentType: String
    public var fileExtension: String
    /// In pixels.
    public var width: Int
    public var height: Int

    /// A small picture.
    public init(bytes: [UInt8], contentType: String, fileExtension: String, width: Int, height: Int) {
      (self.bytes, self.contentType, self.fileExtension) = (bytes, contentType, fileExtension)
      (self.width, self.height) = (width, height)
    }
  }

  /// One thing that an engine made; for backends.
  public init(
    bytes: ArraySlice<UInt8>, role: TaskOutput.Role, contentType: String, fileExtension: String, width: Int? = nil,
    height: Int? = nil, seed: UInt64? = nil
  ) {
    self.bytes = bytes
    self.role = role
    self.contentType = contentType
    self.fileExtension = fileExtension
    self.width = width
    self.height = height
    self.seed = seed
  }
}

/// What brings in an image that a request only points to.
public protocol InputSource: Sendable {
  /// The largest input that it brings in, in bytes. A worker keeps so much memory free before it asks for one.
  var maximumBytes: Int { get }

  /// The bytes behind a reference (`http:`, `https:`, `s3:`, `data:`), checked to be an image of a bearable size.
  ///
  /// Throws `TaskError` with `input_unreachable`, `input_refused` or `input_invalid`.
  ///
  /// - Parameter onLength: to be called with the number of bytes where that is told before they come, so that no more
  ///   memory is kept free than is needed. Optional: whoever cannot tell does not call it.
  func fetch(_ reference: String, onLength: @escaping @Sendable (Int) -> Void) async throws -> [UInt8]
}
