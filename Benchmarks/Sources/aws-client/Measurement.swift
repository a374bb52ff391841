import AWSKit
import Glibc

/// Runs work on so many tasks until the time is over, and prints what it cost.
///
/// - Parameter turn: does some operations and gives their number.
func measure(seconds: Double, concurrency: Int, _ turn: @escaping @Sendable () async throws -> Int) async throws {
  // Connections, caches and the first keys are made before the clock runs.
  for _ in 0..<3 { _ = try await turn() }
  let (start, before) = (ContinuousClock.now, processorSeconds())
  let operations = try await withThrowingTaskGroup(of: Int.self) { group in
    for _ in 0..<concurrency {
      group.addTask {
        var operations = 0
        repeat { operations += try await turn() } while start.duration(to: .now) < .seconds(seconds)
        return operations
      }
    }
    return try await group.reduce(0, +)
  }
  let (processor, wall) = (processorSeconds() - before, start.duration(to: .now))
  print(#"{"operations": \#(operations), "processor": \#(processor), "wall": \#(wall / .seconds(1))}"#)
}

private func processorSeconds() -> Double {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
}

func size(of path: String) throws -> Int64 {
  var status = stat()
  guard stat(path, &status) == 0 else { throw AWSError(.invalidInput, "\(path): \(String(cString: strerror(errno)))") }
  return Int64(status.st_size)
}
