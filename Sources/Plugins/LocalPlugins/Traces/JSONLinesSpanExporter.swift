public import SDCore

/// Spans as lines of JSON in a file, one a span, in the form of `FinishedSpan.json`.
///
/// Several processes may write one file: a batch goes out in a single appending write, so that lines never mingle. What
/// is exported is in the hands of the system, not synced to the disk. A disk that fills up in the midst of a write leaves
/// half a line; the next batch then begins with an empty one, and readers pass over both.
///
/// At `maximumBytes` the file moves to `PATH.1`, an older one to `PATH.2` and so on, `keptFiles` of them; whichever process
/// finds it full does it. A path that is no ordinary file (a terminal, a pipe) is written to and left alone.
public final class JSONLinesSpanExporter: SpanExporter {
  let file: RotatedFile
  let pool = IOPool(width: 1)
  private let end = ExporterEnd()

  /// An exporter to a file, which is made with its directory where it is not there.
  ///
  /// Throws `SDError` when it cannot be opened for writing.
  public init(path: String, maximumBytes: Int = 64 << 20, keptFiles: Int = 2) throws(SDError) {
    file = try RotatedFile(path: path, maximumBytes: max(1, maximumBytes), keptFiles: min(max(0, keptFiles), 100))
  }

  /// Where the spans go.
  public var path: String { file.path }

  public func shutdown() async { end.reach() }

  public func export(_ spans: [FinishedSpan]) async throws {
    try end.check()
    var lines: [UInt8] = []
    for span in spans {
      span.json.write(to: &lines)
      lines.append(UInt8(ascii: "\n"))
    }
    guard !lines.isEmpty else { return }
    try await pool.run { [lines, file] in try file.append(lines) }
  }
}
