import SDCore
import SDTestKit
import Testing

@testable import AWSPlugins

@Suite struct PulseTests {
  private let clock = ManualClock()

  @Test func anAnswerThatCameAtOnceSetOutShortlyBefore() {
    let pulse = Pulse(clock.clocks, every: .milliseconds(500))
    for _ in 0..<20 {
      clock.advance(by: .milliseconds(500))
      pulse.beat()
    }
    clock.advance(by: .milliseconds(100))
    #expect(pulse.last(before: .seconds(1)) == MonotonicInstant(sinceOrigin: .seconds(9)))
  }

  @Test func anAnswerThatLayAtTheDoorOfAStoppedProcessIsAsOldAsTheStop() {
    let pulse = Pulse(clock.clocks, every: .milliseconds(500))
    clock.advance(by: .milliseconds(500))
    pulse.beat()
    // Stopped for a minute; on waking the heart beats first.
    clock.advance(by: .seconds(60))
    pulse.beat()
    clock.advance(by: .milliseconds(20))
    #expect(pulse.last(before: .seconds(1)) == MonotonicInstant(sinceOrigin: .milliseconds(500)))
  }

  @Test func aWaitThatIsShorterThanTheWayIsCountedFromItsBeginning() {
    let pulse = Pulse(clock.clocks, every: .milliseconds(500))
    clock.advance(by: .milliseconds(200))
    #expect(pulse.last(before: .seconds(1)) == MonotonicInstant(sinceOrigin: .zero))
  }
}
