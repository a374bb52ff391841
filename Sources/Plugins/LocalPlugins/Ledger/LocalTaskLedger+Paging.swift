import GRDB
import Logging
public import SDCore

extension LocalTaskLedger {
  /// How many records one page looks through at most for those that match.
  private static let scanned = 5000

  /// Records, newest first.
  public func page(_ query: LedgerQuery) async throws -> LedgerPage {
    let start = try query.cursor.map { try Place(cursor: $0) } ?? Place(created: .max, id: .max)
    let limit = min(max(query.limit, 1), 1000)
    let (found, end) = try await database.read { db in try Self.scan(query, from: start, limit: limit, db) }
    return LedgerPage(records: sound(found), next: end?.cursor)
  }

  /// What a query finds without the damaged records, of which the log is told.
  func sound<Found: Sendable>(
    _ query: @escaping @Sendable (Database) throws -> [Result<Found, SDError>]
  ) async throws -> [Found] {
    sound(try await database.read(query))
  }

  /// Results without the damaged ones, of which the log is told.
  private func sound<Found>(_ results: [Result<Found, SDError>]) -> [Found] {
    results.compactMap { result in
      switch result {
      case .success(let found): return found
      case .failure(let error):
        database.logger.error(
          "a damaged record is left out of a listing",
          metadata: ["directory": "\(database.directory)", "error": "\(error)"])
        return nil
      }
    }
  }

  /// Whether a row is one of `:runtime`'s, or may be: its column says so, or something else than the record itself does.
  ///
  /// A flipped bit in the column would make the record vanish from its runtime's list in silence. So what does not match is
  /// held against the record's JSON, and what differs is read, found damaged, and told of.
  private static let isOfRuntime = """
    CASE WHEN :runtime IS NULL OR runtime IS :runtime THEN 1
    WHEN NOT json_valid(CAST(json AS TEXT)) THEN 1
    ELSE json_extract(CAST(json AS TEXT), '$.runtime') IS NOT runtime END
    """

  /// Looks through records in order; answers those that match, and where to go on.
  private static func scan(
    _ query: LedgerQuery, from start: Place, limit: Int, _ db: Database
  ) throws -> ([Result<TaskRecord, SDError>], Place?) {
    let rows = try Row.fetchCursor(
      db.cachedStatement(
        sql: """
          SELECT id, created, state, \(isOfRuntime) FROM record
          WHERE tenant = :tenant AND (created, id) < (:created, :id)
          ORDER BY created DESC, id DESC LIMIT \(scanned + 1)
          """),
      arguments: ["tenant": query.tenant, "created": start.created, "id": start.id, "runtime": query.runtime])
    let states = Set(query.states.map(\.rawValue))
    var (found, last, count): ([Result<TaskRecord, SDError>], Place, Int) = ([], start, 0)
    while let row = try rows.next() {
      let place = Place(created: try row.value(1), id: try row.value(0))
      let (state, isOfRuntime): (String?, Bool) = (row[2], row[3])
      // A state that is none is damage, to be told of and not to be passed over.
      let isOfState = states.isEmpty || state.flatMap(TaskState.init(rawValue:)) == nil || states.contains(state ?? "")
      let matches = isOfState && isOfRuntime
      if count == scanned || (matches && found.count == limit) { return (found, last) }
      (last, count) = (place, count + 1)
      guard matches else { continue }
      let record = try db.rows(
        "SELECT \(StoredRecord.columns) FROM record r LEFT JOIN request q ON q.record = r.id WHERE r.id = ?", [place.id]
      ) { row in StoredRecord.judged { try StoredRecord.record(row) } }
      found += record
    }
    return (found, nil)
  }

  /// Where a record stands in the listing.
  private struct Place {
    var created: Int64
    var id: Int64

    init(created: Int64, id: Int64) { (self.created, self.id) = (created, id) }

    init(cursor: String) throws(SDError) {
      let parts = cursor.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2, let created = Int64(parts[0]), let id = Int64(parts[1]), id > 0 else {
        throw SDError(.invalid, "a page of the ledger: the cursor is none that it gave")
      }
      self.init(created: created, id: id)
    }

    var cursor: String { "\(created):\(id)" }
  }
}
