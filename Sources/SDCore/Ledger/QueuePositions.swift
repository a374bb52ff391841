/// What can tell how many tasks come before one; an ability of ledgers that lie beside their queues.
public protocol QueuePositions: Sendable {
  /// Where a queued run stands, 1 being the next that is handed out; `nil` where it does not wait, past `limit`, and where
  /// nobody can tell.
  func position(of key: RunKey, limit: Int) async throws -> Int?
}
