import CSmallDisk
import Glibc
import SDCore
import Testing

@testable import LocalPlugins

/// A directory with little space: a file system of its own, or one whose writes are counted.
final class SmallDisk: Sendable {
  enum Kind: Sendable, CaseIterable {
    /// A tmpfs, which only root may mount. CI must.
    case mounted
    /// The process's own writes refuse to grow it. Anybody can have one, one at a time.
    case counted

    static let possible = allCases.filter { $0 == .counted || isCI || mayMount }

    private static var isCI: Bool { getenv("CI").map { $0.pointee != 0 } ?? false }

    private static var mayMount: Bool {
      guard let directory = try? TemporaryDirectory(), (try? SmallDisk(.mounted, in: directory, bytes: 1 << 20)) != nil
      else {
        print("SKIPPED: a small file system cannot be mounted here: writes are counted instead")
        return false
      }
      return true
    }
  }

  let path: String
  private let kind: Kind
  private let directory: TemporaryDirectory

  init(_ kind: Kind, in directory: TemporaryDirectory, bytes: Int) throws {
    (self.kind, self.directory, path) = (kind, directory, directory.path + "/small")
    try Files.makeDirectories(path)
    switch kind {
    case .counted: limit_disk(path, bytes)
    case .mounted:
      guard mount("tmpfs", path, "tmpfs", 0, "size=\(bytes)") == 0 else {
        throw SDError(errno: errno, "mounting a small file system at", path)
      }
    }
  }

  /// Makes it larger.
  func grow(to bytes: Int) {
    switch kind {
    case .counted: limit_disk(path, bytes)
    case .mounted: #expect(mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT), "size=\(bytes)") == 0)
    }
  }

  deinit {
    switch kind {
    case .counted: limit_disk(nil, 0)
    case .mounted: umount2(path, Int32(MNT_DETACH))
    }
  }
}
