package import Logging
package import SDCore
import ServiceLifecycle

/// What a deployment needs done now and then, by whoever comes to it: runs whose time has passed are ended, those whose
/// messages were damaged are failed, and the runs of letters that a queue moved by itself are closed.
///
/// Several may do so at once: each end is written once, and its announcements are the same.
package struct Chores: Sendable {
  private let ledger: any TaskLedger
  private let letters: [String: any MessageQueue]
  /// Queues that may tell where their letters go, where nobody has said it.
  private let others: [any MessageQueue]
  private let closer: RunCloser
  private let sweep: LetterSweep
  private let clocks: Clocks
  private let logger: Logger

  private static let atOnce = 100

  package init(_ services: GatewayServices, logger: Logger) {
    ledger = services.ledger
    letters = services.letters
    others =
      services.queues.filter { services.letters[$0.key] == nil }.sorted { $0.key < $1.key }.map(\.value)
      + services.priorityQueues.sorted { $0.key < $1.key }.map(\.value)
    clocks = services.clocks
    self.logger = logger
    closer = RunCloser(
      ledger: services.ledger, store: services.store, events: services.events, clocks: services.clocks, logger: logger)
    sweep = LetterSweep(ledger: services.ledger, closer: closer, clocks: services.clocks, logger: logger)
  }

  /// Ends what has expired; answers how many runs.
  @discardableResult
  package func expire() async -> Int {
    var ended = 0
    do {
      while !Task.isCancelled {
        let overdue = try await ledger.overdue(at: clocks.timestamp, limit: Self.atOnce)
        for entry in overdue { if try await closer.settled(entry).record.state == .expired { ended += 1 } }
        if overdue.count < Self.atOnce { break }
      }
    } catch {
      logger.warning("looking for expired tasks failed", metadata: ["error": "\(error)"])
    }
    if ended > 0 { logger.info("tasks expired", metadata: ["count": "\(ended)"]) }
    return ended
  }

  /// Fails runs whose messages were found damaged; answers how many.
  @discardableResult
  package func failStranded() async -> Int {
    var failed = 0
    do {
      for entry in try await ledger.stranded(limit: Self.atOnce) {
        if try await closer.failStranded(entry) != nil { failed += 1 }
      }
    } catch {
      logger.warning("looking for tasks with damaged messages failed", metadata: ["error": "\(error)"])
    }
    if failed > 0 { logger.error("tasks failed, their messages were damaged", metadata: ["count": "\(failed)"]) }
    return failed
  }

  /// Closes the runs of letters that bear no reason; answers how many.
  @discardableResult
  package func sweepLetters() async -> Int {
    var closed = 0
    // Several queues may share one for their letters.
    var seen: Set<String> = []
    for queue in await letterQueues() where !Task.isCancelled && seen.insert(queue.name).inserted {
      do { closed += try await sweep.sweep(queue) } catch {
        logger.warning("sweeping letters failed", metadata: ["queue": "\(queue.name)", "error": "\(error)"])
      }
    }
    if closed > 0 { logger.notice("letters swept", metadata: ["count": "\(closed)"]) }
    return closed
  }
}

extension Chores {
  private func letterQueues() async -> [any MessageQueue] {
    var found = letters.sorted { $0.key < $1.key }.map(\.value)
    for queue in others {
      guard let queue = queue as? any OperableQueue else { continue }
      do { if let letters = try await queue.deadLetterQueue() { found.append(letters) } } catch {
        logger.warning("finding letters failed", metadata: ["queue": "\(queue.name)", "error": "\(error)"])
      }
    }
    return found
  }
}

/// Does the chores every so often, not all gateways of a deployment at the same time.
struct ChoreService: Service {
  let chores: Chores
  let clocks: Clocks
  private static let expiryInterval: Duration = .seconds(15)
  /// How many looks for expired tasks there are to one sweep.
  private static let sweepEvery = 4

  func run() async throws {
    var round = Int.random(in: 0..<Self.sweepEvery)
    while !Task.isShuttingDownGracefully {
      do {
        try await cancelWhenGracefulShutdown {
          try await clocks.sleep(for: Self.expiryInterval * Double.random(in: 0.8...1.2))
        }
      } catch { return }
      round += 1
      await chores.expire()
      await chores.failStranded()
      if round % Self.sweepEvery == 0 { await chores.sweepLetters() }
    }
  }
}
