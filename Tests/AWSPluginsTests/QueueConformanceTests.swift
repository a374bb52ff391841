import AWSPlugins
import SDCore
import SDTestKit
import Testing

/// The contract's own suite over queues of moto.
///
/// Its receipts never age, and it knows no repeat whose first message is gone; SQS does better at both.
@Suite(.enabled(if: MotoAccount.isThere))
struct QueueConformanceTests {
  static let standard = suite([.delay, .fairShare, .deadLetter], isFIFO: false)
  static let ordered = suite([.groups, .deduplication, .deadLetter], isFIFO: true)
  static let withoutLetters = suite([.delay, .fairShare], isFIFO: false)

  static func suite(_ abilities: QueueCapabilities.Ability, isFIFO: Bool) -> MessageQueueConformance {
    let traits = MessageQueueConformance.Traits(
      abilities: abilities, manualTime: false, takesAnyBytes: false, remembersRepeats: false,
      operations: .looksCount)
    return MessageQueueConformance(traits) { setup in
      let (queue, letters) = try await MotoAccount.queue(
        try MotoAccount.client(), isFIFO: isFIFO, visibility: setup.visibility, maximumReceives: setup.maximumReceives,
        hasLetters: abilities.contains(.deadLetter))
      return .init(queue: queue, deadLetters: letters, time: .real)
    }
  }

  @Test(arguments: standard.cases) func standardQueue(_ testCase: MessageQueueConformance.Case) async throws {
    try await MotoAccount.turnstile.pass { try await Self.standard.run(testCase) }
  }
  @Test(arguments: ordered.cases) func fifoQueue(_ testCase: MessageQueueConformance.Case) async throws {
    try await MotoAccount.turnstile.pass { try await Self.ordered.run(testCase) }
  }
  @Test(arguments: withoutLetters.letterCasesAlone) func queueWithoutLetters(
    _ testCase: MessageQueueConformance.Case
  ) async throws {
    try await MotoAccount.turnstile.pass { try await Self.withoutLetters.run(testCase) }
  }
}

extension MessageQueueConformance {
  /// What a queue without letters does otherwise than one that has them.
  fileprivate var letterCasesAlone: [Case] { cases.filter { $0.name.contains("dead-letter") } }
}
