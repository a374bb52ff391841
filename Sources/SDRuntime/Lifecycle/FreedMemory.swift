#if canImport(Glibc)
import Glibc

/// Has the C library and the kernel take back what is not needed any more.
///
/// Pictures come and go in blocks of megabytes. Left to itself glibc keeps such blocks once a few were freed, and keeps
/// them anew for every thread: a worker would hold its peak for good. And what a program of this size runs through at
/// its start stays mapped, half of all that it ever has.
enum FreedMemory {
  /// `M_MMAP_THRESHOLD`, `M_TRIM_THRESHOLD` and `M_ARENA_MAX` of malloc.h, which no module of the toolchain declares.
  ///
  /// Answers of up to 2 MiB are taken from what was freed before, since new pages cost more than all else that is done with
  /// them; so much may lie idle.
  private static let options: [(name: Int32, value: Int32)] = [(-3, 2 << 20), (-1, 4 << 20), (-8, 2)]

  /// To be called before anything large is allocated.
  static func giveBack() {
    guard let symbol = dlsym(nil, "mallopt") else { return }
    let mallopt = unsafeBitCast(symbol, to: (@convention(c) (Int32, Int32) -> Int32).self)
    for option in options { _ = mallopt(option.name, option.value) }
  }

  /// Unmaps the pages of code that the start has run through; those that are needed again come back from the page cache.
  ///
  /// Only what cannot have been written to is let go: mappings of files that are executable and not writable.
  static func forgetStart() {
    for mapping in codeMappings() {
      madvise(UnsafeMutableRawPointer(bitPattern: mapping.lowerBound), mapping.count, MADV_DONTNEED)
    }
  }

  /// By proc(5): `55d0c7a00000-55d0ca148000 r-xp 02634000 fe:00 1234 /usr/bin/sd-agent`.
  private static func codeMappings() -> [Range<UInt>] {
    guard let file = fopen("/proc/self/maps", "r") else { return [] }
    defer { fclose(file) }
    var (mappings, line) = ([Range<UInt>](), [CChar](repeating: 0, count: 4096))
    while mappings.count < 1000, fgets(&line, Int32(line.count), file) != nil {
      let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        .split(separator: " ", omittingEmptySubsequences: true)
      guard words.count > 5, words[1] == "r-xp", words[5].first == "/" else { continue }
      let bounds = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
      if bounds.count == 2, bounds[0] < bounds[1] { mappings.append(bounds[0]..<bounds[1]) }
    }
    return mappings
  }
}
#else
enum FreedMemory {
  static func giveBack() {}
  static func forgetStart() {}
}
#endif
