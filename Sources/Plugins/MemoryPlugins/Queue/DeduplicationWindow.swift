import SDCore

/// The deduplication ids of the last five minutes, and the messages that they came with.
struct DeduplicationWindow {
  private static let length = Duration.seconds(300)
  private var seen: [String: (message: String, at: MonotonicInstant)] = [:]
  private var order = RingBuffer<(id: String, at: MonotonicInstant)>()
  private var oldest: (id: String, at: MonotonicInstant)?

  /// The message that an id came with, if that was less than five minutes ago.
  mutating func id(of deduplicationID: String, at now: MonotonicInstant) -> String? {
    forget(before: now)
    return seen[deduplicationID]?.message
  }

  mutating func note(_ deduplicationID: String, _ message: String, at now: MonotonicInstant) {
    seen[deduplicationID] = (message, now)
    order.append((deduplicationID, now))
  }

  private mutating func forget(before now: MonotonicInstant) {
    while true {
      if oldest == nil { oldest = order.popFirst() }
      guard let old = oldest, old.at.duration(to: now) >= Self.length else { return }
      if seen[old.id]?.at == old.at { seen[old.id] = nil }
      oldest = nil
    }
  }
}
