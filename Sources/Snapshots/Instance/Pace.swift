import AWSKit
import Synchronization

/// How things are waited for: at once, then less and less often, and never past a deadline.
struct Pace: Sendable {
  let time: TimeSource
  /// The pause after the first look.
  var first = Duration.milliseconds(500)
  /// The longest pause.
  var longest = Duration.seconds(5)

  init(_ time: TimeSource) { self.time = time }

  /// Looks until there is something to be seen.
  ///
  /// - Parameters:
  ///   - limit: `.timeout` is thrown past this.
  ///   - what: what is waited for, for the error.
  ///   - look: answers `nil` for "not yet".
  func wait<T>(upTo limit: Duration, for what: String, _ look: () async throws -> T?) async throws -> T {
    let end = time.uptime() + limit
    var pause = first
    while true {
      try Task.checkCancellation()
      if let found = try await look() { return found }
      guard time.uptime() < end else {
        throw SnapshotError(.timeout, "waited \(limit.components.seconds) s for \(what)")
      }
      try await time.sleep(pause)
      pause = min(pause * 3 / 2, longest)
    }
  }

  /// Looks until it is so.
  func wait(upTo limit: Duration, until what: String, _ isSo: () async throws -> Bool) async throws {
    let _: Bool = try await wait(upTo: limit, for: what) { try await isSo() ? true : nil }
  }
}

/// When something was looked at last.
final class LastLook: Sendable {
  private let at: Mutex<Duration>

  init(_ uptime: Duration) { at = Mutex(uptime) }

  /// Whether the last look is so long ago; counts as a look if it is.
  func isDue(at uptime: Duration, after interval: Duration) -> Bool {
    at.withLock { last in
      guard uptime - last >= interval else { return false }
      last = uptime
      return true
    }
  }
}
