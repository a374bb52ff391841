/// Finds the run that a submission belongs to, or opens the next: the first rule of a task's life, for door and worker.
public struct RunOpener: Sendable {
  /// What to do when the id was used before by another submission.
  public enum Reuse: Sendable {
    /// v1alpha1/2: the same request while unfinished joins that run; anything else is the next run.
    case nextRun
    /// v1: the same request is that run, finished or not; another is refused.
    case onlyAgain
    /// A redriven letter: always the next run.
    case always
  }

  /// What was found.
  public enum Opened: Sendable {
    /// A run of our own, new.
    case created(LedgerEntry)
    /// The run that this very submission opened before.
    case repeated(LedgerEntry)
    /// Another submission's run, which is the answer to this one as well.
    case joined(LedgerEntry)
    /// The id is taken by another request.
    case taken(LedgerEntry)
  }

  private let ledger: any TaskLedger
  private static let tries = 16

  /// An opener on a ledger.
  public init(_ ledger: any TaskLedger) { self.ledger = ledger }

  /// Finds or opens a run.
  ///
  /// - Parameters:
  ///   - draft: the record as it should be if it is new; its run number is chosen here.
  ///   - optimistic: try to open run 1 before looking, which saves a look for ids that are never used twice.
  ///   - create: how the record is created; the door publishes with it.
  public func open(
    _ draft: TaskRecord, reuse: Reuse, optimistic: Bool,
    create: (TaskRecord) async throws -> LedgerWrite
  ) async throws -> Opened {
    var draft = draft
    var latest = optimistic ? nil : try await ledger.latest(draft.key.task)
    for _ in 0..<Self.tries {
      if let latest {
        if let known = try await known(draft, reuse: reuse, latest: latest) { return known }
        draft.key.run = latest.record.key.run + 1
      } else {
        draft.key.run = 1
      }
      draft.nonce = RandomName.make()
      switch try await create(draft) {
      case .written(let entry): return .created(entry)
      case .refused(let rival) where rival.record.nonce == draft.nonce: return .created(rival)
      case .refused(let rival): latest = try await ledger.latest(draft.key.task) ?? rival
      }
    }
    throw SDError(.conflict, "task \(draft.key.task.id) was submitted by others \(Self.tries) times running")
  }

  private func known(_ draft: TaskRecord, reuse: Reuse, latest: LedgerEntry) async throws -> Opened? {
    let isSame = latest.record.digest == draft.digest
    // An idempotency key makes the submission; with another body it must be refused all the same.
    if case .onlyAgain = reuse { return isSame ? .joined(latest) : .taken(latest) }
    if latest.record.submission == draft.submission { return .repeated(latest) }
    if latest.record.key.run > 1, let own = try await ledger.find(draft.key.task, submission: draft.submission) {
      return .repeated(own)
    }
    guard case .nextRun = reuse, isSame, !latest.record.state.isTerminal else { return nil }
    return .joined(latest)
  }
}
