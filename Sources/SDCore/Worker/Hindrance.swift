import Synchronization

/// What keeps every task from being worked on, such as a ledger that cannot be reached.
///
/// While it lasts something is received now and then, to see whether it is over: receive counts climb slowly, and nobody
/// waits long once it is.
final class Hindrance: Sendable {
  private struct State {
    var failures = 0
    /// Whether one was met since the last pause.
    var isNew = false
  }

  /// The longest pause, and how long a message is kept away that met a hindrance.
  static let longest = Duration.seconds(10)
  private static let shortest = Duration.milliseconds(100)
  private let state = Mutex(State())

  /// Whether a failure before a claim is none of the message's: what may pass, and what somebody must mend in the
  /// surroundings, such as a permission. Received at full speed, every message would soon be a dead letter.
  static func mayBe(_ error: any Error) -> Bool {
    guard let error = error as? SDError else { return false }
    return switch error.code {
    case .denied, .configuration, .notFound: true
    default: error.isRetryable
    }
  }

  /// A message could not be worked on for a reason that may pass.
  func isMet() { state.withLock { $0 = State(failures: min($0.failures + 1, 10), isNew: true) } }

  /// A message was claimed.
  func isOver() { state.withLock { $0 = State() } }

  /// How long to receive nothing; each hindrance makes for one pause, longer than the one before.
  func takePause() -> Duration {
    state.withLock { state in
      guard state.isNew else { return .zero }
      state.isNew = false
      return min(Self.shortest * (1 << state.failures), Self.longest)
    }
  }
}
