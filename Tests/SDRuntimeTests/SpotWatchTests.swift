import Logging
import SDCore
import SDTestKit
import Synchronization
import Testing

@testable import SDRuntime

@Suite("A watch for spot notices", .timeLimit(.minutes(2)))
struct SpotWatchTests {
  private final class Announced: Sendable {
    private let state = Mutex((answers: [Result<[String: String]?, SDError>](), asked: 0, noticed: 0))
    var asked: Int { state.withLock { $0.asked } }
    var noticed: Int { state.withLock { $0.noticed } }

    init(_ answers: [Result<[String: String]?, SDError>]) { state.withLock { $0.answers = answers } }

    func standing() throws(SDError) -> [String: String]? {
      let answer = state.withLock { state in
        state.asked += 1
        return state.answers.count > 1 ? state.answers.removeFirst() : state.answers[0]
      }
      return try answer.get()
    }
    func notice() { state.withLock { $0.noticed += 1 } }
  }

  private let clock = ManualClock()

  private func watch(_ announced: Announced) -> SpotWatch {
    SpotWatch(
      notices: SpotNotices { try announced.standing() }, clocks: clock.clocks,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onNotice: { announced.notice() })
  }

  private func running(_ watch: SpotWatch, _ body: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await watch.run() }
      try await body()
      group.cancelAll()
      do { try await group.waitForAll() } catch is CancellationError {}
    }
  }

  @Test("looks every five seconds, and tells of the first notice once")
  func notice() async throws {
    let announced = Announced([.success(nil), .success(nil), .success(["notice": "interruption"])])
    let watch = watch(announced)
    try await running(watch) { [clock] in
      for look in 1...2 {
        try await clock.untilSleepers(1)
        #expect((announced.asked, announced.noticed) == (look, 0))
        clock.advance(by: .seconds(5))
      }
      try await eventually("the notice") { announced.noticed == 1 }
      #expect(watch.hasNotice)
    }
    #expect((announced.asked, clock.sleepers) == (3, 0))
  }

  @Test("asks a service that does not answer ever more rarely, and as often as before once it does")
  func unreachable() async throws {
    let away = SDError(.unavailable, "no route")
    let announced = Announced([.failure(away), .failure(away), .success(nil), .success(nil)])
    try await running(watch(announced)) { [clock] in
      for pause in [10, 20, 5] {
        try await clock.untilSleepers(1)
        let asked = announced.asked
        clock.advance(by: .milliseconds(pause * 1000 - 1))
        #expect(clock.sleepers == 1)
        clock.advance(by: .milliseconds(1))
        try await eventually("the next look") { announced.asked == asked + 1 }
      }
    }
  }
}
