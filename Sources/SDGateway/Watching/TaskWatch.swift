package import SDCore
import Synchronization

/// Watches tasks for everybody who waits for them: one watcher a run, however many look on.
///
/// The ledger is read by condition, every quarter of a second at first and every two seconds later on. While somebody
/// looks on the worker is told so, that it may note progress.
package final class TaskWatch: Sendable {
  /// How a run stands.
  package struct Snapshot: Sendable, Hashable {
    package var entry: LedgerEntry
    package var progress: TaskProgress?
  }

  private struct Watched {
    var followers: [Int: AsyncStream<Snapshot>.Continuation] = [:]
    var last: Snapshot?
  }

  private struct State {
    var watched: [RunKey: Watched] = [:]
    var lastID = 0
    var followers = 0
    var isStopped = false
  }

  private let ledger: any TaskLedger
  private let clocks: Clocks
  private let limit: Int
  private let state = Mutex(State())
  private let wanted: AsyncStream<RunKey>
  private let want: AsyncStream<RunKey>.Continuation

  private static let shortest: Duration = .milliseconds(250)
  private static let longest: Duration = .seconds(2)
  /// How long a follower hears nothing at most, so that broken connections are noticed.
  private static let beat: Duration = .seconds(15)
  private static let markLasts: Duration = .seconds(15)
  private static let failures = 15

  /// - Parameter limit: how many may look on at the same time.
  package init(ledger: any TaskLedger, clocks: Clocks, limit: Int = 2000) {
    (self.ledger, self.clocks, self.limit) = (ledger, clocks, limit)
    (wanted, want) = AsyncStream.makeStream()
  }

  /// Watches until stopped or cancelled.
  ///
  /// Nobody is told anything while this does not run.
  package func run() async {
    await withDiscardingTaskGroup { group in
      for await key in wanted { group.addTask { await self.watch(key) } }
      group.cancelAll()
    }
    stop()
  }

  /// Ends every look at a task, for good.
  package func stop() {
    want.finish()
    let followers = state.withLock { state in
      state.isStopped = true
      let followers = state.watched.values.flatMap(\.followers.values)
      state.watched = [:]
      return followers
    }
    for follower in followers { follower.finish() }
  }

  /// How a run stands, now and whenever it changes; the newest alone is kept for who is slow.
  ///
  /// Ends after the run has ended, or when it cannot be watched any longer.
  package func follow(_ key: RunKey) throws(SDError) -> AsyncStream<Snapshot> {
    let (stream, continuation) = AsyncStream.makeStream(of: Snapshot.self, bufferingPolicy: .bufferingNewest(1))
    enum Verdict { case refused(SDError), joined(Snapshot?), first }
    let (id, verdict): (Int, Verdict) = state.withLock { state in
      state.lastID += 1
      let id = state.lastID
      if state.isStopped { return (id, .refused(SDError(.unavailable, "watching a task while the server stops"))) }
      guard state.followers < limit else {
        return (id, .refused(SDError(.unavailable, "watching one more task than \(limit)")))
      }
      state.followers += 1
      let isFirst = state.watched[key] == nil
      state.watched[key, default: Watched()].followers[id] = continuation
      return (id, isFirst ? .first : .joined(state.watched[key]?.last))
    }
    switch verdict {
    case .refused(let error): throw error
    case .first: want.yield(key)
    case .joined(let last): if let last { continuation.yield(last) }
    }
    continuation.onTermination = { [weak self] _ in self?.leave(key, id) }
    return stream
  }

  /// Waits for the end of a run; answers how it stands when that or the limit is reached.
  package func end(of key: RunKey, within limit: Duration) async throws(SDError) -> LedgerEntry? {
    let updates = try follow(key)
    return await withTaskGroup(of: LedgerEntry?.self) { group in
      group.addTask {
        var last: LedgerEntry?
        for await snapshot in updates { last = snapshot.entry }
        return last
      }
      group.addTask {
        try? await self.clocks.sleep(for: limit)
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
  }

  /// Whether looks have been ended for good.
  var isStopped: Bool { state.withLock { $0.isStopped } }
  /// How many runs are being watched.
  var watched: Int { state.withLock { $0.watched.count } }

  private func leave(_ key: RunKey, _ id: Int) {
    state.withLock { state in
      state.followers -= 1
      _ = state.watched[key]?.followers.removeValue(forKey: id)
    }
  }

  /// Whether anybody still looks on; if not, the run is watched no more.
  private func isFollowed(_ key: RunKey) -> Bool {
    state.withLock { state in
      guard state.watched[key]?.followers.isEmpty == false else {
        state.watched[key] = nil
        return false
      }
      return true
    }
  }

  private func tell(_ key: RunKey, _ snapshot: Snapshot) {
    let followers = state.withLock { state in
      state.watched[key]?.last = snapshot
      return state.watched[key].map { Array($0.followers.values) } ?? []
    }
    for follower in followers { follower.yield(snapshot) }
  }

  private func close(_ key: RunKey) {
    let watched = state.withLock { $0.watched.removeValue(forKey: key) }
    for follower in watched?.followers.values ?? [:].values { follower.finish() }
  }

  private func watch(_ key: RunKey) async {
    var last: Snapshot?
    var pause = Self.shortest
    var told = clocks.instant
    var marked: MonotonicInstant?
    var failures = 0
    while !Task.isCancelled, isFollowed(key) {
      do {
        if marked.map({ $0.duration(to: clocks.instant) >= Self.markLasts / 2 }) ?? true {
          try await ledger.watch(key, for: Self.markLasts)
          marked = clocks.instant
        }
        guard let next = try await look(key, last) else { return close(key) }
        failures = 0
        let isNews = next != last
        pause = isNews ? Self.shortest : min(pause * 3 / 2, Self.longest)
        last = next
        if isNews || told.duration(to: clocks.instant) >= Self.beat {
          tell(key, next)
          told = clocks.instant
        }
        if next.entry.record.state(at: clocks.timestamp).isTerminal { return close(key) }
      } catch {
        failures += 1
        pause = Self.longest
        if failures == Self.failures { return close(key) }
      }
      try? await clocks.sleep(for: pause)
    }
    close(key)
  }

  private func look(_ key: RunKey, _ last: Snapshot?) async throws -> Snapshot? {
    var next: Snapshot
    switch try await ledger.read(key, unlessAt: last?.entry.revision) {
    case .absent: return nil
    case .entry(let entry): next = Snapshot(entry: entry)
    case .unchanged:
      guard let last else { return nil }
      next = last
    }
    next.progress = next.entry.record.state == .running ? try await ledger.progress(of: key) : nil
    return next
  }
}
