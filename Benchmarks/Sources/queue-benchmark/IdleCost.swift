import BenchmarkKit
import LocalPlugins
import SDCore

/// What part of one processor four receives cost that wait in vain, other processes' sends being watched for.
enum IdleCost {
  static func measure(seconds: Int, in directory: String) async throws -> Double {
    let database = try LocalDatabase.open(directory)
    let queue = LocalQueue("idle", in: database)
    _ = try await queue.stats()
    let start = ContinuousClock.now
    let before = ProcessorTime.used
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          while start.duration(to: .now) < .seconds(seconds) {
            _ = try await queue.receive(max: 1, wait: .seconds(min(20, seconds)), visibility: nil)
          }
        }
      }
      try await group.waitForAll()
    }
    return (ProcessorTime.used - before) / start.duration(to: .now).seconds
  }
}
