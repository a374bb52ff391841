import SDCore

/// What happens to a tenant's tasks and to the queues, as events: `overview` with all of it at first, then `change` with
/// what stands differently, which is tasks one by one, and runtimes and workers whole.
///
/// Each has an id; who says which came last is told only what comes after it.
struct BoardEvents: AsyncSequence, Sendable {
  typealias Element = ServerSentEvent
  typealias Failure = Never

  private let board: Board
  private let seat: Board.Seat
  private let tenant: String
  private let seen: String?
  private let limit: Duration
  private let isStopped: @Sendable () -> Bool

  private static let retry = 1000
  private static let pause: Duration = .milliseconds(500)
  private static let beat: Duration = .seconds(15)
  private static let failures = 15

  /// - Parameters:
  ///   - seat: held for as long as the events go on.
  ///   - seen: the id of the last event that the client has had.
  ///   - limit: how long the stream goes on at most; clients come again.
  ///   - isStopped: whether the server is about to end.
  init(
    _ board: Board, seat: Board.Seat, tenant: String, seen: String?, limit: Duration,
    isStopped: @escaping @Sendable () -> Bool
  ) {
    (self.board, self.seat, self.tenant, self.seen) = (board, seat, tenant, seen)
    (self.limit, self.isStopped) = (limit, isStopped)
  }

  func makeAsyncIterator() -> Iterator {
    let now = board.services.clocks.instant
    return Iterator(stream: self, end: now.advanced(by: limit), toldAt: now)
  }

  struct Iterator: AsyncIteratorProtocol {
    fileprivate let stream: BoardEvents
    fileprivate let end: MonotonicInstant
    fileprivate var toldAt: MonotonicInstant
    private var ready = [ServerSentEvent(nil, retry: BoardEvents.retry)]
    private var last: Board.Snapshot?
    private var failures = 0
    private var isOver = false

    fileprivate init(stream: BoardEvents, end: MonotonicInstant, toldAt: MonotonicInstant) {
      (self.stream, self.end, self.toldAt) = (stream, end, toldAt)
    }

    mutating func next() async -> ServerSentEvent? { await next(isolation: nil) }

    mutating func next(isolation actor: isolated (any Actor)?) async -> ServerSentEvent? {
      let clocks = stream.board.services.clocks
      while ready.isEmpty {
        guard !isOver, !Task.isCancelled else { return nil }
        if last != nil || failures > 0 {
          do { try await clocks.sleep(for: BoardEvents.pause) } catch { return nil }
        }
        await look()
        let now = clocks.instant
        if ready.isEmpty, toldAt.duration(to: now) >= BoardEvents.beat { ready = [ServerSentEvent(nil)] }
        if now >= end || stream.isStopped() || failures == BoardEvents.failures {
          ready.append(ServerSentEvent(nil, retry: BoardEvents.retry))
          isOver = true
        }
        if !ready.isEmpty { toldAt = now }
      }
      return ready.removeFirst()
    }

    private mutating func look() async {
      do {
        let snapshot = try await stream.board.snapshot(for: stream.tenant)
        failures = 0
        if snapshot.id != last?.id ?? stream.seen { ready = [event(of: snapshot)] }
        last = snapshot
      } catch { failures += 1 }
    }

    private func event(of snapshot: Board.Snapshot) -> ServerSentEvent {
      var news: JSONValue = [:]
      let known = Set(last?.tasks ?? [])
      let tasks = snapshot.tasks.filter { !known.contains($0) }
      if last == nil || !tasks.isEmpty { news["tasks"] = .array(tasks) }
      if last?.counts != snapshot.counts { news["runtimes"] = snapshot.runtimes["runtimes"] }
      if last?.workers != snapshot.workers { news["workers"] = snapshot.workers["workers"] }
      return ServerSentEvent(last == nil ? "overview" : "change", data: news.text, id: snapshot.id)
    }
  }
}
