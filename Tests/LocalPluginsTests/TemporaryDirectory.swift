import Glibc
import Logging
import SDCore
import SDTestKit
import Synchronization

@testable import LocalPlugins

/// A directory of a test's own, removed with everything in it.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    let root = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(root)/sd-local-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SDError(errno: errno, "making a directory in", root) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { try? Self.remove(path) }

  private static func remove(_ path: String) throws {
    let directory = try Descriptor.open(path: path, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    for (name, kind) in try directory.names() {
      if kind == .directory { try remove("\(path)/\(name)") } else { try directory.remove(name) }
    }
    rmdir(path)
  }

  /// Opens the database as a process of its own would: not the one object that a process shares.
  func database(
    _ clocks: Clocks = .system, durability: LocalDatabase.Durability = .relaxed, log: LogRecorder? = nil,
    maximumPages: Int? = nil, patience: Duration = .seconds(10)
  ) throws -> LocalDatabase {
    try LocalDatabase(
      directory: path, durability: durability, clocks: clocks, logger: log?.logger ?? silent,
      maximumPages: maximumPages, patience: patience)
  }
}

/// A logger that says nothing.
let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Keeps what is logged.
final class LogRecorder: Sendable {
  private let lines = Mutex<[(level: Logger.Level, text: String)]>([])

  var logger: Logger { Logger(label: "test") { _ in Handler(recorder: self) } }

  /// What was logged at `error` and above.
  var errors: [String] { lines.withLock { $0.filter { $0.level >= .error }.map(\.text) } }

  private struct Handler: LogHandler {
    var recorder: LogRecorder
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }
    func log(event: LogEvent) {
      recorder.lines.withLock { $0.append((event.level, "\(event.message) \(event.metadata ?? [:])")) }
    }
  }
}
