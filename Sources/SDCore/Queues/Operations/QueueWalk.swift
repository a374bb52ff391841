/// Goes through a queue once, each message leased for as long as the walk takes.
///
/// What is not ended on the way is given back at the end, also when the walk fails; when the process dies, the leases
/// run out by themselves.
struct QueueWalk: Sendable {
  /// What came of looking at the leases of one receive.
  struct Visit {
    /// Those that are to be given back; the others were ended.
    var kept: [Lease]
    /// Whether enough was seen.
    var isLast = false
  }

  /// How long a lease of a walk runs: when the walk dies, others see the messages that much later.
  static let visibility = Duration.seconds(20)
  /// A walk that takes longer ends where it is.
  static let longest = Duration.seconds(600)

  private let queue: any MessageQueue
  private let clocks: Clocks
  private let wait: Duration

  /// A walk through a queue; without a wait some services answer nothing now and then although they have something.
  init(_ queue: any MessageQueue, clocks: Clocks, wait: Duration = .seconds(1)) {
    (self.queue, self.clocks, self.wait) = (queue, clocks, wait)
  }

  /// Walks past up to `max` messages; `visit` sees each once. Answers whether it came to the queue's end.
  @discardableResult
  func go(max: Int, visit: ([Lease]) async throws -> Visit) async throws -> Bool {
    var kept: [Lease] = []
    let isWhole: Bool
    do { isWhole = try await walk(max: max, &kept, visit) } catch {
      try? await giveBack(kept)
      throw error
    }
    try await giveBack(kept)
    return isWhole
  }

  private func walk(max: Int, _ kept: inout [Lease], _ visit: ([Lease]) async throws -> Visit) async throws -> Bool {
    let end = clocks.instant.advanced(by: Self.longest)
    var renewedAt = clocks.instant
    var seen: Set<String> = []
    while seen.count < max, clocks.instant < end {
      let leases = try await queue.receive(
        max: min(queue.capabilities.maximumBatch, max - seen.count), wait: wait, visibility: Self.visibility)
      let before = kept.count
      kept += leases
      let new = leases.filter { seen.insert($0.messageID).inserted }
      // What comes a second time is all that is left.
      guard !new.isEmpty else { return true }
      let visit = try await visit(new)
      kept.replaceSubrange(before..., with: visit.kept + leases.filter { lease in !new.contains(lease) })
      // Only receipts are needed from here on, and bodies are large.
      for index in before..<kept.count { (kept[index].body, kept[index].attributes) = ([], [:]) }
      if visit.isLast { return false }
      if renewedAt.duration(to: clocks.instant) > Self.visibility / 3 {
        try await inBatches(kept) { _ = try await queue.extend($0, visibility: Self.visibility) }
        renewedAt = clocks.instant
      }
    }
    return false
  }

  private func giveBack(_ leases: [Lease]) async throws {
    try await inBatches(leases) { _ = try await queue.abandon($0, after: .zero) }
  }

  private func inBatches(_ leases: [Lease], _ body: ([Lease]) async throws -> Void) async throws {
    var rest = leases[...]
    while !rest.isEmpty {
      try await body(Array(rest.prefix(queue.capabilities.maximumBatch)))
      rest = rest.dropFirst(queue.capabilities.maximumBatch)
    }
  }
}
