import FoundationEssentials
public import SDCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Small files that are replaced as a whole: whoever reads sees the one before or the one after.
public enum WholeFile {
  /// The text of a file; `nil` where there is none.
  ///
  /// - Throws: `.configuration` for one that cannot be read, is no UTF-8 or is larger than 1 MiB.
  public static func text(_ path: String) throws(SDError) -> String? {
    guard access(path, F_OK) == 0 else { return nil }
    return try YAMLFile.text(of: path, attempting: "reading")
  }

  /// Puts a text in the place of another. A symbolic link stays one: what it points to is replaced.
  ///
  /// - Parameters:
  ///   - before: what was read; somebody else's change since then is not written over. `nil` for a new file.
  ///   - mode: of a new file; one that is there keeps its own.
  /// - Throws: `.conflict` for a file that changed meanwhile, `.unavailable` for one that cannot be written.
  public static func replace(_ path: String, _ before: String?, with text: String, mode: UInt32 = 0o644) throws(SDError)
  {
    let path = resolved(path)
    var status = stat()
    let kept = stat(path, &status) == 0 ? UInt32(status.st_mode & 0o777) : mode
    let temporary = "\(path).\(RandomName.make()).new"
    defer { unlink(temporary) }
    try make(Array(text.utf8), at: temporary, mode: kept)
    guard try self.text(path) == before else {
      throw SDError(.conflict, "\(path) was changed by somebody else meanwhile: look at it, and try again")
    }
    guard rename(temporary, path) == 0 else { throw failure(path) }
  }

  /// Where a path leads; itself where there is nothing yet.
  private static func resolved(_ path: String) -> String {
    guard let found = realpath(path, nil) else { return path }
    defer { free(found) }
    return String(cString: found)
  }

  private static func make(_ bytes: [UInt8], at path: String, mode: UInt32) throws(SDError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(mode))
    guard descriptor >= 0 else { throw failure(path) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      rest = rest.dropFirst(count)
    }
    // What the umask took off an existing file's mode is given back.
    let isWhole = rest.isEmpty && fchmod(descriptor, mode_t(mode)) == 0 && fsync(descriptor) == 0
    guard close(descriptor) == 0, isWhole else { throw failure(path) }
  }

  private static func failure(_ path: String) -> SDError {
    SDError(.unavailable, "writing \(path) failed: \(String(cString: strerror(errno)))")
  }
}
