public import SDCore

/// How time passes in a conformance run: by hand, or by waiting.
public enum TestTime: Sendable {
  /// The plugin was given this clock; hours pass at once.
  case manual(ManualClock)
  /// The plugin has time of its own, as a service over the network does.
  case real

  /// The clocks that leases of the plugin are to be judged by.
  public var clocks: Clocks {
    switch self {
    case .manual(let clock): clock.clocks
    case .real: .system
    }
  }

  /// Whether time passes by hand.
  public var isManual: Bool { if case .manual = self { true } else { false } }

  /// The shortest time that the plugin tells apart: cases use small multiples of it.
  ///
  /// Services count in seconds, and take a part of one to answer.
  public var unit: Duration { isManual ? .seconds(10) : .seconds(2) }

  /// Lets time pass.
  public func pass(_ duration: Duration) async throws {
    switch self {
    case .manual(let clock): clock.advance(by: duration)
    case .real: try await Task.sleep(for: duration)
    }
  }

  /// Lets something run that waits on the clock, and time with it, until it ends.
  ///
  /// With a manual clock time goes from deadline to deadline whenever somebody sleeps.
  public func running<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
    guard case .manual(let clock) = self else { return try await body() }
    return try await withThrowingTaskGroup(of: T?.self) { group in
      group.addTask { try await body() }
      group.addTask {
        while !Task.isCancelled {
          try await clock.untilSleepers(1, limit: .seconds(60))
          clock.advanceToNextDeadline()
          await Task.yield()
        }
        return nil
      }
      defer { group.cancelAll() }
      while let result = try await group.next() {
        if let value = result { return value }
      }
      throw CancellationError()
    }
  }
}
