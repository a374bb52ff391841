import Glibc
import SDCore

/// Milliseconds on a clock that all processes of this machine share, for deadlines that are kept in the database.
///
/// The machine's own is `CLOCK_BOOTTIME`: monotonic, the same in every process, and it goes on while the machine
/// sleeps; the time of day would expire every lease when somebody sets the clock. It starts again with the machine,
/// hence `epoch`. Injected clocks are taken as they are.
struct SharedTime: Sendable {
  let clocks: Clocks
  private let isSystem: Bool
  /// Zero is kept for "at once".
  private static let start: Int64 = 1_000_000

  init(_ clocks: Clocks) {
    self.clocks = clocks
    isSystem = clocks.monotonic is SystemMonotonicClock
  }

  /// The present point, above zero.
  var now: Int64 {
    guard isSystem else { return Self.start + clocks.instant.sinceOrigin.milliseconds }
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return Self.start + Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }

  /// How much a stored deadline may lie before the exact one, for having been rounded down.
  var grain: Duration { isSystem ? .milliseconds(1) : .zero }

  /// Names the run of the clock that stored times belong to.
  var epoch: String {
    guard isSystem else { return "injected" }
    guard let file = try? Descriptor.open(path: "/proc/sys/kernel/random/boot_id", flags: O_RDONLY),
      let bytes = try? file.read(at: 0, count: 36), bytes.count == 36
    else { return "unknown" }
    return String(decoding: bytes, as: UTF8.self)
  }
}
