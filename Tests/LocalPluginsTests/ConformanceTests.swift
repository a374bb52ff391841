import LocalPlugins
import SDCore
import SDTestKit
import Testing

/// The contracts' own suites.
///
/// Each case has a directory of its own; a rival is another connection, as another process would have it.
@Suite struct QueueConformanceTests {
  static let standard = suite([.deduplication, .delay, .fairShare, .deadLetter], isFIFO: false, letters: "q-dlq")
  static let ordered = suite([.deduplication, .delay, .groups, .deadLetter], isFIFO: true, letters: "q-dlq")
  static let withoutLetters = suite([.deduplication, .delay, .fairShare], isFIFO: false, letters: nil)

  static func suite(
    _ abilities: QueueCapabilities.Ability, isFIFO: Bool, letters: String?
  ) -> MessageQueueConformance {
    MessageQueueConformance(.init(abilities: abilities, operations: [])) { setup in
      let (clock, directory) = (ManualClock(), try TemporaryDirectory())
      let (mine, theirs) = (try directory.database(clock.clocks), try directory.database(clock.clocks))
      let queue = LocalQueue(
        "q", in: mine,
        settings: .init(
          visibility: setup.visibility, maximumReceives: setup.maximumReceives, deadLetterQueue: letters, isFIFO: isFIFO
        ))
      return .init(
        queue: queue, deadLetters: letters.map { LocalQueue($0, in: theirs, settings: .init()) }, time: .manual(clock),
        close: {
          mine.close()
          theirs.close()
          _ = directory
        })
    }
  }

  @Test(arguments: standard.cases) func standardQueue(_ testCase: MessageQueueConformance.Case) async throws {
    try await Self.standard.run(testCase)
  }
  @Test(arguments: ordered.cases) func fifoQueue(_ testCase: MessageQueueConformance.Case) async throws {
    try await Self.ordered.run(testCase)
  }
  @Test(arguments: withoutLetters.cases) func queueWithoutLetters(
    _ testCase: MessageQueueConformance.Case
  ) async throws {
    try await Self.withoutLetters.run(testCase)
  }
}

@Suite struct TopicConformanceTests {
  static let suite = EventTopicConformance { subscriptions in
    let (clock, directory) = (ManualClock(), try TemporaryDirectory())
    let (mine, theirs) = (try directory.database(clock.clocks), try directory.database(clock.clocks))
    let topic = LocalTopic("tasks", in: mine)
    try await LocalTopic("tasks", in: theirs).replaceSubscriptions(subscriptions)
    return .init(
      topic: topic, queues: subscriptions.map { LocalQueue($0.queue, in: theirs) }, time: .manual(clock)
    ) {
      mine.close()
      theirs.close()
      _ = directory
    }
  }

  @Test(arguments: suite.cases) func conforms(_ testCase: EventTopicConformance.Case) async throws {
    try await Self.suite.run(testCase)
  }
}

@Suite struct LedgerConformanceTests {
  static let suite = TaskLedgerConformance {
    let (clock, directory) = (ManualClock(), try TemporaryDirectory())
    let (mine, theirs) = (try directory.database(clock.clocks), try directory.database(clock.clocks))
    let topic = LocalTopic("tasks", in: mine)
    try await topic.subscribe(.init(queue: "q"))
    return .init(
      ledger: LocalTaskLedger(in: mine), rival: LocalTaskLedger(in: theirs), topic: topic,
      queue: LocalQueue("q", in: theirs), time: .manual(clock)
    ) {
      mine.close()
      theirs.close()
      _ = directory
    }
  }

  @Test(arguments: suite.cases) func conforms(_ testCase: TaskLedgerConformance.Case) async throws {
    try await Self.suite.run(testCase)
  }
}
