import HTTPTransport
import SDCore
import SDTestKit
import Synchronization
import Testing

@testable import BackendPlugins

/// The contract's own suite, against the stand-in of ComfyUI.
@Suite struct ComfyConformanceTests {
  static let suite = InferenceBackendConformance(.init(behaviors: [.makes, .works, .fails, .refuses, .isAway])) {
    // Without the graph in them, which names a folder of the attempt's own, pictures depend on their seed alone.
    let engine = try ComfyServer { $0.disablesMetadata = true }
    let transport = CurlTransport()
    let now = Mutex(InferenceBackendConformance.Behavior.makes)
    let gate = Mutex(ServerGate())
    return .init(
      backend: ComfyBackend(base: engine.url, transport: transport),
      request: { .pipeline(graph(of: $0, now.withLock { $0 }), id: $0.id, attempt: $0.attempt, seed: $0.anySeed) },
      impossible: [
        .pipeline([:]), .pipeline("text"), .pipeline(["1": "x"]), .pipeline(["workflow": "none"]),
        .pipeline(sampled(model: "no-such-model.safetensors")), .make(["prompt": "x"], type: .extraSingleImage),
      ],
      tell: { behavior in
        now.withLock { $0 = behavior }
        if behavior == .isAway { return engine.stop() }
        let held = gate.withLock { $0 }
        if behavior == .works { gate.withLock { $0 = engine.hold("KSampler") } } else { engine.release("KSampler") }
        held.open()
      },
      working: { engine.running == nil ? 0 : gate.withLock { $0.waiting } },
      step: {
        let held = gate.withLock { $0 }
        gate.withLock { $0 = engine.hold("KSampler") }
        held.open()
        try await eventually("the next step") { gate.withLock { $0.waiting } == 1 }
      },
      prompt: { _ in engine.graphs.last?["3"]?["inputs"]?["positive"]?.string },
      close: {
        await transport.shutdown()
        engine.stop()
      })
  }

  /// A graph with a sampler; how its engine is to behave stands in it where that is a matter of the graph.
  private static func graph(
    of order: InferenceBackendConformance.Order, _ behavior: InferenceBackendConformance.Behavior
  ) -> JSONValue {
    let seed = order.seed.map { JSONValue.number(JSONNumber($0)) } ?? -1
    var graph = sampled(steps: behavior == .refuses ? 20_000 : 20, seed: seed)
    graph["3"]?["inputs"]?["positive"] = .string(order.prompt)
    graph["5"]?["inputs"]?["batch_size"] = .int(order.pictures)
    if behavior == .fails { graph["8"]?["class_type"] = "Fail" }
    return graph
  }

  @Test("ComfyUI's API conforms", arguments: suite.cases)
  func conforms(_ testCase: InferenceBackendConformance.Case) async throws { try await Self.suite.run(testCase) }
}
