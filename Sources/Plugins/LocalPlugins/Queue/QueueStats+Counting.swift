import GRDB
import SDCore

extension QueueStats {
  /// Counts a queue.
  ///
  /// A message whose lease or delay is over counts as waiting although nobody has looked at it since.
  init(of queue: QueueIdentity, letters: QueueIdentity?, now: Int64, wall: Timestamp, _ db: Database) throws {
    self.init(waiting: 0, inFlight: 0, delayed: 0)
    // `due` and `token` of one message: 0 waiting, blocked waiting (unless set aside), past waiting, else leased or delayed.
    let waiting = try db.rows(
      """
      SELECT count(*), min(seq) FROM message
      WHERE queue = ?1 AND (due <= ?2 OR (due = \(DatabaseSchema.blocked) AND line IS NOT NULL))
      """, [queue.id, now]
    ) { (count: $0[0] as Int, oldest: $0[1] as Int64?) }
    let held = try db.rows(
      """
      SELECT count(*) FILTER (WHERE token <> 0), count(*) FILTER (WHERE token = 0) FROM message
      WHERE queue = ? AND due > ? AND due < \(DatabaseSchema.blocked)
      """, [queue.id, now]
    ) { (leased: $0[0] as Int, delayed: $0[1] as Int) }
    self.waiting = waiting.first?.count ?? 0
    inFlight = held.first?.leased ?? 0
    delayed = held.first?.delayed ?? 0
    if let seq = waiting.first?.oldest {
      let sent: Int64? = try db.rows("SELECT sent FROM message WHERE seq = ?", [seq]) { $0[0] as Int64? }.first ?? nil
      oldestAge = sent.map { max(0, (wall - Timestamp(milliseconds: $0)).seconds) }
    }
    if let letters {
      dead = try db.rows("SELECT count(*) FROM message WHERE queue = ?", [letters.id]) { $0[0] as Int }.first
    }
  }
}
