public import SDCore
import Synchronization

/// Queues, topics, buckets and a ledger that live in this process, by name.
///
/// `memory:NAME` in every part of a program's configuration means one and the same: what is published on a topic of a
/// system reaches the queues of that system, and a record is created and published in one step.
public final class MemorySystem: Sendable {
  private struct State {
    var topics: [String: MemoryTopic] = [:]
    var buckets: [String: MemoryBucket] = [:]
  }

  /// Its name.
  public let name: String
  /// The clocks that all its parts go by.
  public let clocks: Clocks
  /// What is known of its tasks.
  public let ledger: MemoryTaskLedger
  private let queues: MemoryQueues
  private let state = Mutex(State())

  private static let systems = Mutex<[String: MemorySystem]>([:])

  /// A system of its own, under no shared name.
  public init(name: String = "memory", clocks: Clocks = .system) {
    (self.name, self.clocks) = (name, clocks)
    queues = MemoryQueues(clocks: clocks)
    ledger = MemoryTaskLedger(queues: queues)
  }

  /// The system of a name, the same for everyone in this process.
  public static func named(_ name: String) -> MemorySystem {
    systems.withLock { systems in
      if let system = systems[name] { return system }
      let system = MemorySystem(name: name)
      systems[name] = system
      return system
    }
  }

  /// The queue of a name, made on first use as `configuration` says; later ones are not looked at.
  ///
  /// Its dead-letter queue is `configuration.deadLetterQueue` of this system, made with it.
  public func queue(_ name: String, configuration: @autoclosure () -> MemoryQueue.Configuration = .init())
    -> MemoryQueue
  {
    queues.queue(name, configuration)
  }

  /// The topic of a name, made on first use.
  public func topic(_ name: String) -> MemoryTopic {
    state.withLock { state in
      if let topic = state.topics[name] { return topic }
      let topic = MemoryTopic(name: name, queues: queues)
      state.topics[name] = topic
      return topic
    }
  }

  /// The objects of a bucket under a prefix, which is empty or ends in `/`.
  ///
  /// Stores of one bucket share its objects.
  public func store(_ bucket: String = "memory", prefix: String = "") -> MemoryObjectStore {
    let bucket = state.withLock { state in
      if let found = state.buckets[bucket] { return found }
      let made = MemoryBucket(name: bucket, clocks: clocks)
      state.buckets[bucket] = made
      return made
    }
    return MemoryObjectStore(bucket: bucket, prefix: prefix)
  }

  /// The names of its queues, in order.
  public var queueNames: [String] { queues.names }
}
