import ArgumentParser
import Glibc
import Synchronization
import UnixSignals

/// What a command failed with after a signal had cancelled it.
struct Interrupted: Error {
  let underlying: any Error
}

/// Runs work that a first signal cancels, so that it can clear up, and a second one ends at once.
enum Interruption {
  static func guarding<T: Sendable>(
    _ notice: String, _ work: @escaping @Sendable () async throws -> T
  ) async throws -> T {
    // Nobody who reads what is said any more is no reason to stop.
    signal(SIGPIPE, SIG_IGN)
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    let interruption = Once()
    return try await withThrowingTaskGroup(of: T?.self) { group in
      // Apart from the group, so that it alone is cancelled.
      let task = Task { try await work() }
      group.addTask { try await task.value }
      group.addTask {
        for await _ in signals {
          if interruption.happened() { exit(CommandExit.interrupted.rawValue) }
          Terminal.note(notice)
          task.cancel()
        }
        return nil
      }
      defer { group.cancelAll() }
      do {
        while let result = try await group.next() {
          if let result { return result }
        }
      } catch {
        throw interruption.hasHappened ? Interrupted(underlying: error) : error
      }
      throw CancellationError()
    }
  }
}

/// Something that is said once.
private final class Once: Sendable {
  private let flag = Atomic(false)

  var hasHappened: Bool { flag.load(ordering: .acquiring) }

  /// Says it; whether it was said before.
  func happened() -> Bool { flag.exchange(true, ordering: .acquiringAndReleasing) }
}
