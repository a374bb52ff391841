import Glibc

/// How often a second the disk takes a small write for good.
public enum SyncRate {
  /// Syncs a second in a directory, over one second.
  public static func measure(in directory: String) throws -> Double {
    let path = "\(directory)/syncs"
    let file = open(path, O_RDWR | O_CREAT, 0o644)
    guard file >= 0 else { throw Child.Failure("\(path) cannot be written") }
    defer {
      close(file)
      unlink(path)
    }
    let block = [UInt8](repeating: 1, count: 4096)
    var syncs = 0
    let start = ContinuousClock.now
    while start.duration(to: .now) < .seconds(1) {
      guard pwrite(file, block, block.count, off_t(syncs % 256 * block.count)) == block.count, fdatasync(file) == 0
      else { throw Child.Failure("\(path) cannot be written") }
      syncs += 1
    }
    return Double(syncs) / (start.duration(to: .now) / .seconds(1))
  }
}
