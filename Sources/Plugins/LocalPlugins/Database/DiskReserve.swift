import Glibc
import SDCore

/// A file that holds some space back for the work that makes space: `DIR/state.reserve`.
///
/// On a full disk even a receive or a complete could not be committed, and nothing would ever become less. So when the
/// disk is full the file is removed for them, and until it can be made again nothing that grows the database is taken.
struct DiskReserve: Sendable {
  private let path: String

  /// Enough for the log to be copied back and written anew: it is copied back at half of this.
  static let size = 8 << 20

  init(directory: String) { path = directory + "/state.reserve" }

  /// Whether the space is held, after trying to hold it.
  func isHeld() -> Bool {
    var status = Glibc.stat()
    if stat(path, &status) == 0 && Int(status.st_size) >= Self.size { return true }
    let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { return false }
    defer { close(file) }
    guard posix_fallocate(file, 0, off_t(Self.size)) == 0 else {
      unlink(path)
      return false
    }
    return true
  }

  /// Lets go of the space; answers whether there was any.
  func release() -> Bool { unlink(path) == 0 }
}
