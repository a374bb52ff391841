internal import Synchronization

/// The bytes of a streamed request body on their way from an async source to the transport's thread.
///
/// At most two chunks wait: one being sent, and the next one.
final class StreamFeed: Sendable {
  private struct State {
    var current: ArraySlice<UInt8> = []
    var next: ArraySlice<UInt8>?
    var offered: Int64 = 0
    var hasEnded = false
    var isClosed = false
    var failure: TransportError?
    /// The transport found nothing to send and rests.
    var isStarved = false
    /// The source waits for room.
    var waiter: UnsafeContinuation<Void, Never>?
    var pump: Task<Void, Never>?
  }

  enum Read { case bytes(Int), end, starved, failed(TransportError) }

  private let state = Mutex(State())
  private let label: String
  private let length: Int64?
  /// Called from any thread when there is something to send after a `starved`.
  private let onAvailable: @Sendable () -> Void

  init(length: Int64?, label: String, onAvailable: @escaping @Sendable () -> Void) {
    (self.length, self.label, self.onAvailable) = (length, label, onAvailable)
  }

  /// Starts to draw from a source.
  func start(_ source: @escaping ChunkSource) {
    // Unstructured, since the answer may begin, and `execute` return, before the body is sent. `close` ends it, and the
    // transport calls that however the exchange ends.
    let pump = Task.detached { [self] in await self.pump(source) }
    let isClosed = state.withLock { state in
      state.pump = pump
      return state.isClosed
    }
    if isClosed { pump.cancel() }
  }

  /// Ends the drawing; what is left is dropped.
  func close() {
    let (pump, waiter) = state.withLock { state in
      state.isClosed = true
      (state.current, state.next) = ([], nil)
      return (state.pump.take(), state.waiter.take())
    }
    pump?.cancel()
    waiter?.resume()
  }

  /// Copies waiting bytes into a buffer.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Read {
    let (read, waiter) = state.withLock { state -> (Read, UnsafeContinuation<Void, Never>?) in
      if let failure = state.failure { return (.failed(failure), nil) }
      if state.current.isEmpty, let next = state.next.take() { state.current = next }
      let count = min(buffer.count, state.current.count)
      guard count > 0 else {
        if state.hasEnded { return (.end, nil) }
        state.isStarved = true
        return (.starved, nil)
      }
      state.current.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
      state.current.removeFirst(count)
      return (.bytes(count), state.next == nil ? state.waiter.take() : nil)
    }
    waiter?.resume()
    return read
  }

  @concurrent private func pump(_ source: ChunkSource) async {
    do {
      while let chunk = try await source() {
        if Task.isCancelled { return }
        if chunk.isEmpty { continue }
        guard await offer(chunk) else { return }
      }
      finish(nil)
    } catch {
      finish(
        TransportError(
          .bodyFailed, "\(label): producing the request's body failed: \(type(of: error))", underlying: error))
    }
  }

  /// Waits for room and hands over a chunk; false when no more are wanted.
  private func offer(_ chunk: ArraySlice<UInt8>) async -> Bool {
    enum Step { case done(wakes: Bool), full, tooLong, closed }
    while true {
      let step = state.withLock { state -> Step in
        if state.isClosed { return .closed }
        if state.next != nil { return .full }
        state.offered += Int64(chunk.count)
        if let length, state.offered > length { return .tooLong }
        state.next = chunk
        defer { state.isStarved = false }
        return .done(wakes: state.isStarved)
      }
      switch step {
      case .done(let wakes):
        if wakes { onAvailable() }
        return true
      case .closed: return false
      case .tooLong:
        finish(TransportError(.bodyFailed, "\(label): the request's body is longer than announced"))
        return false
      case .full:
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
          let mayGoOn = state.withLock { state in
            if state.isClosed || state.next == nil { return true }
            state.waiter = continuation
            return false
          }
          if mayGoOn { continuation.resume() }
        }
      }
    }
  }

  private func finish(_ failure: TransportError?) {
    let wakes = state.withLock { state in
      state.hasEnded = true
      state.failure = failure
      if failure == nil, let length, state.offered < length {
        state.failure = TransportError(.bodyFailed, "\(label): the request's body is shorter than announced")
      }
      defer { state.isStarved = false }
      return state.isStarved && !state.isClosed
    }
    if wakes { onAvailable() }
  }
}
