import FoundationEssentials
import Glibc

/// The directory that models go into, and our own folder in it: what has not come whole yet, and what is known to have.
struct ModelFolder: Sendable {
  /// Our own folder's name.
  static let ownName = ".sdctl-models"

  let path: String

  /// Makes it where it is missing.
  init(_ path: String) throws(ModelError) {
    self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    try Self.make(self.path)
    try Self.make(own)
  }

  private var own: String { "\(path)/\(Self.ownName)" }
  private var indexPath: String { "\(own)/index.json" }

  func place(_ file: String) -> String { "\(path)/\(file)" }

  /// Where the bytes of a file are put until it is whole.
  func partial(_ file: String) -> String { "\(own)/\(Fingerprint.of(file)).part" }

  /// Makes the directories that a file needs.
  func makeRoom(for file: String) throws(ModelError) {
    var place = path
    for part in file.split(separator: "/").dropLast() {
      place += "/\(part)"
      try Self.make(place)
    }
  }

  private static func make(_ path: String) throws(ModelError) {
    if mkdir(path, 0o755) == 0 { return }
    let number = errno
    var status = stat()
    if number == EEXIST, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
    throw ModelError(.file, "making the directory \(path) failed: \(String(cString: strerror(number)))")
  }

  /// Bytes that the disk has room for; `nil` where it does not tell.
  var free: Int64? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return Int64(clamping: UInt64(status.f_bavail) &* UInt64(status.f_frsize))
  }

  // MARK: What is known

  /// What a file was when its bytes were proven.
  struct Known: Codable, Sendable, Hashable {
    var eTag: String
    var bytes: Int64
    /// When it was changed last, in nanoseconds since 1970.
    var changed: Int64
  }

  /// What is known of files; nothing where that cannot be read: they are looked at again, then.
  func index() -> [String: Known] {
    guard let data = try? Data(contentsOf: URL(filePath: indexPath)) else { return [:] }
    return (try? JSONDecoder().decode([String: Known].self, from: data)) ?? [:]
  }

  func write(_ index: [String: Known]) throws(ModelError) {
    let temporary = indexPath + ".new"
    do {
      try JSONEncoder().encode(index).write(to: URL(filePath: temporary))
    } catch { throw ModelError(.file, "writing \(temporary) failed: \(error)") }
    guard rename(temporary, indexPath) == 0 else {
      throw ModelError(.file, "writing \(indexPath) failed: \(String(cString: strerror(errno)))")
    }
  }

  /// A file as it lies there: its bytes and when it was changed; `nil` where there is none.
  func status(of file: String) -> (bytes: Int64, changed: Int64)? {
    var status = stat()
    guard lstat(place(file), &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return (Int64(status.st_size), Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec))
  }

  /// Removes what is left of files that have not come whole: once all have, nobody goes on with it.
  func removePartials() {
    guard let directory = opendir(own) else { return }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasSuffix(".part") || name.hasSuffix(".part.done") { names.append(name) }
    }
    for name in names { unlink("\(own)/\(name)") }
  }

  // MARK: One at a time

  /// A lock that the directory has for whoever fills it; held as long as the value lives, or its process.
  final class Lock: Sendable {
    private let descriptor: Int32

    fileprivate init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }
  }

  /// Takes the lock; `nil` while somebody else has it.
  func lock() throws(ModelError) -> Lock? {
    let descriptor = open("\(own)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw ModelError(.file, "locking \(path) failed: \(String(cString: strerror(errno)))")
    }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return Lock(descriptor) }
    let number = errno
    close(descriptor)
    // File systems without locks have no two writers that could be told apart.
    guard number == EWOULDBLOCK else {
      throw ModelError(.file, "\(path) cannot be locked: \(String(cString: strerror(number)))")
    }
    return nil
  }
}
