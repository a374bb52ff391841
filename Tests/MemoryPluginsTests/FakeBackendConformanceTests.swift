import SDCore
import SDTestKit
import Synchronization
import Testing

/// The contract's own suite over the backend that tests of the worker rest on.
@Suite struct FakeBackendConformanceTests {
  static let suite = InferenceBackendConformance(
    // It leaves contents as they are, so that tests find them again; no seed is put into them.
    .init(behaviors: [.makes, .works, .fails, .refuses, .garbles], isReproducible: false, mostPictures: 1)
  ) {
    let backend = FakeBackend()
    let gate = Mutex(Gate())
    return .init(
      backend: backend,
      request: { order in
        var content: JSONValue = ["prompt": .string(order.prompt)]
        if let seed = order.seed { content["seed"] = .number(JSONNumber(seed)) }
        return InferenceRequest(
          key: RunKey(TaskKey(id: order.id), run: 1), attempt: order.attempt, type: .textToImage, model: nil,
          mayLoadModel: false, content: content, seed: order.seed ?? order.anySeed)
      },
      impossible: [],
      tell: { behavior in
        gate.withLock { $0 }.open()
        backend.setProgress(TaskProgress(fraction: 0))
        switch behavior {
        case .works:
          let held = Gate()
          gate.withLock { $0 = held }
          backend.usually(.hold(held, then: .succeed))
        case .fails: backend.usually(.fail(TaskError(.engineFailed, .infer, "it failed")))
        case .refuses: backend.usually(.fail(TaskError(.engineRejected, .infer, "it refused")))
        case .garbles: backend.usually(.answerUnusably(TaskError(.outputInvalid, .deliver, "no picture")))
        default: backend.usually(.succeed)
        }
      },
      working: { backend.running.count },
      step: { backend.setProgress(TaskProgress(fraction: 0.5)) },
      prompt: { _ in backend.requests.last?.content["prompt"]?.string })
  }

  @Test("The fake backend conforms", arguments: suite.cases)
  func conforms(_ testCase: InferenceBackendConformance.Case) async throws { try await Self.suite.run(testCase) }
}
