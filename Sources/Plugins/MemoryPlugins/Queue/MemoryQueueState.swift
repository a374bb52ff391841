import SDCore

import struct FoundationEssentials.UUID

/// A message that a queue holds.
struct StoredMessage {
  var id: String
  var outgoing: OutgoingMessage
  var sentAt: Timestamp
  /// Orders messages of a group; given anew by the queue that takes it.
  var sequence: Int
  var receiveCount = 0
}

/// What a queue knows, and the rules by which it changes.
///
/// Time is an argument; nothing here waits.
struct MemoryQueueState {
  private struct Entry {
    var message: StoredMessage
    /// Receipts of the leases that live: one, or more after a duplicate delivery.
    var receipts: Set<String> = []
    /// Not due before this; `nil` for a message that is due or leased.
    var hiddenUntil: MonotonicInstant?
  }

  private struct LiveLease {
    var sequence: Int
    var takenAt: MonotonicInstant
    var deadline: MonotonicInstant
  }

  /// Something that happens by itself: a lease runs out, or a message becomes due.
  private struct Event: Comparable {
    enum What: Hashable { case expiry(receipt: String), due(sequence: Int) }
    var at: MonotonicInstant
    var what: What
    static func < (a: Event, b: Event) -> Bool { a.at < b.at }
    static func == (a: Event, b: Event) -> Bool { a.at == b.at && a.what == b.what }
  }

  private let isFIFO: Bool
  private let maximumLease: Duration
  private var entries: [Int: Entry] = [:]
  private var sequences: [String: Int] = [:]
  private var leases: [String: LiveLease] = [:]
  private var events = Heap<Event>()
  private var ready: GroupRotation
  private var seen = DeduplicationWindow()
  private var lastSequence = 0
  private var lastReceipt = 0

  init(isFIFO: Bool, maximumLease: Duration) {
    (self.isFIFO, self.maximumLease) = (isFIFO, maximumLease)
    ready = GroupRotation(oneAtATime: isFIFO)
  }

  // MARK: Sending

  /// Takes a message and answers its id; that of the first for a repeat.
  mutating func add(_ outgoing: OutgoingMessage, at now: MonotonicInstant, sentAt: Timestamp) -> String {
    if let id = outgoing.deduplicationID.flatMap({ seen.id(of: $0, at: now) }) { return id }
    let message = StoredMessage(id: newID(), outgoing: outgoing, sentAt: sentAt, sequence: 0)
    if let deduplicationID = outgoing.deduplicationID { seen.note(deduplicationID, message.id, at: now) }
    insert(message, dueAt: outgoing.delay > .zero ? now.advanced(by: outgoing.delay) : nil)
    return message.id
  }

  /// Takes over a message that another queue gave up, id and all; its receives are counted anew.
  mutating func adopt(_ message: StoredMessage) {
    var message = message
    message.receiveCount = 0
    insert(message, dueAt: nil)
  }

  private mutating func insert(_ message: StoredMessage, dueAt: MonotonicInstant?) {
    lastSequence += 1
    var message = message
    message.sequence = lastSequence
    entries[lastSequence] = Entry(message: message, hiddenUntil: dueAt)
    sequences[message.id] = lastSequence
    if let dueAt {
      events.push(Event(at: dueAt, what: .due(sequence: lastSequence)))
    } else {
      ready.insert(lastSequence, group: message.outgoing.groupID)
    }
  }

  // MARK: Time

  /// When something may happen by itself, the earliest such time.
  var nextEvent: MonotonicInstant? { events.first?.at }

  /// Lets happen what has happened by now.
  mutating func advance(to now: MonotonicInstant) {
    while let event = events.first, event.at <= now {
      events.removeFirst()
      switch event.what {
      case .due(let sequence):
        guard let entry = entries[sequence], let until = entry.hiddenUntil, until <= now else { continue }
        becomeDue(sequence)
      case .expiry(let receipt):
        guard let lease = leases[receipt], lease.deadline <= now else { continue }
        endLease(receipt)
        if let entry = entries[lease.sequence], entry.receipts.isEmpty { becomeDue(lease.sequence) }
      }
    }
  }

  private mutating func becomeDue(_ sequence: Int) {
    guard let group = entries[sequence]?.message.outgoing.groupID else {
      entries[sequence]?.hiddenUntil = nil
      return ready.insert(sequence, group: nil)
    }
    entries[sequence]?.hiddenUntil = nil
    ready.release(group)
    ready.insert(sequence, group: group)
  }

  // MARK: Receiving

  /// Leases up to `count` messages that are due; also answers those past their receives, which are gone from here.
  mutating func take(
    _ count: Int, visibility: Duration, maximumReceives: Int, at now: MonotonicInstant
  ) -> (leases: [Lease], exhausted: [StoredMessage]) {
    var (taken, exhausted): ([Lease], [StoredMessage]) = ([], [])
    while taken.count < count, let sequence = ready.next() {
      guard let message = entries[sequence]?.message else { continue }
      if message.receiveCount >= maximumReceives {
        exhausted.append(message)
        forget(sequence)
      } else {
        taken.append(lease(sequence, visibility: visibility, at: now))
      }
    }
    return (taken, exhausted)
  }

  private mutating func lease(_ sequence: Int, visibility: Duration, at now: MonotonicInstant) -> Lease {
    lastReceipt += 1
    let receipt = "\(sequence).\(lastReceipt)"
    let deadline = now.advanced(by: visibility)
    entries[sequence]?.receipts.insert(receipt)
    entries[sequence]?.message.receiveCount += 1
    leases[receipt] = LiveLease(sequence: sequence, takenAt: now, deadline: deadline)
    events.push(Event(at: deadline, what: .expiry(receipt: receipt)))
    let message = entries[sequence]?.message
    return Lease(
      receipt: receipt, messageID: message?.id ?? "", body: message?.outgoing.body ?? [],
      attributes: message?.outgoing.attributes ?? [:], groupID: message?.outgoing.groupID,
      receiveCount: message?.receiveCount ?? 0, sentAt: message?.sentAt, deadline: deadline)
  }

  /// Makes a message due although it is leased.
  mutating func duplicate(_ messageID: String) {
    guard let sequence = sequences[messageID], let entry = entries[sequence], !entry.receipts.isEmpty else { return }
    if let group = entry.message.outgoing.groupID { ready.release(group) }
    ready.insert(sequence, group: entry.message.outgoing.groupID)
  }

  // MARK: Ends

  /// Makes a lease run until `visibility` from now, as far as the limit allows.
  mutating func extend(_ receipt: String, by visibility: Duration, at now: MonotonicInstant) -> Bool {
    guard let lease = leases[receipt] else { return false }
    let deadline = min(now.advanced(by: visibility), lease.takenAt.advanced(by: maximumLease))
    leases[receipt]?.deadline = deadline
    events.push(Event(at: deadline, what: .expiry(receipt: receipt)))
    return true
  }

  /// Removes the message of a lease for good, and answers it.
  mutating func remove(_ receipt: String) -> StoredMessage? {
    guard let sequence = leases[receipt]?.sequence, let message = entries[sequence]?.message else { return nil }
    forget(sequence)
    return message
  }

  /// Ends a lease; its message is due after a delay, unless somebody holds a duplicate.
  mutating func giveBack(_ receipt: String, after delay: Duration, at now: MonotonicInstant) -> Bool {
    guard let sequence = leases[receipt]?.sequence else { return false }
    endLease(receipt)
    guard let entry = entries[sequence], entry.receipts.isEmpty else { return true }
    if delay > .zero {
      // The group stays blocked: nothing may overtake its head.
      let due = now.advanced(by: delay)
      entries[sequence]?.hiddenUntil = due
      events.push(Event(at: due, what: .due(sequence: sequence)))
    } else {
      becomeDue(sequence)
    }
    return true
  }

  private mutating func endLease(_ receipt: String) {
    guard let lease = leases.removeValue(forKey: receipt) else { return }
    entries[lease.sequence]?.receipts.remove(receipt)
  }

  private mutating func forget(_ sequence: Int) {
    guard let entry = entries.removeValue(forKey: sequence) else { return }
    for receipt in entry.receipts { leases[receipt] = nil }
    sequences[entry.message.id] = nil
    ready.remove(sequence, group: entry.message.outgoing.groupID)
    if let group = entry.message.outgoing.groupID { ready.release(group) }
  }

  // MARK: Operating

  /// All messages in the order in which they came, leased and delayed ones too.
  var messages: [QueuedMessage] {
    entries.sorted { $0.key < $1.key }.map { _, entry in
      let outgoing = entry.message.outgoing
      return QueuedMessage(
        id: entry.message.id, body: outgoing.body, attributes: outgoing.attributes, groupID: outgoing.groupID,
        receiveCount: entry.message.receiveCount, sentAt: entry.message.sentAt,
        standing: !entry.receipts.isEmpty ? .inFlight : entry.hiddenUntil != nil ? .delayed : .waiting)
    }
  }

  /// Removes every message, and answers how many there were.
  mutating func removeAll() -> Int {
    let all = Array(entries.keys)
    for sequence in all { forget(sequence) }
    return all.count
  }

  // MARK: Counting

  func stats(at now: Timestamp) -> QueueStats {
    var stats = QueueStats(waiting: 0, inFlight: 0, delayed: 0)
    var oldest: Timestamp?
    for entry in entries.values {
      if !entry.receipts.isEmpty {
        stats.inFlight += 1
      } else if entry.hiddenUntil != nil {
        stats.delayed += 1
      } else {
        stats.waiting += 1
        oldest = min(oldest ?? entry.message.sentAt, entry.message.sentAt)
      }
    }
    stats.oldestAge = oldest.map { max(0, (now - $0).seconds) }
    return stats
  }
}

private func newID() -> String { UUID().uuidString.lowercased() }
