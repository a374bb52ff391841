internal import Foundation
public import SDCore
internal import Synchronization

/// A stand-in for A1111 and Forge: their routes under `/sdapi/v1`, with what is odd about them.
///
/// What it does it does because the engines do it; comments name the observation under *A1111 API as observed*, which was
/// made on the wire of Forge f2.0.1v1.10.1 unless marked [src] (read in A1111's source) or [mem] (from memory). What was
/// not observed it does not do.
///
/// It does one job after another, in the order in which they came. A job takes its steps at once, or holds where a test
/// says so (``hold(atStep:)``).
public final class A1111Server: Sendable {
  /// One checkpoint file.
  public struct Model: Sendable, Hashable {
    /// The name without extension.
    public var name: String
    /// The short hash, known once it was computed.
    public var hash: String?

    /// A checkpoint file.
    public init(_ name: String, hash: String? = nil) { (self.name, self.hash) = (name, hash) }

    /// What the engine calls it: the file's name, and the hash where it is known.
    public var title: String { "\(name).safetensors" + (hash.map { " [\($0)]" } ?? "") }
    /// What `info` says for a hash.
    var shortHash: String { hash ?? "" }
  }

  /// What the engine has, and how it was started.
  public struct Configuration: Sendable {
    /// The checkpoints in its folder; the first one is loaded.
    public var models = [Model("first", hash: "1111111111"), Model("second", hash: "2222222222")]
    /// Its samplers, with aliases. The first one is what an unknown name gets.
    public var samplers: [(name: String, aliases: [String])] = [
      ("Euler a", ["k_euler_a"]), ("Euler", ["k_euler"]), ("DPM++ 2M", ["k_dpmpp_2m"]),
    ]
    /// Names and labels of its schedulers.
    public var schedulers: [(name: String, label: String)] = [("automatic", "Automatic"), ("karras", "Karras")]
    /// Its upscalers.
    public var upscalers = ["None", "Lanczos", "Nearest", "R-ESRGAN 4x+"]
    /// Whether the ControlNet extension is there.
    public var hasControlNet = true
    /// The pixels of one batch that its memory suffices for.
    public var memoryPixels = Int.max
    /// Whether what a job leaves in memory is lost to the next, until the checkpoint is unloaded.
    public var leaksMemory = false
    /// User and password of `--api-auth`.
    public var credentials: (user: String, password: String)?
    /// Whether it was started with `--api-server-stop`.
    public var hasServerStop = false
    /// Whether errors have Forge's form rather than A1111's.
    public var isForge = true
    /// The option `samples_format`: `png` or `jpg`.
    public var samplesFormat = "png"
    /// Whether live previews are made.
    public var makesPreviews = true

    /// An engine with two checkpoints.
    public init() {}
  }

  struct Job {
    var steps: Int
    var batches: Int
    var step = 0
    var batch = 0
  }

  struct State {
    var models: [Model]
    /// What is in the folder but not yet in the list.
    var newModels: [Model] = []
    var loaded: String?
    var isLoaded = false
    var options: JSONObject
    var job: Job?
    var isInterrupted = false
    var isSkipped = false
    var isFragmented = false
    var nextTicket = 0
    var servedTicket = 0
    var holds: [Int: ServerGate] = [:]
    var jobs = 0
    var partialJobs = 0
    var violations: [String] = []
  }

  /// What it has.
  public let configuration: Configuration
  let state: Mutex<State>
  private let listening = Mutex<ScriptedHTTPServer?>(nil)

  /// Starts an engine.
  public init(_ change: (inout Configuration) -> Void = { _ in }) throws {
    var configuration = Configuration()
    change(&configuration)
    self.configuration = configuration
    state = Mutex(
      State(
        models: configuration.models, loaded: configuration.models.first?.title,
        options: [
          "samples_format": .string(configuration.samplesFormat),
          "sd_model_checkpoint": configuration.models.first.map { .string($0.title) } ?? .null, "sd_vae": "Automatic",
          "CLIP_stop_at_last_layers": 1, "return_grid": true,
        ]))
    let server = try ScriptedHTTPServer { [weak self] request in self?.answer(request) ?? .close }
    listening.withLock { $0 = server }
  }

  /// The server; every request is recorded there.
  public var server: ScriptedHTTPServer {
    guard let server = listening.withLock({ $0 }) else { preconditionFailure("it is there from the start") }
    return server
  }

  /// Its address: `http://127.0.0.1:40123`.
  public var url: String { server.url }

  // MARK: Telling it what to do

  /// Holds every job in a step, the first being 0, until the gate is opened. An interrupt takes effect behind it, as it
  /// does behind each step.
  @discardableResult
  public func hold(atStep step: Int) -> ServerGate {
    let gate = ServerGate()
    state.withLock { $0.holds[step] = gate }
    return gate
  }

  /// Puts a file into the folder of checkpoints; the engine does not see it before it is told to look.
  public func add(_ model: Model) { state.withLock { $0.newModels.append(model) } }

  /// Interrupts whatever runs, as somebody at its web page can.
  public func interruptFromElsewhere() { state.withLock { $0.isInterrupted = true } }

  // MARK: Looking at what happened

  /// Jobs that were begun.
  public var jobs: Int { state.withLock { $0.jobs } }
  /// Jobs that were cut short by an interrupt.
  public var partialJobs: Int { state.withLock { $0.partialJobs } }
  /// The title of the checkpoint that is loaded.
  public var loaded: String? { state.withLock { $0.loaded } }
  /// An option as `options` tells it.
  public func option(_ name: String) -> JSONValue? { state.withLock { $0.options[name] } }
  /// Calls that must not be made when they were.
  public var violations: [String] { state.withLock { $0.violations } }
  /// Whether a job is on its way.
  public var isBusy: Bool { state.withLock { $0.job != nil } }
  /// The bodies of requests to a route, in order.
  public func bodies(of route: String) -> [JSONValue] {
    server.requests.filter { $0.method == "POST" && $0.path == "/sdapi/v1/\(route)" }
      .compactMap { try? JSONValue(parsing: $0.body) }
  }
}
