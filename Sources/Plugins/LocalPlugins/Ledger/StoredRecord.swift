import FoundationEssentials
import GRDB
import SDCore

/// A record as it lies in its table.
///
/// What clients wrote (context, the engine's reason) lies beside the record's JSON as JSON text of its own, since
/// `Codable` would lose digits and the order of members.
struct StoredRecord {
  var json: [UInt8]
  var context: [UInt8]?
  var reason: [UInt8]?

  /// The columns that `entry` reads, of `record r` and `request q`.
  static let columns = """
    r.tenant, r.task, r.run, r.revision, r.digest, r.json, r.context, r.reason, q.digest, q.bytes,
    r.state, r.runtime, r.submission, r.created, r.expires
    """

  init(_ record: TaskRecord) throws {
    var record = record
    context = record.context?.serialized()
    reason = record.error?.reason?.serialized()
    record.context = nil
    record.error?.reason = nil
    json = Array(try JSONEncoder().encode(record))
  }

  /// What is kept beside a record to know it again.
  var digest: Data {
    var digest = FieldDigest()
    digest.add(json)
    digest.add(context)
    digest.add(reason)
    return digest.finish()
  }

  /// What is kept beside a request to know it again.
  static func digest(ofRequest bytes: [UInt8]) -> Data {
    var digest = FieldDigest()
    digest.add(bytes)
    return digest.finish()
  }

  private init(json: [UInt8], context: [UInt8]?, reason: [UInt8]?) {
    (self.json, self.context, self.reason) = (json, context, reason)
  }

  private var byteCount: Int { json.count + (context?.count ?? 0) + (reason?.count ?? 0) }

  private func record() throws -> TaskRecord {
    var record = try JSONDecoder().decode(TaskRecord.self, from: Data(json))
    if let context { record.context = try JSONValue(parsing: context) }
    if let reason { record.error?.reason = try JSONValue(parsing: reason) }
    return record
  }

  /// The record of a row with `columns`; throws `.corrupt` when it is not what was written.
  static func record(_ row: Row) throws -> TaskRecord {
    let key = RunKey(TaskKey(tenant: try row.value(0), id: try row.value(1)), run: try row.value(2))
    let (context, reason, digest): (Data?, Data?, Data?) = (row[6], row[7], row[4])
    let stored = StoredRecord(
      json: row.bytes(5), context: context.map { Array($0) }, reason: reason.map { Array($0) })
    guard let digest, stored.digest == digest,
      let record = try? DecodedRecords.shared.record(Array(digest), bytes: stored.byteCount, decode: stored.record),
      record.key.isIdentical(to: key), Copies(row) == Copies(record)
    else {
      throw SDError(.corrupt, "the stored record of task \(key) is not the one that was written")
    }
    return record
  }

  /// The entry of a row with `columns`; throws `.corrupt` when record or request is not what was written.
  static func entry(_ row: Row) throws -> LedgerEntry {
    let record = try record(row)
    let request = row.bytes(9)
    let digest: Data? = row[8]
    guard digest == Self.digest(ofRequest: request) else {
      throw SDError(.corrupt, "the stored request of task \(record.key) is not the one that was written")
    }
    return LedgerEntry(record: record, request: request, revision: Revision(try row.value(3)))
  }

  /// The entry of a row, or how it is damaged.
  static func judged(_ row: Row) -> Result<LedgerEntry, SDError> { judged { try entry(row) } }

  /// What can be read, or how it is damaged.
  static func judged<Found>(_ read: () throws -> Found) -> Result<Found, SDError> {
    do { return .success(try read()) } catch { return .failure(SDError(database: error, "reading a record")) }
  }

  /// What of a record lies in columns too, to be found by; no digest is over these.
  private struct Copies: Equatable {
    var state: String?
    var runtime: String?
    var submission: String?
    var created: Int64?
    var expires: Int64?

    init(_ row: Row) { (state, runtime, submission, created, expires) = (row[10], row[11], row[12], row[13], row[14]) }

    init(_ record: TaskRecord) {
      (state, runtime, submission) = (record.state.rawValue, record.runtime, record.submission)
      (created, expires) = (record.createdAt.milliseconds, record.options.expiresAt?.milliseconds)
    }
  }
}

extension Revision {
  /// The count of writes as a revision.
  init(_ count: Int64) { self.init(rawValue: "\(count)") }
}

extension RunKey {
  fileprivate func isIdentical(to other: RunKey) -> Bool {
    run == other.run && task.id.isIdentical(toBytesOf: other.task.id)
      && task.tenant.isIdentical(toBytesOf: other.task.tenant)
  }

  /// As the arguments of `tenant = ? AND task = ? AND run = ?`.
  var arguments: StatementArguments { [task.tenant, task.id, run] }
}
