internal import Synchronization

/// The other end of a ``ScriptedHTTPServer``'s connection, once HTTP is over. Any thread may send.
public final class ServerPeer: Sendable {
  private struct State {
    var unread: [UInt8]
    var isClosed = false
  }

  private let descriptor: Int32
  private let core: ScriptedHTTPServer.Core
  private let state: Mutex<State>
  private let sending = Mutex(())

  init(descriptor: Int32, unread: [UInt8], core: ScriptedHTTPServer.Core) {
    (self.descriptor, self.core) = (descriptor, core)
    state = Mutex(State(unread: unread))
  }

  /// Sends bytes; false when the connection is broken or the server has been stopped.
  @discardableResult
  public func send(_ bytes: [UInt8]) -> Bool {
    sending.withLock { _ in
      guard !core.isStopped, !state.withLock({ $0.isClosed }) else { return false }
      return Sockets.send(descriptor, bytes[...]) { core.sentBytes.wrappingAdd($0, ordering: .relaxed) }
    }
  }

  /// Waits for bytes; `nil` at the end. For the thread that the connection was handed to.
  public func receive() -> [UInt8]? {
    var bytes = state.withLock { state in
      defer { state.unread = [] }
      return state.unread
    }
    if !bytes.isEmpty { return bytes }
    return Sockets.receive(descriptor, into: &bytes) ? bytes : nil
  }

  /// Waits at a gate without reading; false when the server has been stopped. For the thread that the connection was handed to.
  @discardableResult
  public func wait(for gate: ServerGate) -> Bool { gate.pass { core.isStopped || state.withLock { $0.isClosed } } }

  /// Ends the connection from any thread: what waits in ``receive()`` returns.
  public func end() {
    state.withLock { $0.isClosed = true }
    Sockets.shut(descriptor)
  }
}
