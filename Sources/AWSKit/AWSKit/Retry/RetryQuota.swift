import Synchronization

/// What all calls of a client may spend on further attempts: an outage costs a bounded number of them.
///
/// The figures are those of the AWS SDKs' standard mode of 2026.
final class RetryQuota: Sendable {
  static let capacity = 500
  /// A further attempt after a failure.
  static let transientCost = 14
  /// A further attempt after throttling: the backoff is long already.
  static let throttlingCost = 5
  /// What a success at the first attempt pays in.
  static let successIncome = 1

  private let available = Mutex(capacity)

  /// Takes what an attempt costs, if it is there.
  func take(_ cost: Int) -> Bool {
    available.withLock { available in
      guard available >= cost else { return false }
      available -= cost
      return true
    }
  }

  /// Gives back what the attempt that succeeded had cost.
  func give(_ amount: Int) {
    available.withLock { $0 = min(Self.capacity, $0 + amount) }
  }

  /// What is left.
  var left: Int { available.withLock { $0 } }
}
