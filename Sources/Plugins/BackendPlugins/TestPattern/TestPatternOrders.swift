import SDCore

/// How the test-pattern engine is to behave, beyond making pictures: slowly, failing, or not at all.
///
/// It comes from the backend's configuration, and from the member `test_pattern` of a task's content:
/// `{"seconds": 2, "fail": "engine_failed", "times": 1, "hang": true}`, each of them optional.
struct TestPatternOrders: Sendable, Hashable {
  /// How long a task takes.
  var duration: Duration
  /// What each attempt fails with, at its end.
  var failure: TaskError.Code?
  /// How many attempts of a run fail; `nil` for all.
  var times: Int?
  /// Whether it goes on until it is interrupted.
  var hangs: Bool

  static let member = "test_pattern"

  /// The configuration's orders, as a task's content changes them.
  ///
  /// - Throws: `engine_rejected` for orders that cannot be understood.
  init(_ configuration: TestPatternBackend.Configuration, content: JSONValue) throws(TaskError) {
    (duration, failure) = (configuration.duration, configuration.failure)
    (times, hangs) = (configuration.failingAttempts, configuration.hangs)
    guard let orders = content[Self.member], !orders.isNull else { return }
    guard let members = orders.object?.members else { throw Self.refusal("is not an object") }
    for (name, value) in members {
      switch name {
      case "seconds":
        guard let seconds = value.double, let duration = Self.duration(seconds) else {
          throw Self.refusal("has seconds that are no number from 0 to 86400")
        }
        self.duration = duration
      case "fail":
        let code = value.string.flatMap { TaskError.Code(rawValue: $0) }
        guard code != nil || value.isNull else { throw Self.refusal("fails with an unknown code") }
        failure = code
      case "times":
        guard let times = value.int, times >= 0 else { throw Self.refusal("has times that are no count") }
        self.times = times
      case "hang":
        guard let hangs = value.bool else { throw Self.refusal("has a hang that is not true or false") }
        self.hangs = hangs
      default: throw Self.refusal("has a member that is none of seconds, fail, times, hang")
      }
    }
  }

  /// What an attempt, counted from 1, is to fail with.
  func failure(ofAttempt attempt: Int) -> TaskError.Code? {
    guard let times else { return failure }
    return attempt <= times ? failure : nil
  }

  static func duration(_ seconds: Double) -> Duration? {
    (0...86400).contains(seconds) ? .nanoseconds(Int64(seconds * 1e9)) : nil
  }

  private static func refusal(_ why: String) -> TaskError {
    TaskError(.engineRejected, .prepare, "the test-pattern engine cannot do it: \(member) \(why)")
  }
}
