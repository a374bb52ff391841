import AWSKit
import FoundationEssentials
import Synchronization

/// Clocks that stand still until they are moved; waiting moves them at once and is written down.
final class ManualTime: Sendable {
  private struct State {
    var now: Date
    var uptime = Duration.zero
    var sleeps: [Duration] = []
  }

  private let state: Mutex<State>
  let random: Double

  init(_ now: Double = 1_700_000_000, random: Double = 0.5) {
    state = Mutex(State(now: Date(timeIntervalSince1970: now)))
    self.random = random
  }

  var now: Date { state.withLock { $0.now } }
  var sleeps: [Duration] { state.withLock { $0.sleeps } }

  func advance(_ duration: Duration) {
    state.withLock { state in
      state.now += Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
      state.uptime += duration
    }
  }

  var source: TimeSource {
    TimeSource(
      now: { self.now }, uptime: { self.state.withLock { $0.uptime } },
      sleep: { duration in
        try Task.checkCancellation()
        self.state.withLock { $0.sleeps.append(duration) }
        self.advance(duration)
        await Task.yield()
      }, random: { self.random })
  }
}
