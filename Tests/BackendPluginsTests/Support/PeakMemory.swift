import Glibc

/// How far this process's memory rises while something is done, as Linux counts it.
enum PeakMemory {
  /// Bytes by which the resident set rose at most above what it was before.
  static func rise(_ body: () async throws -> Void) async rethrows -> Int {
    letGo()
    reset()
    let before = status("VmRSS:")
    try await body()
    return max(0, status("VmHWM:") - before)
  }

  /// Gives pages back that the allocator keeps: they would hide a rise. Glibc's headers show Swift no `malloc_trim`.
  private static func letGo() {
    guard let symbol = dlsym(nil, "malloc_trim") else { return }
    _ = unsafeBitCast(symbol, to: (@convention(c) (Int) -> CInt).self)(0)
  }

  /// Lets the highest mark fall to what is resident now.
  private static func reset() {
    guard let file = fopen("/proc/self/clear_refs", "w") else { return }
    fputs("5", file)
    fclose(file)
  }

  private static func status(_ name: String) -> Int {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = fread(&buffer, 1, buffer.count, file)
    let text = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let line = text.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
    return (line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) } ?? 0) << 10
  }
}
