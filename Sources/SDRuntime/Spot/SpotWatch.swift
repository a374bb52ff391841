import Logging
import SDCore
import ServiceLifecycle
import Synchronization

/// What may be announced to a spot instance.
struct SpotNotices: Sendable {
  /// The notice that stands, for the log; `nil` where there is none.
  let standing: @Sendable () async throws -> [String: String]?

  init(standing: @escaping @Sendable () async throws -> [String: String]?) { self.standing = standing }
}

/// Looks for the notice that the machine is about to go, and tells of the first one.
///
/// EC2's documentation asks for a look every five seconds. A metadata service that cannot be asked is told once and asked
/// again ever more rarely: a pod may not be let through to it.
final class SpotWatch: Service {
  private let notices: SpotNotices
  private let clocks: Clocks
  private let logger: Logger
  private let interval: Duration
  private let onNotice: @Sendable () -> Void
  private let noticed = Mutex(false)
  private static let longestPause = Duration.seconds(60)

  init(
    notices: SpotNotices, interval: Duration = .seconds(5), clocks: Clocks, logger: Logger,
    onNotice: @escaping @Sendable () -> Void
  ) {
    (self.notices, self.interval, self.clocks, self.logger) = (notices, interval, clocks, logger)
    self.onNotice = onNotice
  }

  /// Whether a notice was found.
  var hasNotice: Bool { noticed.withLock { $0 } }

  func run() async throws {
    await cancelWhenGracefulShutdown { await self.watch() }
    // Its end would be the end of the others.
    try await gracefulShutdown()
  }

  private func watch() async {
    var pause = interval
    var hasComplained = false
    while !Task.isCancelled {
      do {
        if let notice = try await notices.standing() {
          logger.notice("the machine is about to go, taking no more tasks", metadata: notice.mapValues { .string($0) })
          noticed.withLock { $0 = true }
          return onNotice()
        }
        (pause, hasComplained) = (interval, false)
      } catch {
        if Task.isCancelled { return }
        if !hasComplained {
          logger.warning("no notices can be had of the instance's metadata service", metadata: ["error": "\(error)"])
        }
        hasComplained = true
        pause = min(pause * 2, Self.longestPause)
      }
      do { try await clocks.sleep(for: pause) } catch { return }
    }
  }
}

/// An agent's worker on a machine that is about to go: once drained it stays until it is told to end, since whoever runs it
/// would only start it anew.
struct LingeringWorker: Service {
  let worker: Worker
  let watch: SpotWatch

  func run() async throws {
    try await worker.run()
    if watch.hasNotice { try await gracefulShutdown() }
  }
}
