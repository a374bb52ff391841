import Metrics
import SDTestKit
import Synchronization
import Testing

@testable import SDCore

@Suite("The engine's gate", .timeLimit(.minutes(1)))
struct EngineGateTests {
  private let clock = ManualClock()

  private func gate(prefersLoadedModel: Bool = false) -> EngineGate {
    EngineGate(
      prefersLoadedModel: prefersLoadedModel, clocks: clock.clocks,
      metrics: WorkerMetrics(runtime: nil, factory: NOOPMetricsHandler.instance))
  }

  /// Who was let in, in order.
  private final class LetIn: Sendable {
    private let state = Mutex([String]())
    var models: [String] { state.withLock { $0 } }
    func note(_ model: String) { state.withLock { $0.append(model) } }
  }

  /// The models in the order in which those who wait for them are let in, the first of all being `first`.
  private func order(_ gate: EngineGate, first: String, then waiting: [String]) async throws -> [String] {
    let letIn = LetIn()
    #expect(try await gate.take(for: first))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (position, model) in waiting.enumerated() {
        group.addTask {
          let isIn = try await gate.take(for: model)
          #expect(isIn)
          letIn.note(model)
        }
        try await eventually("\(position + 1) to wait") { gate.waiting == position + 1 }
      }
      for count in 1...waiting.count {
        gate.giveUp(ran: nil)
        try await eventually("\(count) to be let in") { letIn.models.count == count }
      }
      try await group.waitForAll()
    }
    return letIn.models
  }

  @Test("lets in by order of arrival")
  func arrival() async throws {
    #expect(try await order(gate(), first: "a", then: ["b", "a", "c", "a"]) == ["b", "a", "c", "a"])
  }

  @Test("lets those in first who want the model that is loaded, where that is wanted")
  func affinity() async throws {
    let gate = gate(prefersLoadedModel: true)
    #expect(try await order(gate, first: "a", then: ["b", "a", "c", "a"]) == ["a", "a", "b", "c"])
  }

  @Test("passes nobody over more than four times")
  func patience() async throws {
    let gate = gate(prefersLoadedModel: true)
    let waiting = ["b"] + [String](repeating: "a", count: 6)
    #expect(try await order(gate, first: "a", then: waiting) == ["a", "a", "a", "a", "b", "a", "a"])
  }

  @Test("lets nobody in once it is closed, and tells those who wait")
  func closed() async throws {
    let gate = gate()
    #expect(try await gate.take(for: nil))
    async let waiting = gate.take(for: nil)
    try await eventually("one to wait") { gate.waiting == 1 }
    gate.close()
    let isIn = try await waiting
    #expect(!isIn)
    #expect(try await !gate.take(for: nil))
  }

  @Test(
    "has room for two, one by one, while nothing is known, for a handful of short tasks, and for none while a long one runs"
  )
  func room() async throws {
    let gate = gate()
    #expect(gate.room(margin: .seconds(2), limit: 4) == 1)
    gate.arrive()
    #expect(gate.room(margin: .seconds(2), limit: 4) == 1)
    gate.arrive()
    #expect(gate.room(margin: .seconds(2), limit: 4) == 0)
    #expect(try await gate.take(for: nil))
    gate.depart(prepared: .milliseconds(100))
    #expect(gate.room(margin: .seconds(2), limit: 4) == 1)
    gate.depart(prepared: nil)
    clock.advance(by: .seconds(3))
    #expect(gate.room(margin: .seconds(2), limit: 4) == 0)
    gate.giveUp(ran: .milliseconds(150))
    #expect(gate.room(margin: .seconds(2), limit: 4) == 4)
    gate.arrive()
    gate.arrive()
    #expect(gate.room(margin: .seconds(2), limit: 4) == 2)
    gate.arrive()
    // Not for the one that is left, but for a handful later.
    #expect(gate.room(margin: .seconds(2), limit: 4) == 0)

    for _ in 1...3 {
      #expect(try await gate.take(for: nil))
      gate.depart(prepared: .milliseconds(100))
      gate.giveUp(ran: .seconds(60))
    }
    #expect(gate.room(margin: .seconds(2), limit: 4) == 1)
    #expect(try await gate.take(for: nil))
    #expect(gate.room(margin: .seconds(2), limit: 4) == 0)
    clock.advance(by: .seconds(58))
    #expect(gate.room(margin: .seconds(2), limit: 4) == 1)
  }
}
