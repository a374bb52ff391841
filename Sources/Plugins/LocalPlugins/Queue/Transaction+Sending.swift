import FoundationEssentials
import GRDB
import SDCore

/// What messages are called: as SQS does, a version 4 UUID (RFC 9562) in lower case.
enum MessageID {
  static func text(_ bits: UInt128) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(36)
    for position in 0..<32 {
      if [8, 12, 16, 20].contains(position) { text.append(UInt8(ascii: "-")) }
      let digit = Int(truncatingIfNeeded: bits >> UInt128(124 - 4 * position)) & 15
      text.append(digits[position == 12 ? 4 : position == 16 ? digit & 3 | 8 : digit])
    }
    return String(decoding: text, as: UTF8.self)
  }
}

/// What is needed of a message to store it.
///
/// A queue makes them before the write, which all others of the process wait for.
struct NewMessage: Sendable {
  let id: String
  let body: Data
  let attributes: Data
  let digest: Data
  let group: String?
  let deduplicationID: String?
  let delay: Duration

  private init(_ message: OutgoingMessage, id: String) {
    self.id = id
    let encoded = AttributeCoding.encode(message.attributes)
    (body, attributes) = (Data(message.body), Data(encoded))
    digest = StoredMessage.digest(id: id, group: message.groupID, attributes: encoded, body: message.body)
    (group, deduplicationID, delay) = (message.groupID, message.deduplicationID, message.delay)
  }

  /// New messages, each with an id.
  static func all(_ messages: [OutgoingMessage]) -> [NewMessage] {
    // One draw of random bits for all of them, counted up: drawing costs more than the rest of an id.
    var bits = UInt128.random(in: .min ... .max)
    return messages.map { message in
      bits &+= 1
      return NewMessage(message, id: MessageID.text(bits))
    }
  }
}

extension Transaction {
  /// How long a deduplication id is remembered, in milliseconds.
  private static let memory: Int64 = 5 * 60 * 1000

  /// Stores messages; answers their ids, for one that was sent before the id that it got then.
  mutating func send(
    _ messages: [NewMessage], to queue: QueueIdentity, now: Int64, sent: Timestamp
  ) throws -> [String] {
    var ranks = Ranks(queue)
    let ids = try messages.map { try send($0, to: queue, ranks: &ranks, now: now, sent: sent) }
    try ranks.save(self)
    rung.insert(queue.id)
    return ids
  }

  private mutating func send(
    _ message: NewMessage, to queue: QueueIdentity, ranks: inout Ranks, now: Int64, sent: Timestamp
  ) throws -> String {
    if let deduplicationID = message.deduplicationID {
      if let earlier = try remember(deduplicationID, of: queue, message: message.id, now: now) { return earlier }
    }
    let heldUntil = message.delay > .zero ? now + message.delay.milliseconds : 0
    let line = queue.isFIFO ? message.group ?? "" : nil
    let isBlocked = try line.map { try hasMessages(line: $0, of: queue) } ?? false
    try run(
      "INSERT INTO message (queue, due, rank, sent, held, line) VALUES (?, ?, ?, ?, ?, ?)",
      [
        queue.id, isBlocked ? DatabaseSchema.blocked : heldUntil, try ranks.next(for: message.group, self),
        sent.milliseconds, heldUntil, line,
      ])
    let sequence = db.lastInsertedRowID
    try run(
      "INSERT INTO payload (seq, id, grp, attributes, digest, body) VALUES (?, ?, ?, ?, ?, ?)",
      [sequence, message.id, message.group, message.attributes, message.digest, message.body])
    lastSent = sequence
    return message.id
  }

  /// Remembers a deduplication id; answers the id of the message that brought it before, if one did.
  private func remember(_ id: String, of queue: QueueIdentity, message: String, now: Int64) throws -> String? {
    try run("DELETE FROM seen WHERE queue = ? AND at <= ?", [queue.id, now - Self.memory])
    try run(
      "INSERT INTO seen (queue, id, message, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
      [queue.id, id, message, now])
    guard db.changesCount == 0 else { return nil }
    return try row("SELECT message FROM seen WHERE queue = ? AND id = ?", [queue.id, id]) { try $0.value(0) }
  }

  func hasMessages(line: String, of queue: QueueIdentity) throws -> Bool {
    try row("SELECT 1 FROM message WHERE queue = ? AND line = ? LIMIT 1", [queue.id, line]) { _ in true } ?? false
  }
}

/// Places in the order of a queue that is fair to its tenants (start-time fair queueing).
///
/// Each message of a tenant takes the place after its last one, but none before the place that is being served now. So
/// the ten thousandth message of a busy tenant waits behind the first one of a quiet one, and the order is still one
/// index. Messages without a group share one tenant. In a FIFO queue the order is that of sending.
struct Ranks {
  private let queue: QueueIdentity
  private var floor: Int64?
  private var highest: Int64 = 0
  private var last: [String: Int64] = [:]

  init(_ queue: QueueIdentity) { self.queue = queue }

  mutating func next(for tenant: String?, _ transaction: Transaction) throws -> Int64 {
    if queue.isFIFO { return 0 }
    let tenant = tenant ?? ""
    let floor = try self.floor ?? served(transaction)
    let known = try last[tenant] ?? stored(tenant, transaction)
    let rank = max(floor, (known ?? -1) + 1)
    last[tenant] = rank
    highest = max(highest, rank)
    return rank
  }

  /// The place being served: that of the first message to be handed out, else past every one there was.
  private mutating func served(_ transaction: Transaction) throws -> Int64 {
    highest = try transaction.row("SELECT rank FROM queue WHERE id = ?", [queue.id]) { $0[0] ?? 0 } ?? 0
    let first: Int64? = try transaction.row(
      "SELECT rank FROM message WHERE queue = ? AND due = 0 ORDER BY rank LIMIT 1", [queue.id]
    ) { $0[0] ?? 0 }
    let served = first ?? highest
    floor = served
    return served
  }

  private func stored(_ tenant: String, _ transaction: Transaction) throws -> Int64? {
    try transaction.row("SELECT rank FROM tenant WHERE queue = ? AND name = ?", [queue.id, tenant]) { $0[0] ?? 0 }
  }

  /// Writes down where tenants stand, and forgets those whose last message has long been served.
  func save(_ transaction: Transaction) throws {
    guard !last.isEmpty, let floor else { return }
    try transaction.run("UPDATE queue SET rank = ? WHERE id = ?", [highest, queue.id])
    for (tenant, rank) in last {
      try transaction.run(
        "INSERT INTO tenant (queue, name, rank) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET rank = excluded.rank",
        [queue.id, tenant, rank])
    }
    // Now and then, since it looks at every tenant.
    if highest % 1024 == 0 {
      try transaction.run("DELETE FROM tenant WHERE queue = ? AND rank < ?", [queue.id, floor])
    }
  }
}
