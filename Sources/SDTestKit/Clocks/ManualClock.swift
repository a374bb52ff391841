public import SDCore
import Synchronization

/// A clock that a test moves by hand: monotonic time, time of day, and everyone who sleeps on it.
///
/// Nothing passes by itself. `advance(by:)` moves both clocks and wakes the sleepers whose time has come, in the order of
/// their deadlines; `jumpWall(by:)` moves the time of day alone, as an operator or NTP would.
public final class ManualClock: MonotonicClock {
  private struct Sleeper {
    var deadline: MonotonicInstant
    var continuation: CheckedContinuation<Void, any Error>
  }

  private struct Watcher {
    var count: Int
    var continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var now = MonotonicInstant(sinceOrigin: .zero)
    var wall: Timestamp
    var sleepers: [Int: Sleeper] = [:]
    var watchers: [Int: Watcher] = [:]
    var cancelled: Set<Int> = []
    /// How many sleeps have begun, by how long they were to last.
    var begun: [Duration: Int] = [:]
    var lastID = 0

    mutating func newID() -> Int {
      lastID += 1
      return lastID
    }

    mutating func takeWatchers() -> [Watcher] {
      let due = watchers.filter { $0.value.count <= sleepers.count }
      for id in due.keys { watchers[id] = nil }
      return Array(due.values)
    }
  }

  private let state: Mutex<State>

  /// A clock that stands at a time of day, 2026-01-01T00:00:00Z unless said.
  public init(startingAt time: Timestamp = Timestamp(milliseconds: 1_767_225_600_000)) {
    state = Mutex(State(wall: time))
  }

  /// Both clocks, to be injected.
  public var clocks: Clocks { Clocks(monotonic: self, wall: Wall(clock: self)) }

  public var now: MonotonicInstant { state.withLock { $0.now } }
  public var minimumResolution: Duration { .nanoseconds(1) }
  /// The time of day.
  public var timestamp: Timestamp { state.withLock { $0.wall } }

  /// How many wait on this clock.
  public var sleepers: Int { state.withLock { $0.sleepers.count } }

  /// The nearest deadline that somebody waits for.
  public var nextDeadline: MonotonicInstant? { state.withLock { $0.sleepers.values.map(\.deadline).min() } }

  /// Lets time pass.
  public func advance(by duration: Duration) {
    precondition(duration >= .zero, "time goes forward only")
    let due = state.withLock { state in
      state.now = state.now.advanced(by: duration)
      state.wall = state.wall + duration
      let due = state.sleepers.filter { $0.value.deadline <= state.now }
      for id in due.keys { state.sleepers[id] = nil }
      return due.values.sorted { $0.deadline < $1.deadline }
    }
    for sleeper in due { sleeper.continuation.resume() }
  }

  /// Lets time pass up to the nearest deadline that somebody waits for; answers whether there was one.
  @discardableResult
  public func advanceToNextDeadline() -> Bool {
    guard let next = nextDeadline else { return false }
    advance(by: max(.zero, now.duration(to: next)))
    return true
  }

  /// Moves the time of day alone.
  public func jumpWall(by duration: Duration) { state.withLock { $0.wall = $0.wall + duration } }

  /// Moves from deadline to deadline up to a time, each time once so many sleep again.
  public func run(until end: MonotonicInstant, with count: Int) async throws {
    while now < end {
      try await untilSleepers(count)
      advanceToNextDeadline()
    }
  }

  /// Moves on by a loop's period, turn after turn, each time once the turn before is over. Once a clock: sleeps are counted
  /// from its beginning, and nobody but the loop and its calls may have slept for as long.
  ///
  /// - Parameters:
  ///   - period: how long the loop sleeps between its turns; it has begun to.
  ///   - sleeps: for each turn, how many sleeps of that length begin until it is over: the loop's next, and the limits of
  ///     calls that it makes. How many sleep would not tell: a limit sleeps while its call is on its way.
  public func turn(every period: Duration, _ sleeps: [Int]) async throws {
    func until(_ count: Int) async throws {
      try await eventually("\(count) sleeps of \(period)") {
        self.state.withLock { $0.begun[period, default: 0] >= count }
      }
    }
    precondition(state.withLock { $0.begun[period, default: 0] } <= 1, "others have slept for \(period) before")
    var begun = 1
    for count in sleeps {
      try await until(begun)
      advance(by: period)
      begun += count
    }
    try await until(begun)
  }

  public func sleep(until deadline: MonotonicInstant, tolerance: Duration? = nil) async throws {
    let id = state.withLock { $0.newID() }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        enum Verdict { case waits([Watcher]), due, cancelled }
        let verdict: Verdict = state.withLock { state in
          state.begun[state.now.duration(to: deadline), default: 0] += 1
          if state.cancelled.remove(id) != nil { return .cancelled }
          if deadline <= state.now { return .due }
          state.sleepers[id] = Sleeper(deadline: deadline, continuation: continuation)
          return .waits(state.takeWatchers())
        }
        switch verdict {
        case .waits(let watchers): for watcher in watchers { watcher.continuation.resume() }
        case .due: continuation.resume()
        case .cancelled: continuation.resume(throwing: CancellationError())
        }
      }
    } onCancel: {
      let sleeper = state.withLock { state in
        let sleeper = state.sleepers.removeValue(forKey: id)
        if sleeper == nil { state.cancelled.insert(id) }
        return sleeper
      }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
    _ = state.withLock { $0.cancelled.remove(id) }
  }

  /// Waits, in real time, until so many sleep on this clock; throws after `limit`.
  public func untilSleepers(_ count: Int, limit: Duration = .seconds(60)) async throws {
    try await within(limit, "\(count) sleepers on the manual clock") {
      let id = self.state.withLock { $0.newID() }
      try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
          enum Verdict { case waits, met, cancelled }
          let verdict: Verdict = self.state.withLock { state in
            if state.cancelled.remove(id) != nil { return .cancelled }
            if state.sleepers.count >= count { return .met }
            state.watchers[id] = Watcher(count: count, continuation: continuation)
            return .waits
          }
          switch verdict {
          case .waits: break
          case .met: continuation.resume()
          case .cancelled: continuation.resume(throwing: CancellationError())
          }
        }
      } onCancel: {
        let watcher = self.state.withLock { state in
          let watcher = state.watchers.removeValue(forKey: id)
          if watcher == nil { state.cancelled.insert(id) }
          return watcher
        }
        watcher?.continuation.resume(throwing: CancellationError())
      }
      _ = self.state.withLock { $0.cancelled.remove(id) }
    }
  }

  private struct Wall: WallClock {
    var clock: ManualClock
    var now: Timestamp { clock.timestamp }
  }
}
