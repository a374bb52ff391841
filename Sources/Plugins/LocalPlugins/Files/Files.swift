import Glibc
import SDCore

/// What is done with whole paths, before there is a descriptor.
enum Files {
  /// A path without symbolic links.
  static func resolved(_ path: String) throws(SDError) -> String {
    guard let pointer = realpath(path, nil) else { throw SDError(errno: errno, "resolving", path) }
    defer { free(pointer) }
    return String(cString: pointer)
  }

  /// Makes a directory and those above it.
  static func makeDirectories(_ path: String) throws(SDError) {
    if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
      throw SDError(errno: errno, "making the directory", path)
    }
    try makeDirectories(String(path[..<slash]))
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw SDError(errno: errno, "making the directory", path) }
  }

  /// The length of a file; `nil` when there is none.
  static func size(_ path: String) throws(SDError) -> Int64? {
    var status = Glibc.stat()
    if stat(path, &status) == 0 { return Int64(status.st_size) }
    guard errno == ENOENT else { throw SDError(errno: errno, "looking at", path) }
    return nil
  }

  /// Moves a file that may be absent; answers whether it was there.
  static func move(_ path: String, to target: String) throws(SDError) -> Bool {
    if rename(path, target) == 0 { return true }
    guard errno == ENOENT else { throw SDError(errno: errno, "renaming", path) }
    return false
  }

  /// Copies a file to a new one, piece by piece.
  static func copy(_ source: Descriptor, to path: String) throws(SDError) {
    let target = try Descriptor.open(path: path, flags: O_WRONLY | O_CREAT | O_EXCL)
    var offset: Int64 = 0
    while true {
      let bytes = try source.read(at: offset, count: 1 << 20)
      if bytes.isEmpty { break }
      try target.write(bytes)
      offset += Int64(bytes.count)
    }
    try target.sync()
  }
}
