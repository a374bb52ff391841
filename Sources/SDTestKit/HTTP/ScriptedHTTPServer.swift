internal import Dispatch
internal import Glibc
internal import Synchronization

/// An HTTP/1.1 server for tests that answers as it is told, and misbehaves as it is told.
///
/// It listens on a loopback address at a port of its own, takes any number of connections, keeps them alive as
/// HTTP/1.1 does, and records every request. It stops when it is released, or when ``stop()`` is called.
///
/// ```swift
/// let server = try ScriptedHTTPServer { request in
///   switch request.path {
///   case "/slow": .respond(body: "at last").after(gate)
///   case "/cut": .respond(body: "0123456789").cut(after: 4)
///   default: .respond(status: 404)
///   }
/// }
/// let queue = try ScriptedHTTPServer(answers: [.respond(status: 503), .reset, .respond(body: "third time lucky")])
/// // ... talk to server.url, then:
/// #expect(queue.requests.map(\.method) == ["GET", "GET", "GET"])
/// ```
///
/// A connection has a thread of its own, so a handler may block; it is called from many threads at once.
public final class ScriptedHTTPServer: Sendable {
  /// Makes the answer to a request.
  public typealias Handler = @Sendable (RecordedRequest) -> ScriptedAnswer

  /// The port it listens on.
  public let port: UInt16
  /// Its address, without a slash at the end: `http://127.0.0.1:40123`.
  public let url: String
  private let core: Core

  /// Starts a server.
  ///
  /// - Parameters:
  ///   - host: the numeric loopback address to listen on, `127.0.0.1` or `::1`.
  ///   - onHead: asked with the head of each request before its body is read; an answer given here leaves the body
  ///     unread and ends the connection.
  ///   - handler: asked with each whole request.
  /// - Throws: ``ScriptedHTTPServer/Failure`` if it cannot listen.
  public init(
    host: String = "127.0.0.1", onHead: (@Sendable (RecordedRequest) -> ScriptedAnswer?)? = nil,
    _ handler: @escaping Handler
  ) throws(Failure) {
    let (listener, port) = try Sockets.listen(host: host)
    self.port = port
    url = host.contains(":") ? "http://[\(host)]:\(port)" : "http://\(host):\(port)"
    core = Core(listener: listener, onHead: onHead, handler: handler)
    core.startAccepting()
  }

  /// Starts a server that gives each answer once, in their order, and 599 when there are no more.
  public convenience init(host: String = "127.0.0.1", answers: [ScriptedAnswer]) throws(Failure) {
    let left = Mutex(answers[...])
    try self.init(host: host) { _ in left.withLock { $0.popFirst() } ?? .respond(status: 599, body: "no answer is left")
    }
  }

  deinit { core.stop() }

  /// The server could not be started.
  public struct Failure: Error, CustomStringConvertible {
    /// What failed.
    public let description: String
  }

  /// The requests so far, in the order in which they were complete.
  public var requests: [RecordedRequest] { core.state.withLock { $0.requests } }
  /// How many connections were accepted.
  public var acceptedConnections: Int { core.state.withLock { $0.accepted } }
  /// How many connections are open on the server's side.
  public var openConnections: Int { core.state.withLock { $0.open.count } }
  /// The bytes that the kernel took from the server so far, over all connections.
  public var sentBytes: Int { core.sentBytes.load(ordering: .relaxed) }

  /// Forgets the requests recorded so far.
  public func forgetRequests() { core.state.withLock { $0.requests = [] } }

  /// Waits until a condition on the server holds; false if it does not within the limit.
  public func wait(
    within limit: Duration = .seconds(60), until condition: @Sendable (ScriptedHTTPServer) -> Bool
  ) async throws -> Bool {
    let end = ContinuousClock.now + limit
    while !condition(self) {
      guard ContinuousClock.now < end else { return false }
      try await Task.sleep(for: .milliseconds(2))
    }
    return true
  }

  /// Whether it has been stopped.
  public var isStopped: Bool { core.isStopped }

  /// Closes the listening socket and every connection, and waits for their threads.
  public func stop() { core.stop() }

  /// What the threads share; it does not keep the server alive.
  final class Core: Sendable {
    struct State {
      var requests: [RecordedRequest] = []
      var accepted = 0
      var open: Set<Int32> = []
      var isStopped = false
    }

    let state = Mutex(State())
    let sentBytes = Atomic<Int>(0)
    let onHead: (@Sendable (RecordedRequest) -> ScriptedAnswer?)?
    let handler: Handler
    private let listener: Int32
    private let threads = DispatchGroup()

    init(listener: Int32, onHead: (@Sendable (RecordedRequest) -> ScriptedAnswer?)?, handler: @escaping Handler) {
      (self.listener, self.onHead, self.handler) = (listener, onHead, handler)
    }

    var isStopped: Bool { state.withLock { $0.isStopped } }

    func startAccepting() {
      spawn { core in core.acceptConnections() }
    }

    func stop() {
      let isFirst = state.withLock { state in
        defer { state.isStopped = true }
        // Shut, not closed: their threads close them, so that no number is used twice.
        for descriptor in state.open { Sockets.shut(descriptor) }
        return !state.isStopped
      }
      if isFirst { Sockets.shut(listener) }
      _ = threads.wait(timeout: .now() + 10)
    }

    private func acceptConnections() {
      while let descriptor = Sockets.accept(listener) {
        let number = state.withLock { state -> Int? in
          if state.isStopped { return nil }
          state.accepted += 1
          state.open.insert(descriptor)
          return state.accepted
        }
        guard let number else {
          Sockets.close(descriptor)
          break
        }
        spawn { core in
          var connection = ServerConnection(descriptor: descriptor, number: number, core: core)
          connection.serve()
          // Out of the table before the number is free for others.
          core.state.withLock { _ = $0.open.remove(descriptor) }
          Sockets.close(descriptor)
        }
      }
      Sockets.close(listener)
    }

    private func spawn(_ body: @escaping @Sendable (Core) -> Void) {
      threads.enter()
      Threads.start { [self] in
        body(self)
        threads.leave()
      }
    }
  }
}
