import struct FoundationEssentials.Date

/// A point on the monotonic clock: for deadlines and durations, never for records.
public struct MonotonicInstant: InstantProtocol, Sendable {
  /// Time since an origin of the clock's own.
  public var sinceOrigin: Duration
  /// A point at a distance from the clock's origin.
  public init(sinceOrigin: Duration) { self.sinceOrigin = sinceOrigin }
  public func advanced(by duration: Duration) -> MonotonicInstant { .init(sinceOrigin: sinceOrigin + duration) }
  public func duration(to other: MonotonicInstant) -> Duration { other.sinceOrigin - sinceOrigin }
  public static func < (a: MonotonicInstant, b: MonotonicInstant) -> Bool { a.sinceOrigin < b.sinceOrigin }
}

/// A clock that only ever goes forward and goes on while the machine sleeps.
public protocol MonotonicClock: Clock where Instant == MonotonicInstant, Duration == Swift.Duration {}

/// A clock that says what time of day it is; it may jump.
public protocol WallClock: Sendable {
  /// The present time.
  var now: Timestamp { get }
}

/// The two clocks, apart: what is measured comes from one, what is written down from the other.
public struct Clocks: Sendable {
  /// For deadlines and durations.
  public var monotonic: any MonotonicClock
  /// For records.
  public var wall: any WallClock

  /// A pair of clocks.
  public init(monotonic: any MonotonicClock, wall: any WallClock) { (self.monotonic, self.wall) = (monotonic, wall) }

  /// The machine's own.
  public static let system = Clocks(monotonic: SystemMonotonicClock(), wall: SystemWallClock())

  /// The present point on the monotonic clock.
  public var instant: MonotonicInstant { monotonic.now }
  /// The present time of day.
  public var timestamp: Timestamp { wall.now }

  /// Waits on the monotonic clock; throws `CancellationError` when cancelled.
  public func sleep(for duration: Duration) async throws {
    try await monotonic.sleep(until: monotonic.now.advanced(by: duration), tolerance: nil)
  }
}

/// The machine's monotonic clock.
public struct SystemMonotonicClock: MonotonicClock {
  private static let origin = ContinuousClock.now
  /// The machine's clock.
  public init() { _ = Self.origin }
  public var now: MonotonicInstant { .init(sinceOrigin: Self.origin.duration(to: .now)) }
  public var minimumResolution: Duration { ContinuousClock().minimumResolution }
  public func sleep(until deadline: MonotonicInstant, tolerance: Duration?) async throws {
    try await ContinuousClock().sleep(until: Self.origin + deadline.sinceOrigin, tolerance: tolerance)
  }
}

/// The machine's time of day.
public struct SystemWallClock: WallClock {
  /// The machine's clock.
  public init() {}
  public var now: Timestamp { Timestamp(Date()) }
}

extension Duration {
  /// The duration in seconds.
  public var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
  /// The duration in whole milliseconds, rounded down.
  public var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
