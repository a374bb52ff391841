import GRDB
import SDCore
import Synchronization

/// What a write can touch, and what it leaves to be done once its transaction stands.
struct Transaction {
  /// The connection, inside a transaction.
  let db: Database
  /// Queues in which something became receivable, or whose next due time changed.
  var rung: Set<Int64> = []
  /// The message that was sent last.
  var lastSent: Int64?

  /// Runs a statement that answers no rows; answers how many rows it changed.
  @discardableResult
  func run(_ sql: String, _ arguments: StatementArguments = []) throws -> Int {
    try db.cachedStatement(sql: sql).execute(arguments: arguments)
    return db.changesCount
  }

  /// Runs a query and answers what `row` makes of each row.
  func rows<T>(_ sql: String, _ arguments: StatementArguments = [], _ row: (Row) throws -> T) throws -> [T] {
    try db.rows(sql, arguments, row)
  }

  /// A query's first row.
  func row<T>(_ sql: String, _ arguments: StatementArguments = [], _ row: (Row) throws -> T) throws -> T? {
    try db.rows(sql, arguments, row).first
  }
}

extension Database {
  /// Runs a query and answers what `row` makes of each row.
  func rows<T>(_ sql: String, _ arguments: StatementArguments = [], _ row: (Row) throws -> T) throws -> [T] {
    let cursor = try Row.fetchCursor(cachedStatement(sql: sql), arguments: arguments)
    var results: [T] = []
    while let next = try cursor.next() { results.append(try row(next)) }
    return results
  }
}

/// What a write needs.
struct WriteKind: OptionSet {
  let rawValue: Int

  /// It need only survive the process: what is lost with the machine only means a message delivered again.
  static let lazy = WriteKind(rawValue: 1)
  /// It makes the database larger, and so must leave the reserve to those that make it smaller.
  static let growing = WriteKind(rawValue: 2)
  /// It may be dropped before it has begun when the caller's task is cancelled; ends of leases and changes of records
  /// must go through during a shutdown too.
  static let cancellable = WriteKind(rawValue: 4)

  /// The end of a lease, a changed record.
  static let ordinary: WriteKind = []
}

/// A write that waits for its turn in a group.
protocol WriteJob: AnyObject, Sendable {
  /// What it needs.
  var kind: WriteKind { get }
  /// Whether it is wanted no more; asked before it is run.
  var isCancelled: Bool { get }
  /// Does the work; what it throws undoes this job alone. Runs again when its group failed.
  func run(_ db: Database) throws -> Set<Int64>
  /// Tells the caller that the transaction stands.
  func succeed()
  /// Tells the caller that nothing was changed.
  func fail(_ error: any Error)
}

/// A write with its caller.
///
/// Unchecked: `result` is touched on the writer's queue alone, `continuation` before the job is handed over and there.
final class CallerJob<T: Sendable>: WriteJob, @unchecked Sendable {
  let kind: WriteKind
  private let body: @Sendable (inout Transaction) throws -> T
  private let continuation: CheckedContinuation<T, any Error>
  private let cancellation: Cancellation?
  private var result: T?

  /// Set when the caller's task is cancelled; a job that has not begun is then dropped.
  final class Cancellation: Sendable {
    let isSet = Atomic(false)
  }

  init(
    _ kind: WriteKind, _ body: @escaping @Sendable (inout Transaction) throws -> T, cancellation: Cancellation?,
    continuation: CheckedContinuation<T, any Error>
  ) {
    (self.kind, self.body, self.cancellation, self.continuation) = (kind, body, cancellation, continuation)
  }

  var isCancelled: Bool { cancellation?.isSet.load(ordering: .relaxed) ?? false }

  func run(_ db: Database) throws -> Set<Int64> {
    var transaction = Transaction(db: db)
    result = try body(&transaction)
    return transaction.rung
  }

  func succeed() {
    guard let result else { return fail(SDError(.internal, "a write without a result")) }
    continuation.resume(returning: result)
  }

  func fail(_ error: any Error) { continuation.resume(throwing: error) }
}
