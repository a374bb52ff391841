import Synchronization

/// The adaptive mode's rate of sending: free until the service throttles, then by a bucket whose rate follows CUBIC.
final class SendRate: Sendable {
  private struct State {
    // The measured rate.
    var measured = 0.0
    var count = 0.0
    var lastBucket: Double
    // CUBIC.
    var maximumBefore = 0.0
    var lastThrottle: Double
    var window = 0.0
    // The bucket.
    var isThrottled = false
    var fillRate = 1.0
    var capacity = 1.0
    var tokens = 0.0
    var lastFill: Double
  }

  private static let (beta, scale, smoothing, slowest) = (0.7, 0.4, 0.8, 0.5)
  private let state: Mutex<State>

  init(uptime: Duration) {
    let now = uptime.seconds
    state = Mutex(State(lastBucket: now.rounded(.down), lastThrottle: now, lastFill: now))
  }

  /// Takes the place of one request: how long to wait before it is sent.
  ///
  /// Places are given away ahead of time, so that those who wait keep their order.
  func reserve(at uptime: Duration) -> Duration {
    let now = uptime.seconds
    return state.withLock { state in
      guard state.isThrottled else { return .zero }
      Self.refill(&state, now)
      state.tokens -= 1
      return state.tokens >= 0 ? .zero : .seconds(-state.tokens / state.fillRate)
    }
  }

  /// Takes an answer into account.
  func record(throttled: Bool, at uptime: Duration) {
    let now = uptime.seconds
    state.withLock { state in
      Self.measure(&state, now)
      var rate: Double
      if throttled {
        let before = state.isThrottled ? min(state.measured, state.fillRate) : state.measured
        (state.maximumBefore, state.lastThrottle, state.isThrottled) = (before, now, true)
        state.window = Self.cubeRoot(before * (1 - Self.beta) / Self.scale)
        rate = before * Self.beta
      } else {
        let distance = now - state.lastThrottle - state.window
        rate = Self.scale * distance * distance * distance + state.maximumBefore
      }
      rate = min(rate, 2 * state.measured)
      Self.refill(&state, now)
      state.fillRate = max(rate, Self.slowest)
      state.capacity = max(rate, 1)
      state.tokens = min(state.tokens, state.capacity)
    }
  }

  private static func measure(_ state: inout State, _ now: Double) {
    let bucket = (now * 2).rounded(.down) / 2
    state.count += 1
    guard bucket > state.lastBucket else { return }
    state.measured = state.count / (bucket - state.lastBucket) * smoothing + state.measured * (1 - smoothing)
    (state.count, state.lastBucket) = (0, bucket)
  }

  private static func refill(_ state: inout State, _ now: Double) {
    state.tokens = min(state.capacity, state.tokens + (now - state.lastFill) * state.fillRate)
    state.lastFill = now
  }

  /// Newton's method; no C library is needed for this.
  private static func cubeRoot(_ value: Double) -> Double {
    guard value > 0 else { return 0 }
    var root = max(value, 1)
    for _ in 0..<200 {
      let next = (2 * root + value / (root * root)) / 3
      if abs(next - root) <= 1e-12 * root { return next }
      root = next
    }
    return root
  }
}
