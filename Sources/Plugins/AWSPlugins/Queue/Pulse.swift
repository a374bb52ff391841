import SDCore
import Synchronization

/// What tells of a wait in which the process stood still: a heart that beats meanwhile.
///
/// A process that is stopped while it waits for an answer sees no time pass: what has lain before its door for a minute
/// looks like what came just now. Its heart has not beaten, though.
final class Pulse: Sendable {
  private let clocks: Clocks
  private let interval: Duration
  private let beats: Mutex<[MonotonicInstant]>

  /// A heart that beats for the first time now.
  init(_ clocks: Clocks, every interval: Duration) {
    (self.clocks, self.interval) = (clocks, interval)
    beats = Mutex([clocks.instant])
  }

  /// Beats until cancelled.
  func run() async {
    while (try? await clocks.sleep(for: interval)) != nil { beat() }
  }

  func beat() { beats.withLock { $0.append(clocks.instant) } }

  /// The last beat that was so long ago or longer, else the first: whatever took no longer than that on its way set out
  /// no earlier, wherever the process stood still. When it wakes, a late beat may come before the answer; it is too young
  /// to count.
  func last(before age: Duration) -> MonotonicInstant {
    let latest = clocks.instant.advanced(by: .zero - age)
    return beats.withLock { beats in beats.last { $0 <= latest } ?? beats[0] }
  }
}
