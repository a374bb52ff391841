import SDCore

/// So much at once, and so much a second in the long run.
struct TokenBucket: Sendable {
  private let rate: Double
  private let burst: Double
  private var tokens: Double
  private var filledAt: MonotonicInstant

  /// A full bucket; `rate` in tokens a second.
  init(rate: Double, burst: Int, at now: MonotonicInstant) {
    (self.rate, self.burst) = (max(rate, 1e-6), Double(max(burst, 1)))
    (tokens, filledAt) = (self.burst, now)
  }

  /// Takes tokens, or answers in how many seconds there will be enough.
  ///
  /// What is larger than the bucket waits for a full one, and leaves a debt behind.
  mutating func take(_ count: Int, at now: MonotonicInstant) -> Double? {
    tokens = min(burst, tokens + filledAt.duration(to: now).seconds * rate)
    filledAt = now
    let wanted = Double(count)
    let needed = min(wanted, burst)
    guard tokens < needed else {
      tokens -= wanted
      return nil
    }
    return (needed - tokens) / rate
  }

  /// Whether it is full at a time, and so no different from a new one.
  func isFull(at now: MonotonicInstant) -> Bool {
    tokens + filledAt.duration(to: now).seconds * rate >= burst
  }
}
