import Synchronization

/// Lines at the foot of the terminal that are written over as things go on; in a pipe there are none.
struct LiveLines {
  private var shown: [String] = []

  /// Prints a line for good, above those that change.
  mutating func print(_ text: String) {
    let lines = shown
    clear()
    Terminal.note(Terminal.plain(text))
    show(lines)
  }

  /// Replaces the lines.
  mutating func show(_ lines: [String]) {
    guard Terminal.isInteractive, lines != shown else { return }
    let width = Terminal.width
    var text = shown.isEmpty ? "" : "\r\u{1B}[\(shown.count)A\u{1B}[J"
    // A line that wraps would be two when it is to be written over.
    for line in lines { text += Terminal.plain(line).fitted(to: width - 1) + "\n" }
    Terminal.draw(text)
    shown = lines
  }

  /// Takes them away.
  mutating func clear() { show([]) }
}

/// Draws once a second where somebody sees it: seconds that pass are progress too.
final class Ticker: Sendable {
  private let task = Mutex<Task<Void, Never>?>(nil)

  /// Begins; ended by ``stop()``.
  func start(_ draw: @escaping @Sendable () -> Void) {
    guard Terminal.isInteractive else { return }
    task.withLock {
      $0 = Task {
        while !Task.isCancelled {
          draw()
          try? await Task.sleep(for: .seconds(1))
        }
      }
    }
  }

  func stop() {
    task.withLock {
      $0?.cancel()
      $0 = nil
    }
  }
}
