import Logging
import SDCore
import ServiceLifecycle

/// Takes notices from the queue of webhooks and has them delivered, several at once.
struct WebhookService: Service {
  let delivery: WebhookDelivery
  let logger: Logger

  private static let atOnce = 16
  private static let wait: Duration = .seconds(20)
  /// Longer than a call may take, so that no lease need be extended.
  private static let visibility: Duration = .seconds(60)
  private static let pauseAfterFailure: Duration = .seconds(5)

  private var queue: any MessageQueue { delivery.services.queue }

  /// Delivers until shut down: then nothing new is taken, and calls under way come to their end.
  func run() async throws {
    await withDiscardingTaskGroup { group in
      let slots = Slots(Self.atOnce)
      while !Task.isCancelled, !Task.isShuttingDownGracefully {
        let free = await slots.free()
        guard let leases = await receive(min(free, queue.capabilities.maximumBatch)) else { continue }
        for lease in leases {
          await slots.take()
          group.addTask {
            await settle(lease)
            await slots.give()
          }
        }
      }
    }
  }

  /// What to deliver next; `nil` when nothing could be received.
  private func receive(_ count: Int) async -> [Lease]? {
    do {
      return try await cancelWhenGracefulShutdown {
        try await queue.receive(max: max(count, 1), wait: Self.wait, visibility: Self.visibility)
      }
    } catch is CancellationError {
      return nil
    } catch {
      logger.warning("receiving webhooks failed", metadata: ["queue": "\(queue.name)", "error": "\(error)"])
      try? await cancelWhenGracefulShutdown { try await delivery.clocks.sleep(for: Self.pauseAfterFailure) }
      return nil
    }
  }

  /// The name of the queue that it delivers from.
  var queueName: String { queue.name }

  /// Delivers notices that somebody else received and will complete; answers the ids of those that he must not.
  func settle(batch leases: [Lease]) async -> [String] {
    await withTaskGroup(of: String?.self) { group in
      for lease in leases {
        group.addTask {
          switch await delivery.deliver(lease) {
          case .done: return nil
          case .later(let pause):
            _ = try? await queue.abandon([lease], after: pause)
            return lease.messageID
          case .hopeless(let reason):
            guard queue.capabilities.abilities.contains(.deadLetter) else { return nil }
            return (try? await queue.deadLetter([lease], reason: reason)) == nil ? lease.messageID : nil
          }
        }
      }
      var failed: [String] = []
      for await id in group { if let id { failed.append(id) } }
      return failed
    }
  }

  /// Delivers a notice and ends its lease; a lease that cannot be ended runs out, and the notice comes again.
  func settle(_ lease: Lease) async {
    let verdict = await delivery.deliver(lease)
    do {
      switch verdict {
      case .done: _ = try await queue.complete([lease])
      case .later(let pause): _ = try await queue.abandon([lease], after: pause)
      case .hopeless(let reason):
        _ =
          queue.capabilities.abilities.contains(.deadLetter)
          ? try await queue.deadLetter([lease], reason: reason) : try await queue.complete([lease])
      }
    } catch {
      logger.warning("a webhook's message could not be ended", metadata: ["error": "\(error)"])
    }
  }
}

/// Counts what is under way.
private actor Slots {
  private var left: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(_ count: Int) { left = count }

  /// How many are free, waiting for the first.
  func free() async -> Int {
    while left == 0 { await withCheckedContinuation { waiting.append($0) } }
    return left
  }

  func take() { left -= 1 }

  func give() {
    left += 1
    let waiting = waiting
    self.waiting = []
    for continuation in waiting { continuation.resume() }
  }
}
