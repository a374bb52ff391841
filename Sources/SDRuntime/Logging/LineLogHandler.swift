public import Logging
import SDCore
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A log handler that writes each event as one line, as text for people or as JSON for machines.
///
/// Whatever stands in messages and metadata, a line stays a line, and a JSON one valid. Secrets that can be told from their
/// names or form are not shown, and long values are cut.
public struct LineLogHandler: LogHandler {
  /// How events are shown.
  public enum Format: String, Sendable, Hashable {
    /// Text for people.
    case text
    /// Text with colours, for terminals.
    case colouredText
    /// One JSON object a line.
    case json
  }

  public var logLevel: Logger.Level
  public var metadata: Logger.Metadata = [:]
  public var metadataProvider: Logger.MetadataProvider?
  private let label: String
  private let format: Format
  private let wall: any WallClock
  private let write: @Sendable ([UInt8]) -> Void

  /// A handler that writes to standard error.
  public init(label: String, format: Format, level: Logger.Level) {
    self.init(label: label, format: format, level: level, wall: SystemWallClock(), write: StandardError.write)
  }

  init(
    label: String, format: Format, level: Logger.Level, wall: any WallClock,
    write: @escaping @Sendable ([UInt8]) -> Void
  ) {
    (self.label, self.format, self.wall, self.write) = (label, format, wall, write)
    logLevel = level
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    var all = metadata
    if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
    if let own = event.metadata { all.merge(own) { _, new in new } }
    switch format {
    case .json: write(LogLine.json(event, metadata: all, label: label, time: wall.now))
    case .text, .colouredText:
      write(LogLine.text(event, metadata: all, time: wall.now, colours: format == .colouredText))
    }
  }
}

private func systemWrite(_ descriptor: CInt, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}

/// Where logs go.
enum StandardError {
  private static let lock = Mutex<Void>(())

  /// Writes a line whole; what cannot be written is lost, since there is nowhere to say so.
  static func write(_ bytes: [UInt8]) {
    lock.withLock { _ in
      var rest = bytes[...]
      while !rest.isEmpty {
        let written = rest.withUnsafeBytes { systemWrite(STDERR_FILENO, $0.baseAddress, $0.count) }
        if written < 0 {
          guard errno == EINTR else { return }
          continue
        }
        rest = rest.dropFirst(written)
      }
    }
  }

  /// Whether people look at it.
  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}
