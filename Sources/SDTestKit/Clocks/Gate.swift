import Synchronization

/// Something that a test holds back until it says so.
public final class Gate: Sendable {
  private struct State {
    var isOpen = false
    var waiting: [Int: CheckedContinuation<Void, any Error>] = [:]
    var cancelled: Set<Int> = []
    var lastID = 0
  }
  private let state = Mutex(State())

  /// A closed gate.
  public init() {}

  /// Whether it is open.
  public var isOpen: Bool { state.withLock { $0.isOpen } }
  /// How many wait before it.
  public var waiting: Int { state.withLock { $0.waiting.count } }

  /// Lets everyone through, from now on.
  public func open() {
    let waiting = state.withLock { state in
      state.isOpen = true
      defer { state.waiting.removeAll() }
      return state.waiting
    }
    for continuation in waiting.values { continuation.resume() }
  }

  /// Holds everyone back that comes from now on.
  public func close() { state.withLock { $0.isOpen = false } }

  /// Waits until it is open; throws `CancellationError` when cancelled.
  public func pass() async throws {
    let id = state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        enum Verdict { case waits, passes, cancelled }
        let verdict: Verdict = state.withLock { state in
          if state.cancelled.remove(id) != nil { return .cancelled }
          if state.isOpen { return .passes }
          state.waiting[id] = continuation
          return .waits
        }
        switch verdict {
        case .waits: break
        case .passes: continuation.resume()
        case .cancelled: continuation.resume(throwing: CancellationError())
        }
      }
    } onCancel: {
      let continuation = state.withLock { state in
        let continuation = state.waiting.removeValue(forKey: id)
        if continuation == nil { state.cancelled.insert(id) }
        return continuation
      }
      continuation?.resume(throwing: CancellationError())
    }
  }
}
