import GRDB
public import SDCore

/// What a ledger can tell since it lies beside the queues.
extension LocalTaskLedger {
  /// Queued runs whose messages were found damaged; damaged records are left out, and told of in the log.
  public func stranded(limit: Int) async throws -> [LedgerEntry] {
    try await sound {
      try $0.rows(
        """
        SELECT \(StoredRecord.columns) FROM stranded s JOIN record r ON r.id = s.record
        LEFT JOIN request q ON q.record = r.id WHERE r.state = 'queued' ORDER BY r.id LIMIT ?
        """, [limit]
      ) { StoredRecord.judged($0) }
    }
  }

  /// Where a queued run stands: messages are handed out in the order of one index, so that those before it are counted.
  public func position(of key: RunKey, limit: Int) async throws -> Int? {
    try await database.look { db in
      let place = try db.rows(
        """
        SELECT m.queue, m.rank, m.seq FROM record r JOIN message m ON m.seq = r.message
        WHERE r.tenant = ? AND r.task = ? AND r.run = ? AND r.state = 'queued' AND m.due = 0
        """, key.arguments
      ) { (queue: try $0.value(0) as Int64, rank: try $0.value(1) as Int64, seq: try $0.value(2) as Int64) }.first
      guard let place else { return nil }
      let before = try db.rows(
        """
        SELECT count(*) FROM (
          SELECT 1 FROM message WHERE queue = ? AND due = 0 AND (rank, seq) < (?, ?) LIMIT ?)
        """, [place.queue, place.rank, place.seq, limit]
      ) { $0[0] as Int }.first
      return before.flatMap { $0 < limit ? $0 + 1 : nil }
    }
  }
}
