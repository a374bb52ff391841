#if canImport(Glibc)
import Glibc

/// Has the C library give freed memory back to the system.
///
/// Pictures come and go in blocks of megabytes. Left to itself glibc keeps such blocks once a few were freed, and keeps
/// them anew for every thread: a worker would hold its peak for good.
enum FreedMemory {
  /// `M_MMAP_THRESHOLD` and `M_ARENA_MAX` of malloc.h, which no module of the toolchain declares.
  private static let options: [(name: Int32, value: Int32)] = [(-3, 256 << 10), (-8, 2)]

  static func giveBack() {
    guard let symbol = dlsym(nil, "mallopt") else { return }
    let mallopt = unsafeBitCast(symbol, to: (@convention(c) (Int32, Int32) -> Int32).self)
    for option in options { _ = mallopt(option.name, option.value) }
  }
}
#else
enum FreedMemory {
  static func giveBack() {}
}
#endif
