import SDCore
import SDTestKit
import Synchronization
import Testing

@Suite struct FakeBackendTests {
  private func request(_ id: String, attempt: Int = 1, seed: UInt64 = 7) -> InferenceRequest {
    InferenceRequest(
      key: RunKey(TaskKey(id: id), run: 1), attempt: attempt, type: .textToImage, model: nil, mayLoadModel: false,
      content: ["prompt": "x"], seed: seed)
  }

  @Test("It does what was scripted, request by request, a task's own script first")
  func scripts() async throws {
    let backend = FakeBackend()
    let refusal = TaskError(.engineRejected, .infer, "no")
    backend.script(.fail(refusal), .succeed(images: 3))
    backend.script(.answerUnusably(refusal), for: "b")
    let (a, b) = (try await backend.prepare(request("a")), try await backend.prepare(request("b")))
    let unusable = try await backend.run(b) {}
    await #expect(throws: refusal) { try await unusable.finish() }
    await #expect(throws: refusal) { try await backend.run(a) {} }
    let answered = Gate()
    let result = try await backend.run(a) { answered.open() }.finish()
    #expect(result.outputs.count == 3 && Set(result.outputs.map(\.bytes)).count == 3 && answered.isOpen)
    #expect(try await backend.run(a) {}.finish().outputs.map(\.bytes) == [result.outputs[0].bytes])
    #expect(backend.started.map(\.task.id) == ["b", "a", "a", "a"] && backend.starts(of: "a") == 3)
    #expect(backend.maximumConcurrency == 1)
  }

  @Test("A hanging request ends when it is interrupted, and no other does")
  func interrupts() async throws {
    let backend = FakeBackend(usually: .hang)
    let (a, b) = (try await backend.prepare(request("a")), try await backend.prepare(request("b")))
    let hanging = Task { try await backend.run(a) {} }
    let other = Task { try await backend.run(b) {} }
    try await backend.untilStarted(2)
    #expect(await backend.status() == .ready(busy: true))
    try await backend.interrupt(a)
    await #expect(throws: TaskError.self) { try await hanging.value }
    #expect(backend.running == [b.request.key] && backend.interrupted == [a.request.key])
    other.cancel()
    await #expect(throws: CancellationError.self) { try await other.value }
    #expect(await backend.status() == .ready(busy: false))
    #expect(backend.maximumConcurrency == 2)
  }

  @Test("A held request goes on when its gate opens, a delayed one when its time has come")
  func holds() async throws {
    let clock = ManualClock()
    let backend = FakeBackend(clocks: clock.clocks)
    let gate = Gate()
    backend.script(.hold(gate, then: .delay(.seconds(5), then: .succeed(images: 2))))
    let prepared = try await backend.prepare(request("a"))
    let running = Task { try await backend.run(prepared) {}.finish().outputs.count }
    try await backend.untilStarted(1)
    gate.open()
    try await clock.untilSleepers(1)
    clock.advance(by: .seconds(5))
    #expect(try await running.value == 2)
  }
}

@Suite struct ManualClockTests {
  @Test("Sleepers wake in the order of their deadlines, and not before")
  func order() async throws {
    let clock = ManualClock()
    let woken = Noted()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for seconds in [3, 1, 2] {
        group.addTask {
          try await clock.clocks.sleep(for: .seconds(seconds))
          woken.note(seconds)
        }
      }
      try await clock.untilSleepers(3)
      for seconds in 1...3 {
        #expect(clock.advanceToNextDeadline())
        #expect(clock.now == MonotonicInstant(sinceOrigin: .seconds(seconds)))
        try await eventually("sleeper \(seconds)") { woken.all.count == seconds }
      }
      try await group.waitForAll()
    }
    #expect(woken.all == [1, 2, 3])
    #expect(!clock.advanceToNextDeadline() && clock.sleepers == 0)
  }

  @Test("A cancelled sleeper ends at once and is forgotten")
  func cancellation() async throws {
    let clock = ManualClock()
    let sleeper = Task { try await clock.clocks.sleep(for: .seconds(1)) }
    try await clock.untilSleepers(1)
    sleeper.cancel()
    await #expect(throws: CancellationError.self) { try await sleeper.value }
    #expect(clock.sleepers == 0)
    let late = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try await clock.clocks.sleep(for: .seconds(1))
    }
    await #expect(throws: CancellationError.self) { try await late.value }
  }

  @Test("A deadline that has passed is not waited for")
  func passed() async throws {
    let clock = ManualClock()
    try await clock.sleep(until: clock.now)
    try await clock.clocks.sleep(for: .seconds(-1))
  }

  @Test("The time of day moves along, and can jump alone")
  func wall() {
    let clock = ManualClock(startingAt: Timestamp(milliseconds: 1000))
    clock.advance(by: .milliseconds(500))
    #expect(clock.clocks.timestamp == Timestamp(milliseconds: 1500) && clock.now.sinceOrigin == .milliseconds(500))
    clock.jumpWall(by: .seconds(-1))
    #expect(clock.clocks.timestamp == Timestamp(milliseconds: 500) && clock.now.sinceOrigin == .milliseconds(500))
  }

  @Test("Waiting for sleepers that do not come ends with an error")
  func limit() async throws {
    let clock = ManualClock()
    await #expect(throws: WaitedTooLong.self) { try await clock.untilSleepers(1, limit: .milliseconds(20)) }
    await #expect(throws: WaitedTooLong.self) { try await eventually("nothing", limit: .milliseconds(20)) { false } }
  }
}

private final class Noted: Sendable {
  private let numbers = Mutex<[Int]>([])
  var all: [Int] { numbers.withLock { $0 } }
  func note(_ number: Int) { numbers.withLock { $0.append(number) } }
}
