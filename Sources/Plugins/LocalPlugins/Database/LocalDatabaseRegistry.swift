import Glibc
import SDCore
import Synchronization

/// The databases that this process has open, one a directory whatever it was called.
final class LocalDatabaseRegistry: Sendable {
  static let shared = LocalDatabaseRegistry()

  private struct Known {
    weak var database: LocalDatabase?
  }

  private let known = Mutex<[String: Known]>([:])

  /// The database of a directory, opened if it is not.
  func database(
    at directory: String, durability: LocalDatabase.Durability, open: () throws -> LocalDatabase
  ) throws -> LocalDatabase {
    // Opening happens under the lock: two openings at once would make two objects.
    try known.withLock { known in
      known = known.filter { $0.value.database != nil }
      if let path = try? Files.resolved(directory), let database = known[path]?.database {
        guard database.durability == durability else {
          throw SDError(
            .configuration,
            "\(directory) is open as \(database.durability.rawValue) already; it cannot be \(durability.rawValue) as well"
          )
        }
        return database
      }
      let database = try open()
      known[database.directory] = Known(database: database)
      return database
    }
  }
}
