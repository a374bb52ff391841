import SDCore
import SDTestKit
import Synchronization
import Testing

@testable import BackendPlugins

/// The contract's own suite over the engine that draws for itself: how it is to behave stands in its tasks.
@Suite struct TestPatternConformanceTests {
  static let suite = InferenceBackendConformance(.init(behaviors: [.makes, .works, .fails, .refuses])) {
    let clock = ManualClock()
    let backend = TestPatternBackend(clocks: clock.clocks)
    let now = Mutex(InferenceBackendConformance.Behavior.makes)
    // What was prepared while it worked takes its time as well.
    let time = Task {
      while !Task.isCancelled {
        if now.withLock({ $0 }) != .works { clock.advanceToNextDeadline() }
        try await Task.sleep(for: .milliseconds(2))
      }
    }
    return .init(
      backend: backend,
      request: { order in
        .make(content(of: order, now.withLock { $0 }), attempt: order.attempt, seed: order.anySeed, id: order.id)
      },
      impossible: [
        .make("text"), .make(["width": 0]), .make(["steps": "many"]), .make(["prompt": 5]),
        .make(["test_pattern": ["seconds": -1]]), .make(["prompt": "x"], type: .imageToImage),
        .make(["init_images": ["bm9wZQ=="]], type: .imageToImage), .make([:], type: .pipeline),
        .make(["width": 8192, "height": 8192, "batch_size": 256]),
      ],
      tell: { behavior in now.withLock { $0 = behavior } },
      working: { await backend.status() == .ready(busy: true) ? 1 : 0 },
      step: { clock.advance(by: .seconds(100)) },
      prompt: { $0.info["all_prompts"]?.array?.first?.string },
      close: { time.cancel() })
  }

  private static func content(
    of order: InferenceBackendConformance.Order, _ behavior: InferenceBackendConformance.Behavior
  ) -> JSONValue {
    var content: JSONValue = [
      "prompt": .string(order.prompt), "width": 16, "height": 16, "batch_size": .int(order.pictures), "steps": 20,
    ]
    if let seed = order.seed { content["seed"] = .number(JSONNumber(seed)) }
    switch behavior {
    case .works: content["test_pattern"] = ["seconds": 1000]
    case .fails: content["test_pattern"] = ["fail": "engine_failed"]
    case .refuses: content["test_pattern"] = ["fail": "engine_rejected"]
    default: break
    }
    return content
  }

  @Test("The test pattern conforms", arguments: suite.cases)
  func conforms(_ testCase: InferenceBackendConformance.Case) async throws { try await Self.suite.run(testCase) }
}
