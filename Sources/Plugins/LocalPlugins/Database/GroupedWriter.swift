import GRDB
import SDCore
import Synchronization

/// Gathers the writes of one process into transactions, since a durable commit costs as much as the disk takes to sync,
/// however much is in it.
///
/// Writes that wait together share one transaction, each in a savepoint of its own, so that what one throws undoes that
/// one alone. Lazy writes (receives, extends) go first and are not synced: they never wait for a disk.
final class GroupedWriter: Sendable {
  private struct State {
    var lazy: [any WriteJob] = []
    var durable: [any WriteJob] = []
    var isRunning = false
    var isGathering = false
  }

  /// Most writes of one transaction.
  private static let largestGroup = 256

  private let connection: DatabaseQueue
  private let isDurable: Bool
  private let path: String
  private let reserve: DiskReserve
  private let bells: Doorbells
  private let rivals: RivalWatch
  private let state = Mutex(State())
  private let arrival = MonotonicSemaphore()
  private let tuning = Mutex(GatherTuning())
  /// How the connection was opened.
  private let isSynced = Atomic(true)

  init(_ connection: DatabaseQueue, isDurable: Bool, reserve: DiskReserve, bells: Doorbells, rivals: RivalWatch) {
    (self.connection, self.isDurable, self.reserve) = (connection, isDurable, reserve)
    (self.bells, self.rivals) = (bells, rivals)
    path = connection.path
  }

  /// Runs a write in some transaction and answers when it stands.
  func perform<T: Sendable>(
    _ kind: WriteKind, _ body: @escaping @Sendable (inout Transaction) throws -> T
  ) async throws -> T {
    guard kind.contains(.cancellable) else {
      return try await withCheckedThrowingContinuation { continuation in
        enqueue(CallerJob(kind, body, cancellation: nil, continuation: continuation))
      }
    }
    let cancellation = CallerJob<T>.Cancellation()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        enqueue(CallerJob(kind, body, cancellation: cancellation, continuation: continuation))
      }
    } onCancel: {
      cancellation.isSet.store(true, ordering: .relaxed)
    }
  }

  private func enqueue(_ job: any WriteJob) {
    let (starts, signals) = state.withLock { state in
      // Where nothing is synced all writes are alike, and fewer transactions are better.
      if job.kind.contains(.lazy) && isDurable { state.lazy.append(job) } else { state.durable.append(job) }
      defer { state.isRunning = true }
      return (!state.isRunning, state.isGathering)
    }
    if starts { connection.asyncWriteWithoutTransaction { self.drain($0) } }
    if signals { arrival.signal() }
  }

  // Everything below runs on the connection's queue.

  private func drain(_ db: Database) {
    while true {
      let lazy = take(\.lazy)
      if !lazy.isEmpty {
        commit(lazy, synced: false, db)
        continue
      }
      guard state.withLock({ !$0.durable.isEmpty }) else {
        let isOver = state.withLock { state in
          if state.lazy.isEmpty && state.durable.isEmpty { state.isRunning = false }
          return !state.isRunning
        }
        if isOver { return }
        continue
      }
      // A sync is what gathering saves.
      if isDurable { gather(db) }
      let jobs = take(\.durable)
      let start = ContinuousClock.now
      commit(jobs, synced: isDurable, db)
      tuning.withLock { $0.committed(jobs.count, in: start.duration(to: .now)) }
    }
  }

  private func take(_ jobs: WritableKeyPath<State, [any WriteJob]>) -> [any WriteJob] {
    state.withLock { state in
      let taken = Array(state[keyPath: jobs].prefix(Self.largestGroup))
      state[keyPath: jobs].removeFirst(taken.count)
      return taken
    }
  }

  /// Waits a little for those whose last write was just answered: they are likely to come back, and the sync that is to
  /// follow costs many times this wait.
  ///
  /// Lazy writes are served meanwhile.
  private func gather(_ db: Database) {
    let (expected, patience) = tuning.withLock {
      ($0.expected(waiting: state.withLock { $0.durable.count }), $0.patience)
    }
    guard expected > 0, patience > .zero else { return }
    let end = ContinuousClock.now + patience
    while true {
      let (count, lazy) = state.withLock { state in
        state.isGathering = true
        return (state.durable.count, !state.lazy.isEmpty)
      }
      if lazy {
        commit(take(\.lazy), synced: false, db)
        continue
      }
      let left = ContinuousClock.now.duration(to: end)
      if count >= expected || left <= .zero { break }
      _ = arrival.wait(atMost: left)
    }
    let count = state.withLock { state in
      state.isGathering = false
      return state.durable.count
    }
    // Signals of arrivals that were seen without waiting are used up, lest the next gathering takes them for its own.
    while arrival.wait(atMost: .zero) {}
    tuning.withLock { $0.gathered(count, of: expected) }
  }

  private func commit(_ jobs: [any WriteJob], synced: Bool, _ db: Database) {
    let wanted = admitted(jobs, db)
    guard !wanted.isEmpty else { return }
    do {
      try transact(wanted, synced: synced, db)
    } catch {
      if db.isInsideTransaction { try? db.rollback() }
      if isBusy(error) || (wanted.count == 1 && !isWriteFailure(error)) { return fail(wanted, error) }
      commitOneByOne(wanted, synced: synced, db)
    }
  }

  private func fail(_ jobs: some Collection<any WriteJob>, _ error: any Error) {
    for job in jobs { job.fail(failure(error)) }
  }

  /// What was refused together: the smaller ones may go through.
  ///
  /// Ends with the first that another process keeps waiting: each would wait as long, and so would those behind them.
  private func commitOneByOne(_ jobs: [any WriteJob], synced: Bool, _ db: Database) {
    var copiesBack = true
    for (index, job) in jobs.enumerated() {
      do {
        try commitAlone(job, synced: synced, copiesBack: &copiesBack, db)
      } catch {
        return fail(jobs[index...], error)
      }
    }
  }

  /// Those that are still wanted and for which there is space.
  private func admitted(_ jobs: [any WriteJob], _ db: Database) -> [any WriteJob] {
    let hasSpace = !jobs.contains { $0.kind.contains(.growing) } || reserve.isHeld() || hasFreePages(db)
    return jobs.filter { job in
      if job.isCancelled {
        job.fail(CancellationError())
        return false
      }
      if job.kind.contains(.growing) && !hasSpace {
        job.fail(SDError(.full, "writing to \(path): less than \(DiskReserve.size >> 20) MiB left on the disk"))
        return false
      }
      return true
    }
  }

  /// Whether the file itself has as much space as the reserve would hold: pages of what was completed.
  private func hasFreePages(_ db: Database) -> Bool {
    let pages = try? Int.fetchOne(db.cachedStatement(sql: "PRAGMA freelist_count"))
    let size = try? Int.fetchOne(db.cachedStatement(sql: "PRAGMA page_size"))
    return (pages ?? 0) * (size ?? 0) >= DiskReserve.size
  }

  /// Throws, with the job untold, when another process holds the database.
  private func commitAlone(
    _ job: any WriteJob, synced: Bool, copiesBack: inout Bool, _ db: Database
  ) throws {
    do {
      try transactFromStart(job, synced: synced, copiesBack: &copiesBack, db)
    } catch  where !isBusy(error) {
      guard isWriteFailure(error), !job.kind.contains(.growing), reserve.release() else {
        return job.fail(failure(error))
      }
      do {
        try transactFromStart(job, synced: synced, copiesBack: &copiesBack, db)
      } catch  where !isBusy(error) {
        job.fail(failure(error))
      }
    }
  }

  /// Copies the log back first, so that it is written from its start again, which needs no new space; not any more once
  /// another process has kept that waiting.
  private func transactFromStart(
    _ job: any WriteJob, synced: Bool, copiesBack: inout Bool, _ db: Database
  ) throws {
    do {
      if copiesBack { do { try db.checkpoint(.restart) } catch { copiesBack = !isBusy(error) } }
      try transact([job], synced: synced, db)
    } catch {
      if db.isInsideTransaction { try? db.rollback() }
      throw error
    }
  }

  private func isBusy(_ error: any Error) -> Bool { (error as? DatabaseError)?.isBusy ?? false }

  private func isWriteFailure(_ error: any Error) -> Bool { (error as? DatabaseError)?.isWriteFailure ?? false }

  private func failure(_ error: any Error) -> SDError { SDError(database: error, "writing to \(path)") }

  /// Says how the next commits are to be synced, where that is not as it was.
  private func setSynced(_ synced: Bool, _ db: Database) throws {
    guard isSynced.load(ordering: .relaxed) != synced else { return }
    try db.cachedStatement(sql: synced ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL").execute()
    isSynced.store(synced, ordering: .relaxed)
  }

  /// Runs jobs in one transaction.
  ///
  /// Throws when none of them stands; a job's own failure is told to it alone.
  private func transact(_ jobs: [any WriteJob], synced: Bool, _ db: Database) throws {
    try setSynced(synced, db)
    try db.cachedStatement(sql: "BEGIN IMMEDIATE").execute()
    var failures: [(any WriteJob, any Error)] = []
    var done: [any WriteJob] = []
    var rung: Set<Int64> = []
    for job in jobs {
      if jobs.count == 1 {
        rung = try job.run(db)
        done.append(job)
        continue
      }
      try db.cachedStatement(sql: "SAVEPOINT job").execute()
      do {
        rung.formUnion(try job.run(db))
        try db.cachedStatement(sql: "RELEASE job").execute()
        done.append(job)
      } catch {
        // The disk refused, or SQLite gave up the whole transaction: the group is tried again one by one.
        if isWriteFailure(error) || !db.isInsideTransaction { throw error }
        try db.cachedStatement(sql: "ROLLBACK TO job").execute()
        try db.cachedStatement(sql: "RELEASE job").execute()
        failures.append((job, error))
      }
    }
    try db.cachedStatement(sql: "COMMIT").execute()
    for job in done { job.succeed() }
    for (job, error) in failures { job.fail(failure(error)) }
    guard !rung.isEmpty else { return }
    bells.ring(rung)
    rivals.ring()
  }
}

/// Learns how long gathering is worth while.
struct GatherTuning {
  private var lastCount = 0
  private var lastDuration: Duration = .zero
  private var share = Self.fairShare
  private var groups = 0

  private static let fairShare = 0.25
  /// After so many groups a longer wait is tried again: who comes back may have changed.
  private static let trial = 64

  /// How long to wait at most: a part of what the last group took, since that is what a larger group saves.
  var patience: Duration { min(lastDuration * share, .milliseconds(4)) }

  /// How many writes to wait for: those here and those just answered; zero for none.
  func expected(waiting: Int) -> Int { lastCount == 0 ? 0 : min(waiting + lastCount, 64) }

  /// Notes a group and what it cost.
  mutating func committed(_ count: Int, in duration: Duration) {
    (lastCount, lastDuration) = (count, duration)
    groups += 1
    if groups % Self.trial == 0 { share = max(share, Self.fairShare) }
  }

  /// Notes how a gathering went: waiting in vain makes the next wait shorter.
  mutating func gathered(_ count: Int, of expected: Int) {
    share = count >= expected ? min(share * 2, 0.5) : max(share / 2, 0.02)
  }
}
