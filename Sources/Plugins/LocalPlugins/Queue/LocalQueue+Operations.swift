import GRDB
public import SDCore

extension LocalQueue: OperableQueue {
  /// A look reads the tables: nothing is received, and nothing is hidden from it.
  public var operations: QueueOperations { [] }

  /// Whether somebody has used the queue before.
  public func exists() async throws -> Bool {
    let name = name
    return try await database.read { db in
      try db.rows("SELECT 1 FROM queue WHERE name = ?", [name]) { _ in true }.first ?? false
    }
  }

  /// Messages in the order in which they are due; damaged ones are left out.
  public func peek(max: Int) async throws -> [QueuedMessage] {
    let (name, now) = (name, database.time.now)
    return try await database.read { db in
      // Leased and delayed messages come after those that are due, those behind another one of their group last.
      try db.rows(
        """
        SELECT \(StoredMessage.columns), m.due, m.token FROM message m JOIN payload p ON p.seq = m.seq
        WHERE m.queue = (SELECT id FROM queue WHERE name = ?)
          AND NOT (m.due = \(DatabaseSchema.blocked) AND m.line IS NULL)
        ORDER BY m.due > ?, m.rank, m.seq LIMIT ?
        """, [name, now, max]
      ) { QueuedMessage(StoredMessage($0), due: $0[9], token: $0[10], now: now) }
    }.compactMap(\.self)
  }

  /// Removes all messages in one step; whoever holds one finds its lease lost.
  public func purge() async throws -> Int? {
    guard try await exists() else { return 0 }
    let queue = try await database.queue(name)
    return try await database.write { transaction in
      try transaction.run(
        "DELETE FROM payload WHERE seq IN (SELECT seq FROM message WHERE queue = ?)", [queue.id])
      return try transaction.run("DELETE FROM message WHERE queue = ?", [queue.id])
    }
  }

  /// The queue beside it that takes its letters; it moves none of its own.
  public func deadLetterQueue() async throws -> (any OperableQueue)? {
    guard let letters = settings.deadLetterQueue else { return nil }
    return LocalQueue(letters, in: database, settings: Settings(visibility: settings.visibility))
  }
}

extension QueuedMessage {
  /// `nil` for a message that is not the one that was sent.
  fileprivate init?(_ stored: StoredMessage, due: Int64?, token: Int64?, now: Int64) {
    guard stored.isWhole, let due, let token, let attributes = AttributeCoding.decode(stored.attributes) else {
      return nil
    }
    let standing: Standing =
      due <= now || due == DatabaseSchema.blocked ? .waiting : token != 0 ? .inFlight : .delayed
    self.init(
      id: stored.id, body: stored.body, attributes: attributes, groupID: stored.group, receiveCount: stored.received,
      sentAt: Timestamp(milliseconds: stored.sent), standing: standing)
  }
}
