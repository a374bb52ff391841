import FoundationEssentials
public import SDCore
import Synchronization

/// A topic in memory: each publication is in every matching queue of its system when `publish` returns.
public final class MemoryTopic: EventTopic {
  public let name: String
  public let maximumBytes: Int
  private let queues: MemoryQueues
  private let subscribed = Mutex<[Subscription]>([])

  init(name: String, queues: MemoryQueues, maximumBytes: Int = 256 << 10) {
    (self.name, self.queues, self.maximumBytes) = (name, queues, maximumBytes)
  }

  /// The name that envelopes give.
  public var arn: String { "arn:aws:sns:local:000000000000:\(name)" }

  /// Who listens.
  public var subscriptions: [Subscription] { subscribed.withLock { $0 } }

  /// Has a queue of the system get what the subscription says, from now on; one that the queue has already is replaced.
  public func subscribe(_ subscription: Subscription) {
    subscribed.withLock { subscribed in
      subscribed.removeAll { $0.queue == subscription.queue }
      subscribed.append(subscription)
    }
  }

  /// Ends a queue's subscription.
  public func unsubscribe(queue: String) { subscribed.withLock { $0.removeAll { $0.queue == queue } } }

  @discardableResult
  public func publish(_ publication: Publication) async throws -> String { try deliver(publication) }

  /// Whether it serves the same system as a ledger, so that a step of the ledger can carry its publications.
  func serves(_ queues: MemoryQueues) -> Bool { self.queues === queues }

  /// Hands a publication to every queue that wants it.
  ///
  /// Nothing is delivered when it throws.
  func deliver(_ publication: Publication) throws(SDError) -> String {
    let size = OutgoingMessage(body: publication.body, attributes: publication.attributes).byteCount
    guard size <= maximumBytes else {
      throw SDError(.tooLarge, "a publication on topic \(name) has \(size) bytes; it takes \(maximumBytes)")
    }
    let id = UUID().uuidString.lowercased()
    let wrapped = NotificationEnvelope.wrap(publication, messageID: id, topicARN: arn, at: queues.clocks.timestamp)
    guard let wrapped else { throw SDError(.invalid, "a publication on topic \(name) that is not UTF-8") }
    let subscriptions = self.subscriptions
    let subject = FilterSubject(publication, for: subscriptions.compactMap(\.filter))
    for subscription in subscriptions where subscription.filter?.matches(subject) ?? true {
      let queue = queues.queue(subscription.queue) { .init() }
      let isFIFO = queue.configuration.kind == .fifo
      queue.deliver(
        OutgoingMessage(
          body: subscription.rawDelivery ? publication.body : wrapped,
          attributes: subscription.rawDelivery ? publication.attributes : [:],
          groupID: publication.groupID ?? (isFIFO ? id : nil), deduplicationID: isFIFO ? id : nil))
    }
    return id
  }
}
