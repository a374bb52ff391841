import Testing

@testable import SDCore

@Suite("What hinders every task")
struct HindranceTests {
  @Test("makes for one pause each time that it is met, longer and longer, within a bound")
  func pauses() {
    let hindrance = Hindrance()
    #expect(hindrance.takePause() == .zero)
    var pauses: [Duration] = []
    for _ in 0..<20 {
      hindrance.isMet()
      pauses.append(hindrance.takePause())
      #expect(hindrance.takePause() == .zero)
    }
    #expect(pauses == pauses.sorted() && pauses[0] > .zero && pauses[0] < .seconds(1))
    #expect(pauses.last == Hindrance.longest)
  }

  @Test("is what may pass, and what is to be mended around it; not what is wrong with a message")
  func kinds() {
    let kinds = SDError.Code.allCases.filter { Hindrance.mayBe(SDError($0, "no")) }
    #expect(Set(kinds) == [.throttled, .unavailable, .timeout, .full, .denied, .configuration, .notFound])
    #expect(!Hindrance.mayBe(CancellationError()))
  }

  @Test("is forgotten with the first message that is claimed")
  func forgotten() {
    let hindrance = Hindrance()
    for _ in 0..<5 { hindrance.isMet() }
    hindrance.isOver()
    #expect(hindrance.takePause() == .zero)
    hindrance.isMet()
    let first = hindrance.takePause()
    hindrance.isOver()
    hindrance.isMet()
    #expect(hindrance.takePause() == first)
  }
}
