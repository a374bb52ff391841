import AWSKit
import AWSPlugins
import SDCore
import SDTestKit
import Testing

/// A topic of moto and the queues that listen to it.
enum MotoTopic {
  static func make(
    _ subscriptions: [Subscription], _ client: AWSClient
  ) async throws -> (topic: SNSTopic, queues: [SQSQueue]) {
    let (sns, sqs) = (try SNS(client), try SQS(client))
    let arn = try await sns.createTopic(.init(name: MotoAccount.name("t")))
    var queues: [SQSQueue] = []
    for subscription in subscriptions {
      let queue = try await MotoAccount.queue(client, hasLetters: false).queue
      let queueARN = try #require(
        try await sqs.getQueueAttributes(queueURL: queue.url, names: ["QueueArn"])["QueueArn"])
      var attributes: [String: String] = [:]
      if subscription.rawDelivery { attributes["RawMessageDelivery"] = "true" }
      if let filter = subscription.filter {
        attributes["FilterPolicy"] = filter.source.text
        attributes["FilterPolicyScope"] = filter.scope.rawValue
      }
      _ = try await sns.subscribe(
        .init(topicARN: arn, protocol: "sqs", endpoint: queueARN, attributes: attributes, returnsARN: true))
      queues.append(queue)
    }
    return (try SNSTopic(arn: arn, client: client), queues)
  }
}

/// The contract's own suite over topics of moto, which knows a part of the filters only, and fails over bytes.
@Suite(.enabled(if: MotoAccount.isThere))
struct TopicConformanceTests {
  static let suite = EventTopicConformance(.init(manualTime: false, everyFilter: false, rawBytes: false)) {
    subscriptions in
    let made = try await MotoTopic.make(subscriptions, try MotoAccount.client())
    return .init(topic: made.topic, queues: made.queues, time: .real)
  }

  @Test(arguments: suite.cases) func conforms(_ testCase: EventTopicConformance.Case) async throws {
    try await MotoAccount.turnstile.pass { try await Self.suite.run(testCase) }
  }
}
