import SDCore
import Synchronization

/// What is going on, for those who look at everything: the newest tasks, who works on them, and how full the queues are.
///
/// It is read anew every second while things happen and every four while they don't, once for all who look on.
final class Board: Sendable {
  /// How things stand for one tenant.
  struct Snapshot: Sendable, Hashable {
    /// The newest tasks and all that run, newest first.
    var tasks: [JSONValue]
    /// As `GET /v1/runtimes` tells it.
    var runtimes: JSONValue
    /// The same without what changes by itself: how long the oldest has waited.
    var counts: JSONValue
    /// As `GET /v1/workers` tells it.
    var workers: JSONValue
    /// Equal for equal contents.
    var id: String
  }

  private struct Known {
    var snapshot: Snapshot
    var readAt: MonotonicInstant
    var pause: Duration
    var isBeingRead = false
  }

  private struct State {
    var known: [String: Known] = [:]
    var watchers = 0
  }

  let services: GatewayServices
  private let limit: Int
  private let state = Mutex(State())

  private static let shown = 60
  private static let running = 50
  private static let shortest: Duration = .seconds(1)
  private static let longest: Duration = .seconds(4)
  private static let memory = 100
  /// Running tasks whose progress is asked for.
  private static let followed = 8
  private static let markLasts: Duration = .seconds(15)
  private static let probeLimit: Duration = .seconds(2)

  /// - Parameter watchers: how many may look on at the same time.
  init(_ services: GatewayServices, watchers limit: Int) { (self.services, self.limit) = (services, limit) }

  /// How things stand, as of a moment ago.
  func snapshot(for tenant: String) async throws -> Snapshot {
    let now = services.clocks.instant
    let recent: Snapshot? = state.withLock { state in
      guard let known = state.known[tenant] else { return nil }
      if known.isBeingRead || known.readAt.duration(to: now) < known.pause { return known.snapshot }
      state.known[tenant]?.isBeingRead = true
      return nil
    }
    if let recent { return recent }
    do {
      let snapshot = try await read(for: tenant)
      state.withLock { state in
        let last = state.known[tenant]
        if last == nil, state.known.count >= Self.memory { state.known = [:] }
        let isNews = last?.snapshot.id != snapshot.id
        let pause = isNews ? Self.shortest : min((last?.pause ?? Self.shortest) * 3 / 2, Self.longest)
        state.known[tenant] = Known(snapshot: snapshot, readAt: services.clocks.instant, pause: pause)
      }
      return snapshot
    } catch {
      state.withLock { $0.known[tenant]?.isBeingRead = false }
      throw error
    }
  }

  private func read(for tenant: String) async throws -> Snapshot {
    async let runtimes = runtimes()
    let newest = try await services.ledger.page(LedgerQuery(tenant: tenant, limit: Self.shown)).records
    let running = try await services.ledger.page(
      LedgerQuery(tenant: tenant, states: [.running], limit: Self.running)
    ).records
    let known = Set(newest.map(\.key))
    let records = newest + running.filter { !known.contains($0.key) }
    let now = services.clocks.timestamp
    let progress = await progress(of: records)
    let tasks = records.map { record in
      var json = TaskView(record, store: services.store, at: now).json
      json["progress"] = progress[record.key]?.json
      return json
    }
    let workers: JSONValue = ["workers": .array(WorkerView.all(in: records, at: now).map(\.json))]
    let counts = await runtimes.settled
    let all: JSONValue = ["tasks": .array(tasks), "runtimes": counts, "workers": workers]
    return Snapshot(
      tasks: tasks, runtimes: await runtimes, counts: counts, workers: workers,
      id: String(TaskMessage.digest(all).prefix(16)))
  }

  /// How far those are that run, as far as their workers say: they are told that somebody looks. Nobody has to.
  private func progress(of records: [TaskRecord]) async -> [RunKey: TaskProgress] {
    let ledger = services.ledger
    return await withTaskGroup(of: (RunKey, TaskProgress?).self) { group in
      for record in records.filter({ $0.state == .running }).prefix(Self.followed) {
        group.addTask {
          if (try? await ledger.isWatched(record.key)) != true {
            try? await ledger.watch(record.key, for: Self.markLasts)
          }
          return (record.key, try? await ledger.progress(of: record.key))
        }
      }
      var progress: [RunKey: TaskProgress] = [:]
      for await (key, value) in group { progress[key] = value }
      return progress
    }
  }

  /// The runtimes with the counts of their queues: one that cannot be counted in time costs its counts, not the answer.
  func runtimes() async -> JSONValue {
    let runtimes = services.catalog.runtimes
    let counts = await withTaskGroup(of: (Int, QueueStats?).self) { group in
      for (position, runtime) in runtimes.enumerated() {
        guard let queue = services.queues[runtime.queue] ?? services.queues[runtime.name] else { continue }
        group.addTask { (position, await self.services.clocks.within(Self.probeLimit) { try await queue.stats() }) }
      }
      var counts: [Int: QueueStats] = [:]
      for await (position, stats) in group { counts[position] = stats }
      return counts
    }
    return ["runtimes": .array(runtimes.enumerated().map { RuntimeView($1, queue: counts[$0]).json })]
  }

  // MARK: Who looks on

  /// A place among those who look on; given up with the last reference to it.
  final class Seat: Sendable {
    private let board: Board
    fileprivate init(_ board: Board) { self.board = board }
    deinit { board.state.withLock { $0.watchers -= 1 } }
  }

  /// Throws `.unavailable` when all places are taken.
  func seat() throws(SDError) -> Seat {
    let isFree = state.withLock { state in
      guard state.watchers < limit else { return false }
      state.watchers += 1
      return true
    }
    guard isFree else { throw SDError(.unavailable, "watching by one more than \(limit)") }
    return Seat(self)
  }
}

extension JSONValue {
  /// Runtimes without the ages of what waits for them.
  fileprivate var settled: JSONValue {
    let runtimes = (self["runtimes"]?.array ?? []).map { runtime in
      var runtime = runtime
      runtime["queue"]?["oldest_age"] = nil
      return runtime
    }
    return ["runtimes": .array(runtimes)]
  }
}
