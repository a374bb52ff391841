import Glibc
import SDCore
import Synchronization

/// A file of whole lines that several processes append to, and that makes room for a new one when it is full.
///
/// Its calls block.
final class RotatedFile: Sendable {
  private struct State {
    var descriptor: Descriptor
    /// Whether the last write ended in the midst of a line.
    var isTorn: Bool
  }

  let path: String
  private let maximumBytes: Int64
  let keptFiles: Int
  private let state: Mutex<State>

  init(path: String, maximumBytes: Int, keptFiles: Int) throws(SDError) {
    (self.path, self.maximumBytes, self.keptFiles) = (path, Int64(maximumBytes), keptFiles)
    if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
      try Files.makeDirectories(String(path[..<slash]))
    }
    let descriptor = try Self.open(path)
    state = Mutex(State(descriptor: descriptor, isTorn: Self.isTorn(path, descriptor)))
  }

  /// Appends lines in one write.
  func append(_ lines: [UInt8]) throws(SDError) {
    try state.withLock { state throws(SDError) in
      try makeRoom(for: lines.count, &state)
      let bytes = state.isTorn ? [UInt8(ascii: "\n")] + lines : lines
      let written = bytes.withUnsafeBytes { buffer in
        var count: Int
        repeat {
          count = write(state.descriptor.raw, buffer.baseAddress, buffer.count)
        } while count < 0 && errno == EINTR
        return count
      }
      guard written >= 0 else { throw SDError(errno: errno, "appending to", path) }
      guard written == bytes.count else {
        // The rest must not follow: another process may have written in between.
        state.isTorn = written > 0
        throw SDError(.full, "appending to \(path): \(written) of \(bytes.count) bytes were taken")
      }
      state.isTorn = false
    }
  }

  /// Goes over to the file that is at the path now, moving it out of the way first where it is full.
  private func makeRoom(for count: Int, _ state: inout State) throws(SDError) {
    let own = try state.descriptor.status()
    guard own.isFile else { return }
    guard try isAtPath(own) else { return try reopen(&state) }
    guard own.size > 0, own.size + Int64(count) > maximumBytes else { return }
    // Held by another: it is moving the file away, and this batch may still go into it.
    let full = state.descriptor
    guard full.tryLock(exclusive: true) else { return }
    defer { flock(full.raw, LOCK_UN) }
    // Between looking and locking another may have moved it.
    if try isAtPath(own) {
      for number in stride(from: keptFiles, to: 0, by: -1) {
        _ = try Files.move(number == 1 ? path : "\(path).\(number - 1)", to: "\(path).\(number)")
      }
      if keptFiles == 0, unlink(path) != 0, errno != ENOENT { throw SDError(errno: errno, "removing", path) }
    }
    try reopen(&state)
  }

  private func reopen(_ state: inout State) throws(SDError) {
    // Not looked at for half a line: it is new, and another's write may be seen unfinished.
    (state.descriptor, state.isTorn) = (try Self.open(path), false)
  }

  private func isAtPath(_ own: FileStatus) throws(SDError) -> Bool {
    var there = Glibc.stat()
    if stat(path, &there) == 0 { return UInt64(there.st_ino) == own.inode }
    guard errno == ENOENT else { throw SDError(errno: errno, "looking at", path) }
    return false
  }

  private static func open(_ path: String) throws(SDError) -> Descriptor {
    try Descriptor.open(path: path, flags: O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY)
  }

  /// Whether the file ends in half a line, as after a full disk. Where another process is just writing, that may seem so:
  /// an empty line more does no harm.
  private static func isTorn(_ path: String, _ descriptor: Descriptor) -> Bool {
    guard let status = try? descriptor.status(), status.isFile, status.size > 0,
      let reader = try? Descriptor.open(path: path, flags: O_RDONLY),
      let last = try? reader.read(at: status.size - 1, count: 1)
    else { return false }
    return last != [UInt8(ascii: "\n")]
  }
}
