import SDCore
import Synchronization

/// The queues of a system by name; what its topics, and the ledger that publishes on them, share.
final class MemoryQueues: Sendable {
  let clocks: Clocks
  private let queues = Mutex<[String: MemoryQueue]>([:])

  init(clocks: Clocks) { self.clocks = clocks }

  var names: [String] { queues.withLock { $0.keys.sorted() } }

  func queue(_ name: String, _ configuration: () -> MemoryQueue.Configuration) -> MemoryQueue {
    if let queue = queues.withLock({ $0[name] }) { return queue }
    let configuration = configuration()
    // A dead-letter queue has none of its own.
    let letters = configuration.deadLetterQueue(of: name).map { queue($0) { .letters(of: configuration) } }
    return queues.withLock { queues in
      if let queue = queues[name] { return queue }
      let queue = MemoryQueue(name: name, configuration: configuration, deadLetters: letters, clocks: clocks)
      queues[name] = queue
      return queue
    }
  }
}
