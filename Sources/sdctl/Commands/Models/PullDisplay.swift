import Models
import SDCore
import Synchronization

/// Shows how a pull goes: on a terminal a line that is written over, in a pipe one every ten seconds; and a line a file.
final class PullDisplay: Sendable {
  private struct State {
    var live = LiveLines()
    var toCome: Int64 = 0
    var received: Int64 = 0
    var since = ContinuousClock.now
    var toldAt = ContinuousClock.now
    var isPlanned = false
  }

  private let shows: Bool
  private let state = Mutex(State())

  /// - Parameter shows: whether anything but what went wrong is for people to see.
  init(shows: Bool) { self.shows = shows }

  /// Takes down what was only of the moment.
  func end() { state.withLock { $0.live.clear() } }

  func show(_ event: PullEvent) {
    state.withLock { state in
      switch event {
      case .planned(let files, let present, let bytes):
        (state.toCome, state.isPlanned, state.since, state.toldAt) = (bytes, true, .now, .now)
        guard shows else { return }
        let there = present == 0 ? "" : ", \(present) of them already there"
        state.live.print("\(files) files\(there): \(ByteCount(bytes)) to pull")
      case .received(_, let bytes):
        state.received += Int64(bytes)
        tell(&state)
      case .discarded(_, let bytes): state.received -= bytes
      case .finished(let path, let bytes):
        if shows { state.live.print("  \(path)  \(ByteCount(bytes))") }
        tell(&state)
      case .retrying(let path, let reason): state.live.print("\(path): \(reason); trying again")
      case .notice(let text): state.live.print(text)
      }
    }
  }

  private func tell(_ state: inout State) {
    let now = ContinuousClock.now
    let pause: Duration = Terminal.isInteractive ? .milliseconds(100) : .seconds(10)
    guard shows, state.isPlanned, now - state.toldAt >= pause else { return }
    state.toldAt = now
    let seconds = (now - state.since).seconds
    let rate = seconds > 0 ? Double(state.received) / seconds : 0
    let fraction = state.toCome > 0 ? Double(state.received) / Double(state.toCome) : 1
    var text = "\(ProgressBar.text(fraction))  \(ByteCount(state.received)) of \(ByteCount(state.toCome))"
    if rate > 0 {
      text += "  \(ByteCount(Int64(rate)))/s"
      let left = Double(state.toCome - state.received) / rate
      if left >= 1, seconds > 2 { text += "  about \(left.shortSeconds) left" }
    }
    if Terminal.isInteractive { state.live.show([text]) } else { state.live.print(text) }
  }
}
