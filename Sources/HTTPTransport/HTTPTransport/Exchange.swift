internal import Synchronization

/// What the caller's side and the transport's thread share of one exchange: the answer on its way up, the wish to stop
/// on its way down.
final class Exchange: Sendable {
  let wire: WireRequest
  let options: TransferOptions
  /// Who is asked for each address; `nil`: all are allowed.
  let policy: (any ConnectionPolicy)?
  /// When the exchange began, on the monotonic clock.
  let began: Int64
  let maximumHeadBytes: Int
  /// The body's bytes that may wait for their reader before the sender is held back.
  let bufferedBytes: Int
  private let mailbox: Mailbox
  private let state = Mutex(State())

  init(
    wire: WireRequest, options: TransferOptions, policy: (any ConnectionPolicy)?, began: Int64,
    configuration: CurlTransport.Configuration, mailbox: Mailbox
  ) {
    (self.wire, self.options, self.policy) = (wire, options, policy)
    (self.began, self.mailbox) = (began, mailbox)
    (maximumHeadBytes, bufferedBytes) = (configuration.maximumHeadBytes, configuration.bufferedBytes)
  }

  /// The head of an answer as it came, to be parsed on the caller's thread.
  struct Head: Sendable {
    var bytes: [UInt8]
    /// The body's length as promised, or -1.
    var contentLength: Int64
    var remoteAddress: String?
  }

  private enum End {
    case complete
    case failed(TransportError)
  }

  private enum Wanted { case nothing, head, chunk, everything }

  private struct State {
    var head: Head?
    var hasHead = false
    var body: [UInt8] = []
    var contentLength: Int64 = -1
    var end: End?
    /// Whether the transport holds the sender back.
    var isPaused = false
    /// All of the body is gathered, up to so many bytes.
    var gatherLimit: Int?
    var wanted = Wanted.nothing
    var waiter: UnsafeContinuation<Void, Never>?

    /// Makes room for the body that was promised. A promise of much is believed in part, since it costs a peer nothing.
    mutating func reserve(upTo limit: Int) {
      let wanted = Int(min(contentLength, Int64(min(limit, 64 << 20))))
      if wanted > body.count { body.reserveCapacity(wanted) }
    }

    var isReady: Bool {
      if end != nil { return true }
      switch wanted {
      case .nothing, .everything: return false
      case .head: return hasHead
      case .chunk: return !body.isEmpty
      }
    }
  }
}

// MARK: - The caller's side

extension Exchange {
  /// Waits for the head; call it once.
  func receiveHead() async throws(TransportError) -> Head {
    await wait(for: .head)
    let result: Result<Head, TransportError> = state.withLock { state in
      if let head = state.head.take() { return .success(head) }
      if case .failed(let error) = state.end { return .failure(error) }
      return .failure(self.error(.connectionLost, "the exchange ended without an answer"))
    }
    return try result.get()
  }

  /// Waits for bytes of the body; `nil` at its end.
  func receiveChunk() async throws(TransportError) -> ArraySlice<UInt8>? {
    try claimReader()
    await wait(for: .chunk)
    let (result, resumes): (Result<[UInt8]?, TransportError>, Bool) = state.withLock { state in
      if case .failed(let error) = state.end, error.endsAtOnce { return (.failure(error), false) }
      if !state.body.isEmpty {
        let resumes = state.isPaused
        state.isPaused = false
        var taken: [UInt8] = []
        swap(&taken, &state.body)
        return (.success(taken), resumes)
      }
      if case .failed(let error) = state.end { return (.failure(error), false) }
      return (.success(nil), false)
    }
    if resumes { mailbox.post(.resumeReceiving(self)) }
    return try result.get()?[...]
  }

  /// Waits for the whole body, which is received into one array.
  func receiveEverything(upTo limit: Int) async throws(TransportError) -> [UInt8] {
    try claimReader()
    let (isTooLarge, resumes) = state.withLock { state in
      // What promises to be too large need not be received to be so.
      guard state.body.count <= limit, state.contentLength <= Int64(limit) else { return (true, false) }
      state.gatherLimit = limit
      state.reserve(upTo: limit)
      defer { state.isPaused = false }
      return (false, state.isPaused)
    }
    if isTooLarge {
      let error = tooLarge(limit)
      abandon(error)
      throw error
    }
    if resumes { mailbox.post(.resumeReceiving(self)) }
    await wait(for: .everything)
    let result: Result<[UInt8], TransportError> = state.withLock { state in
      if case .failed(let error) = state.end { return .failure(error) }
      var taken: [UInt8] = []
      swap(&taken, &state.body)
      return .success(taken)
    }
    return try result.get()
  }

  /// Ends the exchange, if it is still going.
  func abandon(_ error: TransportError) {
    guard end(with: error) else { return }
    wake()
    mailbox.post(.cancel(self))
  }

  /// Ends the exchange because its body is wanted no more.
  func abandonUnread() {
    // Most are over by then, and an error costs a text.
    guard !state.withLock({ $0.end != nil }) else { return }
    abandon(error(.cancelled, "the answer's body was dropped before its end"))
  }

  private func claimReader() throws(TransportError) {
    let isTaken = state.withLock { $0.waiter != nil }
    guard !isTaken else { throw error(.invalidRequest, "the answer's body is already being read by another task") }
  }

  private func wait(for wanted: Wanted) async {
    // Small answers are complete by the time their body is asked for: no handler, no change of thread.
    let isReady = state.withLock { state in
      state.wanted = wanted
      return state.isReady
    }
    if isReady { return }
    await withTaskCancellationHandler {
      await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
        // Two readers at once are a mistake that `claimReader` catches but for a race; then the first one is let go.
        let (mayGoOn, displaced) = state.withLock { state -> (Bool, UnsafeContinuation<Void, Never>?) in
          if state.isReady { return (true, nil) }
          let displaced = state.waiter
          state.waiter = continuation
          return (false, displaced)
        }
        displaced?.resume()
        if mayGoOn { continuation.resume() }
      }
    } onCancel: {
      abandon(error(.cancelled, "the task was cancelled"))
    }
  }
}

// MARK: - The transport's thread

extension Exchange {
  enum Taken { case taken, pause, tooLarge(TransportError), unwanted }

  func deliver(_ head: Head, status: Int, hasBody: Bool) {
    state.withLock { state in
      (state.head, state.hasHead) = (head, true)
      guard hasBody else { return }
      state.contentLength = head.contentLength
      if let limit = options.collectsUpTo, (200..<300).contains(status), head.contentLength <= Int64(limit) {
        state.gatherLimit = limit
      }
      state.reserve(upTo: state.gatherLimit ?? bufferedBytes)
    }
  }

  /// Takes bytes of the body, unless enough of them wait already.
  func deliver(_ bytes: UnsafeBufferPointer<UInt8>) -> Taken {
    state.withLock { state in
      if state.end != nil { return .unwanted }
      if let limit = state.gatherLimit {
        guard state.body.count + bytes.count <= limit else { return .tooLarge(tooLarge(limit)) }
      } else if state.body.count >= bufferedBytes {
        state.isPaused = true
        return .pause
      }
      state.body.append(contentsOf: bytes)
      return .taken
    }
  }

  /// Notes the end, `nil` for a complete answer; false if it had ended before.
  @discardableResult
  func end(with error: TransportError?) -> Bool {
    state.withLock { state in
      guard state.end == nil else { return false }
      state.end = error.map { .failed($0) } ?? .complete
      if error?.endsAtOnce == true { state.body = [] }
      return true
    }
  }

  /// Lets the caller go on if what it waits for is there.
  func wake() {
    let waiter = state.withLock { state in state.isReady ? state.waiter.take() : nil }
    waiter?.resume()
  }

  func error(_ code: TransportError.Code, _ reason: String, sent: Bool = true) -> TransportError {
    TransportError(code, "\(wire.label): \(reason)", requestMayHaveBeenSent: sent)
  }

  func tooLarge(_ limit: Int) -> TransportError { error(.tooLarge, "the answer is larger than \(limit) bytes") }
}

extension TransportError {
  /// Whether bytes that wait for the reader are worth nothing any more.
  fileprivate var endsAtOnce: Bool { code == .cancelled || code == .closed }
}
