import Synchronization

/// Where a test steps in on the calls of a part: it counts them, and a step may hold them, fail them, or cut them off.
public final class Tap<Call: Hashable & Sendable>: Sendable {
  /// What is done at a call, the first being number 1.
  public typealias Step = @Sendable (_ number: Int) async throws -> Void

  private struct State {
    var counts: [Call: Int] = [:]
    var steps: [Call: Step] = [:]
  }
  private let state = Mutex(State())

  /// A tap without steps.
  public init() {}

  /// How often a call came by.
  public func count(of call: Call) -> Int { state.withLock { $0.counts[call, default: 0] } }

  /// Does something at each such call; the step before is forgotten.
  public func on(_ call: Call, _ step: @escaping Step) { state.withLock { $0.steps[call] = step } }

  /// Counts a call and does what is to be done at it.
  func pass(_ call: Call) async throws {
    let (step, number) = state.withLock { state in
      state.counts[call, default: 0] += 1
      return (state.steps[call], state.counts[call, default: 0])
    }
    try await step?(number)
  }
}
