public import FoundationEssentials

/// The clocks and the chance that a client goes by; tests put their own in their place.
public struct TimeSource: Sendable {
  /// Wall-clock time, for signatures and expirations.
  public var now: @Sendable () -> Date
  /// Time that only goes forward, for waiting and rates.
  public var uptime: @Sendable () -> Duration
  /// Waits; throws `CancellationError` when the task is cancelled.
  public var sleep: @Sendable (Duration) async throws -> Void
  /// A number from 0 to below 1.
  public var random: @Sendable () -> Double

  /// A source from its parts.
  public init(
    now: @escaping @Sendable () -> Date, uptime: @escaping @Sendable () -> Duration,
    sleep: @escaping @Sendable (Duration) async throws -> Void, random: @escaping @Sendable () -> Double
  ) {
    (self.now, self.uptime, self.sleep, self.random) = (now, uptime, sleep, random)
  }

  /// The system's clocks.
  public static let system: TimeSource = {
    let start = ContinuousClock.now
    return TimeSource(
      now: { Date() }, uptime: { ContinuousClock.now - start }, sleep: { try await Task.sleep(for: $0) },
      random: { Double.random(in: 0..<1) })
  }()
}

extension Duration {
  /// The duration in seconds.
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
