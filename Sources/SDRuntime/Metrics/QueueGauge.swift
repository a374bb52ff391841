import Logging
import Metrics
import SDCore
import ServiceLifecycle

/// Measures how full a queue is, now and then: one request each time on SQS.
struct QueueGauge: Service {
  private let queue: any MessageQueue
  private let interval: Duration
  private let clocks: Clocks
  private let logger: Logger
  private let factory: any MetricsFactory

  init(
    _ queue: any MessageQueue, interval: Duration = .seconds(30), clocks: Clocks, logger: Logger,
    factory: any MetricsFactory = MetricsSystem.factory
  ) {
    (self.queue, self.interval, self.clocks, self.logger, self.factory) = (queue, interval, clocks, logger, factory)
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        await measure()
        do { try await clocks.sleep(for: interval) } catch { return }
      }
    }
  }

  private func measure() async {
    do {
      let stats = try await queue.stats()
      set("waiting", stats.waiting)
      set("in_flight", stats.inFlight)
      set("delayed", stats.delayed)
      if let dead = stats.dead { set("dead", dead) }
    } catch {
      // The last figures stand; whoever watches the queue itself sees more than we do.
      logger.debug("the queue could not be measured", metadata: ["queue": "\(queue.name)", "error": "\(error)"])
    }
  }

  private func set(_ state: String, _ count: Int) {
    Meter(label: "sd_queue_messages", dimensions: [("queue", queue.name), ("state", state)], factory: factory)
      .set(Int64(count))
  }
}
