import Glibc
import SDCore

/// An open file or directory.
///
/// It is closed when the last holder lets go of it.
///
/// Every call is blocking: run it on an `IOPool`, not on the cooperative pool.
final class Descriptor: Sendable {
  /// The kernel's number for it.
  let raw: Int32
  /// What error messages call it.
  let path: String

  private init(owning raw: Int32, path: String) { (self.raw, self.path) = (raw, path) }

  deinit { close(raw) }

  /// Opens a path as it is, symbolic links included: for roots that the user named.
  static func open(path: String, flags: Int32, mode: mode_t = 0o644) throws(SDError) -> Descriptor {
    let raw = retrying { Glibc.open(path, flags | O_CLOEXEC, mode) }
    guard raw >= 0 else { throw SDError(errno: errno, "opening", path) }
    return Descriptor(owning: raw, path: path)
  }

  /// Opens a name in this directory and never follows a symbolic link.
  func open(_ name: String, flags: Int32, mode: mode_t = 0o644) throws(SDError) -> Descriptor {
    let raw = retrying { openat(self.raw, name, flags | O_CLOEXEC | O_NOFOLLOW, mode) }
    guard raw >= 0 else {
      let code = errno
      // A link where a directory should be is reported as ENOTDIR.
      if code == ENOTDIR, isLink(name) { throw SDError(errno: ELOOP, "opening", "\(path)/\(name)") }
      throw SDError(errno: code, "opening", "\(path)/\(name)")
    }
    return Descriptor(owning: raw, path: "\(path)/\(name)")
  }

  /// A directory in this one, made if asked for; `nil` when there is none.
  func directory(_ name: String, create: Bool = false) throws(SDError) -> Descriptor? {
    do {
      return try open(name, flags: O_RDONLY | O_DIRECTORY)
    } catch  where error.code == .notFound {
      guard create else { return nil }
      if mkdirat(raw, name, 0o755) != 0, errno != EEXIST {
        throw SDError(errno: errno, "making the directory", "\(path)/\(name)")
      }
      return try open(name, flags: O_RDONLY | O_DIRECTORY)
    }
  }

  private func isLink(_ name: String) -> Bool {
    var status = Glibc.stat()
    return fstatat(raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  /// What the file system knows of it.
  func status() throws(SDError) -> FileStatus {
    var status = Glibc.stat()
    guard fstat(raw, &status) == 0 else { throw SDError(errno: errno, "looking at", path) }
    return FileStatus(status)
  }

  /// Reads up to `count` bytes from an offset; fewer only at the end of the file.
  func read(at offset: Int64, count: Int) throws(SDError) -> [UInt8] {
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let got = pread(raw, buffer.baseAddress! + filled, count - filled, off_t(offset) + filled)
        if got < 0 && errno == EINTR { continue }
        if got < 0 { failure = errno }
        if got <= 0 { return }
        filled += got
      }
    }
    guard failure == 0 else { throw SDError(errno: failure, "reading", path) }
    return bytes
  }

  /// Writes bytes at the file's position, all of them or it throws.
  func write(_ bytes: some Collection<UInt8>) throws(SDError) {
    let failure: Int32? = bytes.withContiguousStorageIfAvailable { buffer in
      var written = 0
      while written < buffer.count {
        let count = Glibc.write(raw, buffer.baseAddress! + written, buffer.count - written)
        if count < 0 && errno == EINTR { continue }
        if count < 0 { return errno }
        written += count
      }
      return 0
    }
    guard let failure else { return try write(Array(bytes)) }
    guard failure == 0 else { throw SDError(errno: failure, "writing", path) }
  }

  /// Waits until what was written is on the disk.
  func sync() throws(SDError) {
    guard retrying({ fsync(raw) }) == 0 else { throw SDError(errno: errno, "syncing", path) }
  }

  /// Moves a name of this directory over another one of `directory`, in one step.
  func rename(_ name: String, to target: String, in directory: Descriptor) throws(SDError) {
    guard renameat(raw, name, directory.raw, target) == 0 else {
      throw SDError(errno: errno, "renaming to", "\(directory.path)/\(target)")
    }
  }

  /// Removes a file of this directory; answers whether there was one.
  @discardableResult
  func remove(_ name: String) throws(SDError) -> Bool {
    guard unlinkat(raw, name, 0) != 0 else { return true }
    guard errno == ENOENT else { throw SDError(errno: errno, "removing", "\(path)/\(name)") }
    return false
  }

  /// Removes an empty directory of this one; answers whether it is gone.
  func removeDirectory(_ name: String) -> Bool { unlinkat(raw, name, AT_REMOVEDIR) == 0 }

  /// The names in this directory, in no order.
  func names() throws(SDError) -> [(name: String, kind: EntryKind)] {
    let copy = openat(raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0 else { throw SDError(errno: errno, "listing", path) }
    guard let stream = fdopendir(copy) else {
      let code = errno
      close(copy)
      throw SDError(errno: code, "listing", path)
    }
    defer { closedir(stream) }
    var names: [(name: String, kind: EntryKind)] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else { throw SDError(errno: errno, "listing", path) }
        return names
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append((name, kind(of: name, told: Int32(entry.pointee.d_type)))) }
    }
  }

  private func kind(of name: String, told type: Int32) -> EntryKind {
    switch type {
    case Int32(DT_REG): return .file
    case Int32(DT_DIR): return .directory
    case Int32(DT_UNKNOWN):
      var status = Glibc.stat()
      guard fstatat(raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return .other }
      return status.st_mode & S_IFMT == S_IFREG ? .file : status.st_mode & S_IFMT == S_IFDIR ? .directory : .other
    default: return .other
    }
  }

  /// Takes a lock on the file, waiting up to `limit`; `.unavailable` after it.
  ///
  /// It goes with the descriptor, so that a process that dies leaves none behind.
  func lock(exclusive: Bool, within limit: Duration) throws(SDError) {
    let end = ContinuousClock.now + limit
    var pause: UInt32 = 100
    while !tryLock(exclusive: exclusive) {
      guard errno == EWOULDBLOCK || errno == EINTR else { throw SDError(errno: errno, "locking", path) }
      guard ContinuousClock.now < end else {
        throw SDError(.unavailable, "\(path) is locked by another process for \(limit)")
      }
      usleep(pause)
      pause = min(pause * 2, 5000)
    }
  }

  /// Takes a lock if it is free.
  func tryLock(exclusive: Bool) -> Bool { flock(raw, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 }
}

/// What a name in a directory stands for.
enum EntryKind { case file, directory, other }

/// What the file system knows of a file.
struct FileStatus {
  /// Length in bytes.
  var size: Int64
  /// Nanoseconds since 1970 of the last change of its bytes.
  var modified: Int64
  /// Whether it is an ordinary file.
  var isFile: Bool
  /// The file's number in its file system.
  var inode: UInt64
  /// Whether it has a name yet: it goes when the last is removed and the last descriptor closed.
  var isNamed: Bool

  fileprivate init(_ status: Glibc.stat) {
    size = Int64(status.st_size)
    modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    isFile = status.st_mode & S_IFMT == S_IFREG
    inode = UInt64(status.st_ino)
    isNamed = status.st_nlink > 0
  }
}

/// Repeats a call that a signal cut short.
private func retrying(_ call: () -> Int32) -> Int32 {
  while true {
    let result = call()
    if result >= 0 || errno != EINTR { return result }
  }
}

extension SDError {
  /// A failed system call, by what was attempted on which file.
  init(errno code: Int32, _ attempt: String, _ path: String, file: String = #fileID, line: Int = #line) {
    let kind: Code =
      switch code {
      case ENOENT: .notFound
      case EEXIST: .conflict
      case ENOSPC, EDQUOT, EFBIG: .full
      case EACCES, EPERM, EROFS, ELOOP: .denied
      case ENAMETOOLONG: .tooLarge
      case EINVAL, ENOTDIR, EISDIR: .invalid
      default: .unavailable
      }
    let reason = code == ELOOP ? "a symbolic link is not followed here" : String(cString: strerror(code))
    self.init(kind, "\(attempt) \(path): \(reason)", file: file, line: line)
  }
}
