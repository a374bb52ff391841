import FoundationEssentials
import GRDB
import SDCore

/// What one look into a queue found.
struct Received: Sendable {
  /// A message handed out.
  struct Message: Sendable {
    var receipt: String
    var id: String
    var body: [UInt8]
    var attributes: MessageAttributes
    var group: String?
    var receiveCount: Int
    var sent: Timestamp
  }

  var messages: [Message] = []
  /// When the next leased or delayed message is due; `nil` when there is none.
  var nextDue: Int64?
  /// Ids of messages that were found damaged and set aside.
  var damaged: [String] = []
}

extension Transaction {
  /// Looks at most so often for more when messages were found that are not to be handed out.
  private static let rounds = 100

  /// Leases up to `max` messages until `due`.
  ///
  /// What was received too often goes to the dead-letter queue on the way, and what is damaged goes there with its
  /// reason; neither holds back those behind it.
  mutating func receive(
    max: Int, from queue: QueueIdentity, visibility: Int64, maximumReceives: Int?, letters: QueueIdentity?, now: Int64
  ) throws -> Received {
    var received = Received()
    try promote(queue, now: now)
    // Drawn once and counted up, below the bit that would make it negative.
    var token = Int64.random(in: 1...(Int64.max / 2))
    for _ in 0..<Self.rounds {
      let wanted = max - received.messages.count
      let found = try rows(
        """
        SELECT \(StoredMessage.columns) FROM message m JOIN payload p ON p.seq = m.seq
        WHERE m.queue = ? AND m.due = 0 ORDER BY m.rank, m.seq LIMIT ?
        """, [queue.id, wanted]
      ) { StoredMessage($0) }
      var isDone = true
      for message in found {
        guard message.isWhole, message.line == message.line(in: queue),
          let attributes = AttributeCoding.decode(message.attributes)
        else {
          try setAside(message, of: queue, letters: letters, now: now)
          received.damaged.append(message.id)
          isDone = false
          continue
        }
        if let maximumReceives, let letters, message.received >= maximumReceives {
          try bury(message, of: queue, in: letters, attributes: nil, now: now)
          isDone = false
          continue
        }
        token += 1
        received.messages.append(
          try lease(message, attributes: attributes, token: token, until: now + visibility, now: now))
      }
      if isDone { break }
    }
    if received.messages.isEmpty {
      received.nextDue = try row(
        "SELECT due FROM message WHERE queue = ? AND due >= 0 AND due < ? ORDER BY due LIMIT 1",
        [queue.id, DatabaseSchema.blocked]
      ) { try $0.value(0) }
    }
    return received
  }

  /// Makes messages receivable whose lease or delay is over.
  func promote(_ queue: QueueIdentity, now: Int64) throws {
    try run(
      "UPDATE message SET due = 0, token = 0, held = 0 WHERE queue = ? AND due BETWEEN 1 AND ?", [queue.id, now])
  }

  /// Makes the indexes of messages anew from the table; a message whose due time is gone is due.
  func reindexMessages() throws {
    try run("REINDEX message_order")
    try run("REINDEX message_line")
    try run("UPDATE message SET due = 0 WHERE typeof(due) <> 'integer'")
  }

  private func lease(
    _ message: StoredMessage, attributes: MessageAttributes, token: Int64, until due: Int64, now: Int64
  ) throws -> Received.Message {
    try run(
      "UPDATE message SET due = ?, token = ?, received = received + 1, leased = ? WHERE seq = ?",
      [max(due, 1), token, now, message.seq])
    return Received.Message(
      receipt: Receipt(seq: message.seq, token: token).text, id: message.id, body: message.body, attributes: attributes,
      group: message.group, receiveCount: message.received + 1, sent: Timestamp(milliseconds: message.sent))
  }

  /// Makes a lease end at `now + visibility`, never past the longest lease; answers whether it was alive.
  mutating func extend(
    _ receipt: Receipt, of queue: QueueIdentity, visibility: Int64, longest: Int64, now: Int64
  ) throws -> Bool {
    let changed = try run(
      """
      UPDATE message SET due = max(1, min(?, leased + ?)) WHERE seq = ? AND queue = ? AND token = ? AND due > ?
      """, [now + visibility, longest, receipt.seq, queue.id, receipt.token, now])
    rung.insert(queue.id)
    return changed == 1
  }

  /// Ends a lease: the message is due after `delay`.
  ///
  /// With `uncounted` the receive is taken back as well.
  mutating func abandon(
    _ receipt: Receipt, of queue: QueueIdentity, delay: Int64, uncounted: Bool = false, now: Int64
  ) throws -> Bool {
    let due = delay > 0 ? now + delay : 0
    let changed = try run(
      """
      UPDATE message SET due = ?, held = ?, token = 0, received = received - ?
      WHERE seq = ? AND queue = ? AND token = ? AND due > ?
      """, [due, due, uncounted ? 1 : 0, receipt.seq, queue.id, receipt.token, now])
    rung.insert(queue.id)
    return changed == 1
  }

  /// Removes a leased message for good.
  mutating func complete(_ receipt: Receipt, of queue: QueueIdentity, now: Int64) throws -> Bool {
    let line: String?
    if queue.isFIFO {
      line = try row("SELECT line FROM message WHERE seq = ?", [receipt.seq]) { $0[0] as String? } ?? nil
    } else {
      line = nil
    }
    let changed = try run(
      "DELETE FROM message WHERE seq = ? AND queue = ? AND token = ? AND due > ?",
      [receipt.seq, queue.id, receipt.token, now])
    guard changed == 1 else { return false }
    try run("DELETE FROM payload WHERE seq = ?", [receipt.seq])
    try unblock(line, of: queue, now: now)
    return true
  }

  /// Moves a leased message to the dead-letter queue, with the reason among its attributes.
  mutating func deadLetter(
    _ receipt: Receipt, of queue: QueueIdentity, in letters: QueueIdentity, reason: DeadLetterReason, now: Int64
  ) throws -> Bool {
    let found = try row(
      """
      SELECT \(StoredMessage.columns) FROM message m JOIN payload p ON p.seq = m.seq
      WHERE m.seq = ? AND m.queue = ? AND m.token = ? AND m.due > ?
      """, [receipt.seq, queue.id, receipt.token, now]
    ) { StoredMessage($0) }
    guard let message = found else { return false }
    let attributes = AttributeCoding.decode(message.attributes) ?? [:]
    try bury(message, of: queue, in: letters, attributes: reason.marking(attributes, messageID: message.id), now: now)
    return true
  }

  /// Moves a damaged message out of the way, as it is and with the reason, and notes the record that waits for it.
  ///
  /// Where there is no dead-letter queue it stays in the tables, hidden.
  private mutating func setAside(
    _ message: StoredMessage, of queue: QueueIdentity, letters: QueueIdentity?, now: Int64
  ) throws {
    // Looks at every record: damage is rare, and an index on messages would cost each submission.
    try run(
      """
      INSERT INTO stranded (record) SELECT id FROM record WHERE message = ? AND state = 'queued' ON CONFLICT DO NOTHING
      """, [message.seq])
    if message.line != message.line(in: queue) { try run("REINDEX message_line") }
    let reason = DeadLetterReason(code: "corrupt", message: "the stored message is not the one that was sent")
    let attributes = reason.marking(AttributeCoding.decode(message.attributes) ?? [:], messageID: message.id)
    guard let letters else {
      try run("UPDATE message SET due = ?, line = NULL WHERE seq = ?", [DatabaseSchema.blocked, message.seq])
      return try unblock(after: message, of: queue, now: now)
    }
    try bury(message, of: queue, in: letters, attributes: attributes, now: now)
  }

  private mutating func bury(
    _ message: StoredMessage, of queue: QueueIdentity, in letters: QueueIdentity, attributes: MessageAttributes?,
    now: Int64
  ) throws {
    var ranks = Ranks(letters)
    let line = letters.isFIFO ? message.group ?? "" : nil
    let isBlocked = try line.map { try hasMessages(line: $0, of: letters) } ?? false
    try run(
      """
      UPDATE message SET queue = ?, due = ?, rank = ?, token = 0, received = 0, leased = 0, held = 0, line = ?, sent = ?
      WHERE seq = ?
      """,
      [
        letters.id, isBlocked ? DatabaseSchema.blocked : 0, try ranks.next(for: message.group, self), line,
        message.sent, message.seq,
      ])
    try ranks.save(self)
    if let attributes {
      let bytes = AttributeCoding.encode(attributes)
      let digest = StoredMessage.digest(id: message.id, group: message.group, attributes: bytes, body: message.body)
      try run("UPDATE payload SET attributes = ?, digest = ? WHERE seq = ?", [Data(bytes), digest, message.seq])
    }
    rung.insert(letters.id)
    try unblock(after: message, of: queue, now: now)
  }

  /// Lets the next message come forward of the line that a message stood in, and of the one that it should have.
  private mutating func unblock(after message: StoredMessage, of queue: QueueIdentity, now: Int64) throws {
    for line in Set([message.line, message.line(in: queue)]) { try unblock(line, of: queue, now: now) }
  }

  /// Lets the next message of a line come forward.
  private mutating func unblock(_ line: String?, of queue: QueueIdentity, now: Int64) throws {
    guard let line else { return }
    let next: (seq: Int64, held: Int64)? = try row(
      "SELECT seq, held FROM message WHERE queue = ? AND line = ? ORDER BY seq LIMIT 1", [queue.id, line]
    ) { (try $0.value(0), $0[1] ?? 0) }
    guard let next else { return }
    try run(
      "UPDATE message SET due = ? WHERE seq = ? AND due = ?",
      [next.held > now ? next.held : 0, next.seq, DatabaseSchema.blocked])
    rung.insert(queue.id)
  }
}

extension DeadLetterReason {
  /// The attributes of a letter: its own, the reason, and the id that it had.
  fileprivate func marking(_ attributes: MessageAttributes, messageID: String) -> MessageAttributes {
    attributes.merging(self.attributes.merging([Self.messageIDAttribute: .string(messageID)]) { $1 }) { $1 }
  }
}
