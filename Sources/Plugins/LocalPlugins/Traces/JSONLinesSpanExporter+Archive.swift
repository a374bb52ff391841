import Glibc
public import SDCore

extension JSONLinesSpanExporter: SpanArchive {
  /// Bytes that are looked through, the newest of the file and of those that were moved out of its way.
  private static let searched: Int64 = 64 << 20
  private static let chunk = 4 << 20

  public func spans(of trace: TraceID, limit: Int) async throws -> [FinishedSpan] {
    try await pool.run { [file] in
      let paths = [file.path] + (0..<file.keptFiles).map { "\(file.path).\($0 + 1)" }
      // A batch may have been exported twice.
      var found: [SpanID: FinishedSpan] = [:]
      var budget = Self.searched
      for path in paths where budget > 0 && found.count < limit {
        guard let reader = try? Descriptor.open(path: path, flags: O_RDONLY | O_NONBLOCK),
          let status = try? reader.status(), status.isFile
        else { continue }
        try Self.search(reader, from: max(0, status.size - budget), to: status.size, for: trace, limit, &found)
        budget -= status.size
      }
      return found.values.sorted { $0.startNanoseconds < $1.startNanoseconds }
    }
  }

  /// Goes through a file by chunks; a line that a chunk cuts is looked at with the next one.
  private static func search(
    _ reader: Descriptor, from start: Int64, to end: Int64, for trace: TraceID, _ limit: Int,
    _ found: inout [SpanID: FinishedSpan]
  ) throws(SDError) {
    let wanted = Array("{\"trace_id\":\"\(trace)\"".utf8)
    var (offset, rest): (Int64, [UInt8]) = (start, [])
    while offset < end, found.count < limit {
      let bytes = try reader.read(at: offset, count: Int(min(Int64(chunk), end - offset)))
      guard !bytes.isEmpty else { return }
      offset += Int64(bytes.count)
      let lines = rest + bytes
      let whole = lines.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
      rest = lines.count - whole <= chunk ? Array(lines[whole...]) : []
      for line in Self.lines(of: lines[..<whole], beginning: wanted) {
        guard found.count < limit, let json = try? JSONValue(parsing: line), let span = FinishedSpan(json),
          span.traceID == trace
        else { continue }
        found[span.spanID] = span
      }
    }
  }

  /// The lines that begin in a way: a span's line does with its trace.
  private static func lines(of bytes: ArraySlice<UInt8>, beginning start: [UInt8]) -> [[UInt8]] {
    bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return [] }
      var lines: [[UInt8]] = []
      var position = 0
      while position < buffer.count {
        let end =
          memchr(base + position, 0x0A, buffer.count - position).map { UnsafeRawPointer($0) - base } ?? buffer.count
        if end - position >= start.count, memcmp(base + position, start, start.count) == 0 {
          lines.append(Array(buffer[position..<end]))
        }
        position = end + 1
      }
      return lines
    }
  }
}
