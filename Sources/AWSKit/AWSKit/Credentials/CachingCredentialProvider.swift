import FoundationEssentials
import Synchronization

/// Remembers what another provider gives, and asks again before it expires.
///
/// - One question at a time, whatever number of calls wait for its answer.
/// - In the last quarter of an hour a new question goes out while calls go on with what they have; only in the last
///   minute do they wait for it.
/// - A question that fails changes nothing: what is still valid is served, and the next question goes out after a
///   pause that grows from one second to a minute. Without anything valid every call asks.
public final class CachingCredentialProvider: CredentialProvider {
  private struct State {
    var current: Credentials?
    var isAsking = false
    var waiting: [UInt64: CheckedContinuation<Result<Credentials, AWSError>, Never>] = [:]
    var nextTicket: UInt64 = 0
    var failures = 0
    /// How the last question failed.
    var failure: AWSError?
    /// Not before this uptime is anybody asked again, as long as there is something valid.
    var pauseUntil = Duration.zero
  }

  private enum Step {
    case use(Credentials)
    case useAndAsk(Credentials)
    case wait
    case waitAndAsk
  }

  private static let (early, late) = (15 * 60.0, 60.0)
  private let source: any CredentialProvider
  private let time: TimeSource
  private let state = Mutex(State())

  /// A memory around a provider.
  public init(_ source: any CredentialProvider, time: TimeSource = .system) {
    (self.source, self.time) = (source, time)
  }

  /// What is remembered, or what comes of asking.
  public func credentials() async throws(AWSError) -> Credentials {
    let (now, uptime) = (time.now(), time.uptime())
    let step = state.withLock { state in
      let step = Self.step(state, now: now, uptime: uptime)
      switch step {
      case .useAndAsk, .waitAndAsk: state.isAsking = true
      case .use, .wait: break
      }
      return step
    }
    switch step {
    case .use(let current): return current
    case .useAndAsk(let current):
      ask()
      return current
    case .waitAndAsk: ask()
    case .wait: break
    }
    do {
      return try await answer()
    } catch {
      // Late is better than not at all: an outage is survived as long as the old ones are valid.
      if error.code != .cancelled, let current = state.withLock({ $0.current }), Self.left(current, time.now()) > 0 {
        return current
      }
      throw error
    }
  }

  /// Forgets credentials that a service takes no longer, unless there are newer ones already.
  public func discard(_ credentials: Credentials) {
    state.withLock { state in
      guard state.current?.accessKeyID == credentials.accessKeyID,
        state.current?.sessionToken == credentials.sessionToken
      else { return }
      state.current = nil
    }
    source.discard(credentials)
  }

  /// Whether no question is out.
  var isIdle: Bool { state.withLock { !$0.isAsking } }

  private static func left(_ credentials: Credentials, _ now: Date) -> Double {
    credentials.expiration.map { $0.timeIntervalSince(now) } ?? .infinity
  }

  private static func step(_ state: State, now: Date, uptime: Duration) -> Step {
    guard let current = state.current, left(current, now) > 0 else { return state.isAsking ? .wait : .waitAndAsk }
    let left = left(current, now)
    if left > early { return .use(current) }
    if state.isAsking { return left > late ? .use(current) : .wait }
    if uptime < state.pauseUntil { return .use(current) }
    return left > late ? .useAndAsk(current) : .waitAndAsk
  }

  /// Asks on behalf of all who wait: the question must outlive a caller that is cancelled, so it has a task of its
  /// own, which ends with the answer.
  private func ask() {
    Task.detached { [self] in
      let result: Result<Credentials, AWSError>
      do throws(AWSError) { result = .success(try await source.credentials()) } catch { result = .failure(error) }
      finish(result)
    }
  }

  private func finish(_ result: Result<Credentials, AWSError>) {
    let uptime = time.uptime()
    let waiting = state.withLock { state in
      switch result {
      case .success(let fresh):
        (state.current, state.failures, state.failure, state.pauseUntil) = (fresh, 0, nil, .zero)
      case .failure(let error):
        state.failure = error
        state.pauseUntil = uptime + .seconds(min(60, 1 << min(state.failures, 6)))
        state.failures += 1
      }
      defer { state.waiting = [:] }
      state.isAsking = false
      return state.waiting
    }
    for continuation in waiting.values { continuation.resume(returning: result) }
  }

  /// Waits for the answer to the question that is out.
  private func answer() async throws(AWSError) -> Credentials {
    let ticket = state.withLock { state in
      state.nextTicket += 1
      return state.nextTicket
    }
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let early: Result<Credentials, AWSError>? = state.withLock { state in
          if Task.isCancelled { return .failure(Self.cancelled) }
          // The answer may have come in between.
          guard state.isAsking else {
            if let failure = state.failure { return .failure(failure) }
            return state.current.map { .success($0) } ?? .failure(Self.gone)
          }
          state.waiting[ticket] = continuation
          return nil
        }
        if let early { continuation.resume(returning: early) }
      }
    } onCancel: {
      let continuation = state.withLock { $0.waiting.removeValue(forKey: ticket) }
      continuation?.resume(returning: .failure(Self.cancelled))
    }
    return try result.get()
  }

  private static var cancelled: AWSError { AWSError(.cancelled, "cancelled while waiting for credentials") }
  private static var gone: AWSError { AWSError(.credentialsFailed, "the credentials could not be had a moment ago") }
}
