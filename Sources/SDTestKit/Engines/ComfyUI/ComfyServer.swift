public import SDCore
internal import Synchronization

/// A stand-in for ComfyUI: its routes, its queue, its cache and its WebSocket, with what is odd about them.
///
/// What it does it does because ComfyUI does it; comments name the observation under *ComfyUI API as observed*, which was
/// made on the wire of ComfyUI 0.3.64 unless marked [src] (read in its source) or [mem] (from memory).
///
/// It knows a handful of nodes by their real names, and `Fail`, which raises what its inputs say. Nodes take no time,
/// but hold where a test says so (``hold(_:)``).
public final class ComfyServer: Sendable {
  /// What the engine has, and how it was started.
  public struct Configuration: Sendable {
    /// The files in its folder of checkpoints.
    public var checkpoints = ["sd15.safetensors", "xl/sdxl.safetensors"]
    /// The largest body that it takes.
    public var maximumBody = 100 << 20
    /// Whether PNGs are written without the graph (`--disable-metadata`).
    public var disablesMetadata = false
    /// Whether the WebSocket is there.
    public var hasEvents = true
    /// The pixels of one batch that its memory suffices for, once what was loaded before has been freed.
    public var memoryPixels = Int.max
    /// Whether what a job leaves in memory is lost to the next, until it is freed.
    public var leaksMemory = false

    /// An engine with two checkpoints.
    public init() {}
  }

  struct Job: Sendable {
    var number: Int
    var id: String
    var graph: JSONValue
    var client: String
    /// The output nodes that passed validation; others are skipped in silence.
    var outputs: [String]
  }

  struct State {
    var pending: [Job] = []
    var running: Job?
    var history: [String: JSONValue] = [:]
    var files: [String: [UInt8]] = [:]
    /// What a node made, by everything that went into it.
    var cache: [String: JSONValue] = [:]
    var sockets: [String: WebSocketPeer] = [:]
    var isInterrupted = false
    var isFragmented = false
    var nextNumber = 0
    var holds: [String: ServerGate] = [:]
    var generation = 0
    var executed: [String] = []
    var jobs: [String] = []
    var frees = 0
    var dropsNextAnswer = false
    var isStopped = false
  }

  /// What it has.
  public let configuration: Configuration
  let state = Mutex(State())
  private let listening = Mutex<ScriptedHTTPServer?>(nil)

  /// Starts an engine.
  public init(_ change: (inout Configuration) -> Void = { _ in }) throws {
    var configuration = Configuration()
    change(&configuration)
    self.configuration = configuration
    let server = try ScriptedHTTPServer { [weak self] request in self?.answer(request) ?? .close }
    listening.withLock { $0 = server }
    Threads.start { [weak self] in Self.work { self } }
  }

  deinit { stop() }

  /// The server; every request is recorded there.
  public var server: ScriptedHTTPServer {
    guard let server = listening.withLock({ $0 }) else { preconditionFailure("it is there from the start") }
    return server
  }

  /// Its address: `http://127.0.0.1:40123`.
  public var url: String { server.url }

  // MARK: Telling it what to do

  /// Holds every job in a node of that class until the gate is opened; KSampler in each step.
  @discardableResult
  public func hold(_ classType: String) -> ServerGate {
    let gate = ServerGate()
    state.withLock { $0.holds[classType] = gate }
    return gate
  }

  /// Holds jobs in nodes of that class no longer.
  public func release(_ classType: String) {
    let gate = state.withLock { $0.holds.removeValue(forKey: classType) }
    gate?.open()
  }

  /// Takes the next prompt, and loses the connection before it has answered.
  public func dropNextAnswer() { state.withLock { $0.dropsNextAnswer = true } }

  /// Queue and history are in memory only: a restart empties them, and drops what runs. Files survive.
  public func restart() {
    let sockets = state.withLock { state in
      let sockets = Array(state.sockets.values)
      (state.pending, state.running, state.history, state.cache, state.sockets) = ([], nil, [:], [:], [:])
      state.generation += 1
      return sockets
    }
    for socket in sockets { socket.end() }
  }

  /// Interrupts whatever runs, as somebody at its page can.
  public func interruptFromElsewhere() { state.withLock { $0.isInterrupted = true } }

  /// Breaks every WebSocket; events until a client is back are lost to it.
  public func dropEvents() {
    let sockets = state.withLock { state in
      defer { state.sockets = [:] }
      return Array(state.sockets.values)
    }
    for socket in sockets { socket.end() }
  }

  /// Lays a file into one of its folders: `output`, `input` or `temp`.
  public func store(_ bytes: [UInt8], as name: String, subfolder: String = "", type: String) {
    state.withLock { $0.files[Self.path(type, subfolder, name)] = bytes }
  }

  /// Removes the files that were made.
  public func removeFiles() { state.withLock { $0.files = [:] } }

  /// Ends it.
  public func stop() {
    state.withLock { $0.isStopped = true }
    listening.withLock { $0 }?.stop()
  }

  // MARK: Looking at what happened

  /// The prompts that were begun, in order.
  public var jobs: [String] { state.withLock { $0.jobs } }
  /// The nodes that were executed rather than taken from the cache, as `class`, in order.
  public var executed: [String] { state.withLock { $0.executed } }
  /// The prompts that wait.
  public var waiting: [String] { state.withLock { $0.pending.map(\.id) } }
  /// The prompt that runs.
  public var running: String? { state.withLock { $0.running?.id } }
  /// How often memory was freed.
  public var frees: Int { state.withLock { $0.frees } }
  /// The clients that listen.
  public var listeners: Int { state.withLock { $0.sockets.count } }
  /// Where files are, as `type/subfolder/name`.
  public var files: [String] { state.withLock { $0.files.keys.sorted() } }
  /// The graphs that were submitted, in order.
  public var graphs: [JSONValue] {
    server.requests.filter { $0.method == "POST" && $0.path.hasSuffix("/prompt") }
      .compactMap { (try? JSONValue(parsing: $0.body))?["prompt"] }
  }

  static func path(_ type: String, _ subfolder: String, _ name: String) -> String {
    subfolder.isEmpty ? "\(type)/\(name)" : "\(type)/\(subfolder)/\(name)"
  }
}
