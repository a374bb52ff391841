import FoundationEssentials
import GRDB
public import SDCore
import Synchronization

/// A topic in the SQLite file of a state directory.
///
/// A publication lies in every queue whose filter policy matches when `publish` returns, or in none: one transaction.
/// Subscriptions lie in the file as well and hold for every process.
public final class LocalTopic: EventTopic {
  /// The topic's name in its database.
  public let name: String
  /// Bytes of body and attributes together that one publication may have.
  public let maximumBytes: Int
  /// The file that it lies in.
  public let database: LocalDatabase

  private let known = Mutex<KnownSubscriptions?>(nil)

  /// A topic of a database.
  public init(_ name: String, in database: LocalDatabase, maximumBytes: Int = 256 << 10) {
    (self.name, self.database, self.maximumBytes) = (name, database, maximumBytes)
  }

  /// The name that envelopes give.
  public var arn: String { "arn:aws:sns:local:000000000000:\(name)" }

  /// Publishes to every matching queue in one transaction and answers the publication's id.
  @discardableResult
  public func publish(_ publication: Publication) async throws -> String {
    let delivery = try Delivery(publication, on: self)
    try await database.write(.growing) { transaction in try self.deliver(delivery, &transaction) }
    return delivery.id
  }

  // MARK: Subscriptions

  /// Who listens, by queue.
  public func subscriptions() async throws -> [Subscription] {
    let name = name
    return try await database.read { db in
      try db.rows(
        "SELECT queue, scope, policy, raw FROM subscription WHERE topic = ? ORDER BY queue", [name]
      ) { row in try Subscription(stored: row) }
    }
  }

  /// Has a queue of the same database get what the subscription says, from now on.
  ///
  /// One that the queue has already is replaced.
  public func subscribe(_ subscription: Subscription) async throws {
    try await change { transaction, name in try transaction.subscribe(subscription, to: name) }
  }

  /// Ends a queue's subscription.
  public func unsubscribe(queue: String) async throws {
    try await change { transaction, name in
      try transaction.run("DELETE FROM subscription WHERE topic = ? AND queue = ?", [name, queue])
    }
  }

  /// Makes these the topic's only subscriptions, in one step.
  public func replaceSubscriptions(_ subscriptions: [Subscription]) async throws {
    try await change { transaction, name in
      try transaction.run("DELETE FROM subscription WHERE topic = ?", [name])
      for subscription in subscriptions { try transaction.subscribe(subscription, to: name) }
    }
  }

  private func change(_ body: @escaping @Sendable (Transaction, _ name: String) throws -> Void) async throws {
    let name = name
    try await database.write { transaction in
      try body(transaction, name)
      // A new name each time, so that no process takes what it knows for what is there.
      try transaction.run(
        "INSERT OR REPLACE INTO meta (name, value) VALUES ('subscriptions', ?)", [RandomName.make()])
    }
  }

  // MARK: Delivery

  /// A publication on its way: what is common to all its copies.
  struct Delivery: Sendable {
    let id = UUID().uuidString.lowercased()
    let publication: Publication
    let wrapped: [UInt8]
    let sent: Timestamp

    /// Refuses what the topic does not take.
    init(_ publication: Publication, on topic: LocalTopic) throws(SDError) {
      let size = OutgoingMessage(body: publication.body, attributes: publication.attributes).byteCount
      guard size <= topic.maximumBytes else {
        throw SDError(
          .tooLarge, "a publication on topic \(topic.name) has \(size) bytes; it takes \(topic.maximumBytes)")
      }
      guard !(publication.groupID?.utf8.contains(0) ?? false) else {
        throw SDError(.invalid, "a publication on topic \(topic.name) with a NUL in its group")
      }
      sent = topic.database.time.clocks.timestamp
      let wrapped = NotificationEnvelope.wrap(publication, messageID: id, topicARN: topic.arn, at: sent)
      guard let wrapped else { throw SDError(.invalid, "a publication on topic \(topic.name) that is not UTF-8") }
      (self.publication, self.wrapped) = (publication, wrapped)
    }
  }

  /// Puts a publication into every queue that wants it, inside a transaction of the same database.
  func deliver(_ delivery: Delivery, _ transaction: inout Transaction) throws {
    let subscribed = try current(transaction)
    let subject = FilterSubject(delivery.publication, for: subscribed.compactMap(\.subscription.filter))
    let now = database.time.now
    for (subscription, queue) in subscribed where subscription.filter?.matches(subject) ?? true {
      let message = OutgoingMessage(
        body: subscription.rawDelivery ? delivery.publication.body : delivery.wrapped,
        attributes: subscription.rawDelivery ? delivery.publication.attributes : [:],
        groupID: delivery.publication.groupID ?? (queue.isFIFO ? delivery.id : nil),
        deduplicationID: queue.isFIFO ? delivery.id : nil)
      _ = try transaction.send(NewMessage.all([message]), to: queue, now: now, sent: delivery.sent)
    }
  }

  /// The subscriptions as the transaction sees them, compiled once for as long as nobody changes any.
  private func current(_ transaction: Transaction) throws -> [(subscription: Subscription, queue: QueueIdentity)] {
    let version = try transaction.row("SELECT value FROM meta WHERE name = 'subscriptions'") {
      try $0.value(0) as String
    }
    guard let version else { return [] }
    if let known = known.withLock({ $0 }), known.version == version { return known.subscribed }
    let subscribed = try transaction.rows(
      """
      SELECT s.queue, s.scope, s.policy, s.raw, q.id, q.fifo FROM subscription s JOIN queue q ON q.name = s.queue
      WHERE s.topic = ? ORDER BY s.queue
      """, [name]
    ) { row in (subscription: try Subscription(stored: row), queue: try QueueIdentity(row, at: 4)) }
    known.withLock { $0 = KnownSubscriptions(version: version, subscribed: subscribed) }
    return subscribed
  }

  private struct KnownSubscriptions {
    var version: String
    var subscribed: [(subscription: Subscription, queue: QueueIdentity)]
  }
}

extension Subscription {
  /// A subscription from the columns queue, scope, policy, raw.
  init(stored row: Row) throws {
    let (queue, scope, policy): (String, String?, String?) = (try row.value(0), row[1], row[2])
    var filter: FilterPolicy?
    if let scope, let policy {
      do {
        guard let scope = FilterPolicy.Scope(rawValue: scope) else { throw SDError(.invalid, "scope \(scope)") }
        filter = try FilterPolicy(parsing: policy, scope: scope)
      } catch {
        throw SDError(.corrupt, "the stored filter policy of queue \(queue) makes no sense", underlying: error)
      }
    }
    self.init(queue: queue, filter: filter, rawDelivery: try row.value(3))
  }
}

extension Transaction {
  fileprivate func subscribe(_ subscription: Subscription, to topic: String) throws {
    _ = try QueueIdentity.resolve(subscription.queue, isFIFO: nil, self)
    try run(
      "INSERT OR REPLACE INTO subscription (topic, queue, scope, policy, raw) VALUES (?, ?, ?, ?, ?)",
      [
        topic, subscription.queue, subscription.filter?.scope.rawValue, subscription.filter?.source.text,
        subscription.rawDelivery,
      ])
  }
}
