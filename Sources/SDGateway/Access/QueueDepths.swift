import SDCore
import Synchronization

/// How many tasks wait in each runtime's queue, as far as limits need it: counted once a second at most, and what was
/// taken since added on.
final class QueueDepths: Sendable {
  private struct Depth {
    var waiting: Int
    var countedAt: MonotonicInstant
    var isBeingCounted = false
  }

  private let queues: [String: any MessageQueue]
  private let clocks: Clocks
  private let depths = Mutex<[String: Depth]>([:])
  private static let validity: Duration = .seconds(1)
  private static let patience: Duration = .seconds(2)

  /// - Parameter queues: by the names of the runtimes that they feed.
  init(_ queues: [String: any MessageQueue], clocks: Clocks) { (self.queues, self.clocks) = (queues, clocks) }

  /// How many tasks wait for a runtime; `nil` where nobody can tell.
  func waiting(for runtime: String) async -> Int? {
    guard let queue = queues[runtime] else { return nil }
    let now = clocks.instant
    let known: Int? = depths.withLock { depths in
      guard let depth = depths[runtime] else { return nil }
      if depth.isBeingCounted || depth.countedAt.duration(to: now) < Self.validity { return depth.waiting }
      depths[runtime]?.isBeingCounted = true
      return nil
    }
    if let known { return known }
    let stats = await clocks.within(Self.patience) { try await queue.stats() }
    return depths.withLock { depths in
      // One that cannot be counted keeps what was known, rather than shut everybody out or let a flood in.
      let waiting = stats.map { $0.waiting + $0.delayed } ?? depths[runtime]?.waiting
      depths[runtime] = waiting.map { Depth(waiting: $0, countedAt: clocks.instant) }
      return waiting
    }
  }

  /// Notes that a task was taken for a runtime.
  func add(for runtime: String) { depths.withLock { $0[runtime]?.waiting += 1 } }
}

extension Clocks {
  /// What a body answers, if it does so in time and throws nothing.
  func within<Value: Sendable>(
    _ limit: Duration, _ body: @escaping @Sendable () async throws -> Value
  ) async -> Value? {
    await withTaskGroup(of: Value?.self) { group in
      group.addTask { try? await body() }
      group.addTask {
        try? await self.sleep(for: limit)
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
  }
}
