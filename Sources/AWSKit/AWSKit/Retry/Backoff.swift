/// How long to wait before the next attempt.
enum Backoff {
  static let longest = 20.0

  /// A random part of an interval that doubles with each attempt, or what the service asked for within bounds.
  ///
  /// - Parameters:
  ///   - attempt: how many attempts there were, from 1.
  ///   - random: from 0 to below 1.
  static func delay(attempt: Int, kind: FailureKind, retryAfter: Duration?, random: Double) -> Duration {
    let base = kind == .throttling ? 1.0 : 0.05
    var delay = random * min(base * Double(1 << min(attempt - 1, 20)), longest)
    // A service may ask for more, but not for so much that a caller waits in the dark.
    if let asked = retryAfter?.seconds { delay = max(delay, min(asked, delay + 5)) }
    return .seconds(delay)
  }
}
