/// A wait that took longer than it may.
public struct WaitedTooLong: Error, CustomStringConvertible {
  /// What was waited for, and how long.
  public var description: String
}

/// How much longer than elsewhere things may take in this build: sanitizers make everything slower many times over.
#if SD_SANITIZED
package let patience = 6
#else
package let patience = 1
#endif

/// Runs something that must end within a limit of real time; throws `WaitedTooLong` and cancels it otherwise.
public func within<T: Sendable>(
  _ limit: Duration, _ what: String, _ body: @escaping @Sendable () async throws -> T
) async throws -> T {
  try await withThrowingTaskGroup(of: T?.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: limit * patience)
      return nil
    }
    defer { group.cancelAll() }
    guard let first = try await group.next(), let value = first else {
      throw WaitedTooLong(description: "waited \(limit) for \(what)")
    }
    return value
  }
}

/// Waits in real time until a condition holds, looking again every few milliseconds; throws after the limit.
public func eventually(
  _ what: String, limit: Duration = .seconds(60), _ condition: @Sendable () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + limit * patience
  while try await !condition() {
    guard ContinuousClock.now < end else { throw WaitedTooLong(description: "waited \(limit) for \(what)") }
    try await Task.sleep(for: .milliseconds(5))
  }
}
