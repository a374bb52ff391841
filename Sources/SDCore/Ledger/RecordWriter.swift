/// Changes records under the rule of writes: each carries a nonce; a refused one is read back, and either it was ours
/// after all or the rival's state is judged anew.
public struct RecordWriter: Sendable {
  /// What came of a change.
  public enum Outcome: Sendable {
    /// It is written.
    case written(LedgerEntry)
    /// The change had no sense any more; the record stands like this.
    case moot(LedgerEntry)

    /// The entry as it stands, either way.
    public var entry: LedgerEntry {
      switch self {
      case .written(let entry), .moot(let entry): entry
      }
    }
  }

  private let ledger: any TaskLedger
  /// Rivals on one run are few: two workers, the door, a sweep.
  private static let tries = 8

  /// A writer on a ledger.
  public init(_ ledger: any TaskLedger) { self.ledger = ledger }

  /// Applies a change until it is written or moot.
  ///
  /// - Parameter change: changes the record, or answers `false` when its state leaves nothing to change. Called anew with
  ///   the rival's record each time that one came first.
  public func apply(
    to entry: LedgerEntry, _ change: (inout TaskRecord) throws -> Bool
  ) async throws -> Outcome {
    var current = entry
    for _ in 0..<Self.tries {
      var next = current
      guard try change(&next.record) else { return .moot(current) }
      next.record.nonce = RandomName.make()
      switch try await ledger.update(next) {
      case .written(let written): return .written(written)
      case .refused(let rival) where rival.record.nonce == next.record.nonce: return .written(rival)
      case .refused(let rival): current = rival
      }
    }
    throw SDError(.conflict, "the record of \(entry.record.key) was changed by others \(Self.tries) times running")
  }
}

/// Names that nobody else will think of.
public enum RandomName {
  /// 128 random bits as 26 characters of lower-case base 32.
  public static func make() -> String {
    let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
    var bits = UInt128.random(in: .min ... .max)
    var text: [UInt8] = []
    for _ in 0..<26 {
      text.append(alphabet[Int(truncatingIfNeeded: bits) & 31])
      bits >>= 5
    }
    return String(decoding: text, as: UTF8.self)
  }
}
