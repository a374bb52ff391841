public import SDCore
import Synchronization

/// A queue whose calls a test steps in on, before they are made.
public struct TappedQueue: MessageQueue {
  /// The calls.
  public enum Call: Sendable { case visibility, send, receive, extend, complete, abandon, deadLetter, stats }

  /// Where to step in.
  public let tap = Tap<Call>()
  private let inner: any MessageQueue
  private let withheld: QueueCapabilities.Ability
  private let asked = Extensions()

  private final class Extensions: Sendable {
    let all = Mutex<[Duration]>([])
  }

  /// A queue on another, without some of its abilities.
  public init(_ inner: any MessageQueue, without withheld: QueueCapabilities.Ability = []) {
    (self.inner, self.withheld) = (inner, withheld)
  }

  /// By how much leases were to be extended, call by call.
  public var extensions: [Duration] { asked.all.withLock { $0 } }

  public var name: String { inner.name }
  public var visibility: Duration {
    get async throws {
      try await tap.pass(.visibility)
      return try await inner.visibility
    }
  }
  public var capabilities: QueueCapabilities {
    var capabilities = inner.capabilities
    capabilities.abilities.subtract(withheld)
    return capabilities
  }

  public func send(_ messages: [OutgoingMessage]) async throws -> [SendOutcome] {
    try await tap.pass(.send)
    return try await inner.send(messages)
  }

  public func receive(max: Int, wait: Duration, visibility: Duration?) async throws -> [Lease] {
    try await tap.pass(.receive)
    return try await inner.receive(max: max, wait: wait, visibility: visibility)
  }

  public func extend(_ leases: [Lease], visibility: Duration) async throws -> [LeaseOutcome] {
    asked.all.withLock { $0.append(visibility) }
    try await tap.pass(.extend)
    return try await inner.extend(leases, visibility: visibility)
  }

  public func complete(_ leases: [Lease]) async throws -> [LeaseOutcome] {
    try await tap.pass(.complete)
    return try await inner.complete(leases)
  }

  public func abandon(_ leases: [Lease], after delay: Duration) async throws -> [LeaseOutcome] {
    try await tap.pass(.abandon)
    return try await inner.abandon(leases, after: delay)
  }

  public func deadLetter(_ leases: [Lease], reason: DeadLetterReason) async throws -> [LeaseOutcome] {
    guard capabilities.abilities.contains(.deadLetter) else {
      throw SDError(.unsupported, "queue \(name) has no dead-letter queue")
    }
    try await tap.pass(.deadLetter)
    return try await inner.deadLetter(leases, reason: reason)
  }

  public func stats() async throws -> QueueStats {
    try await tap.pass(.stats)
    return try await inner.stats()
  }
}
