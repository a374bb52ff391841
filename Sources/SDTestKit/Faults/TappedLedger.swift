public import SDCore

/// A ledger whose calls a test steps in on.
public struct TappedLedger: TaskLedger {
  /// The calls: a write before it is made, by the state that it brings, and once it is made but not answered; and reads.
  public enum Call: Sendable, Hashable {
    case write(TaskState)
    case written(TaskState)
    case read
  }

  /// Where to step in.
  public let tap = Tap<Call>()
  private let inner: any TaskLedger

  /// A ledger on another.
  public init(_ inner: any TaskLedger) { self.inner = inner }

  public func create(_ record: TaskRecord, request: [UInt8]) async throws -> LedgerWrite {
    try await tapped(record.state) { try await inner.create(record, request: request) }
  }

  public func create(
    _ record: TaskRecord, request: [UInt8], publishing publication: @Sendable (Revision) -> Publication,
    on topic: any EventTopic
  ) async throws -> LedgerWrite {
    try await tapped(record.state) {
      try await inner.create(record, request: request, publishing: publication, on: topic)
    }
  }

  public func update(_ entry: LedgerEntry) async throws -> LedgerWrite {
    try await tapped(entry.record.state) { try await inner.update(entry) }
  }

  private func tapped(_ state: TaskState, _ write: () async throws -> LedgerWrite) async throws -> LedgerWrite {
    try await tap.pass(.write(state))
    let result = try await write()
    try await tap.pass(.written(state))
    return result
  }

  public func read(_ key: RunKey, unlessAt known: Revision?) async throws -> LedgerReading {
    try await tap.pass(.read)
    return try await inner.read(key, unlessAt: known)
  }

  public func latest(_ task: TaskKey) async throws -> LedgerEntry? { try await inner.latest(task) }
  public func find(_ task: TaskKey, submission: String) async throws -> LedgerEntry? {
    try await inner.find(task, submission: submission)
  }
  public func page(_ query: LedgerQuery) async throws -> LedgerPage { try await inner.page(query) }
  public func watch(_ key: RunKey, for duration: Duration) async throws { try await inner.watch(key, for: duration) }
  public func isWatched(_ key: RunKey) async throws -> Bool { try await inner.isWatched(key) }
  public func setProgress(_ progress: TaskProgress, of key: RunKey) async throws {
    try await inner.setProgress(progress, of: key)
  }
  public func progress(of key: RunKey) async throws -> TaskProgress? { try await inner.progress(of: key) }
}
