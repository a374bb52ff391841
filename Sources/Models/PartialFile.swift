import Glibc
import Synchronization

/// A file that comes in parts, in any order; which ones are there is kept beside it, for a later run to go on.
///
/// A part counts only after its bytes are written. Should a machine lose them all the same, the checksum of the whole
/// tells.
final class PartialFile: Sendable {
  let path: String
  /// Bytes of the whole.
  let bytes: Int64
  /// Bytes of a part; the last one has the rest.
  let partSize: Int64
  private let descriptor: Int32
  private let marks: Int32
  private let header: [UInt8]
  private let missing: Mutex<Set<Int>>

  private var donePath: String { path + ".done" }

  /// Opens or begins one.
  ///
  /// - Parameter eTag: of the object; parts of another are thrown away.
  init(_ path: String, eTag: String, bytes: Int64, partSize: Int64) throws(ModelError) {
    (self.path, self.bytes, self.partSize) = (path, bytes, partSize)
    let count = bytes == 0 ? 0 : Int((bytes - 1) / partSize + 1)
    header = Array("\(eTag) \(bytes) \(partSize)\n".utf8)
    let (header, marks) = (header, try Self.opened(path + ".done"))
    self.marks = marks
    do { descriptor = try Self.opened(path) } catch {
      close(marks)
      throw error
    }
    var found = [UInt8](repeating: 0, count: header.count + count)
    let length = found.withUnsafeMutableBytes { pread(marks, $0.baseAddress, $0.count, 0) }
    let isOurs = length >= header.count && found[..<header.count].elementsEqual(header)
    let done = isOurs ? Array(found[header.count..<length]) : []
    missing = Mutex(Set((0..<count).filter { !done.indices.contains($0) || done[$0] != 1 }))
    if !isOurs {
      guard ftruncate(descriptor, 0) == 0, ftruncate(marks, 0) == 0 else { throw failure("emptying") }
      try Self.write(header[...], marks, at: 0, path)
    }
  }

  deinit {
    close(descriptor)
    close(marks)
  }

  /// Parts that are not there, in order.
  var missingParts: [Int] { missing.withLock { $0.sorted() } }

  /// The bytes of a part.
  func range(of part: Int) -> Range<Int64> {
    let start = Int64(part) * partSize
    return start..<min(start + partSize, bytes)
  }

  func write(_ chunk: ArraySlice<UInt8>, at offset: Int64) throws(ModelError) {
    try Self.write(chunk, descriptor, at: offset, path)
  }

  /// Notes that a part is there; whether it was the last one.
  func finish(_ part: Int) throws(ModelError) -> Bool {
    try Self.write([1], marks, at: Int64(header.count + part), path)
    return missing.withLock { missing in
      missing.remove(part)
      return missing.isEmpty
    }
  }

  /// Forgets all parts: their bytes were not the object's.
  func restart() throws(ModelError) {
    guard ftruncate(marks, off_t(header.count)) == 0 else { throw failure("emptying") }
    missing.withLock { $0 = Set((0..<Int((bytes + partSize - 1) / partSize))) }
  }

  /// Gives the file its name, durably.
  func commit(to place: String) throws(ModelError) {
    guard ftruncate(descriptor, off_t(bytes)) == 0, fsync(descriptor) == 0 else { throw failure("writing") }
    guard rename(path, place) == 0 else {
      throw ModelError(.file, "naming \(place) failed: \(String(cString: strerror(errno)))")
    }
    unlink(donePath)
  }

  private func failure(_ what: String) -> ModelError { Self.failure(what, path) }

  private static func opened(_ path: String) throws(ModelError) -> Int32 {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard descriptor >= 0 else { throw failure("opening", path) }
    return descriptor
  }

  private static func write(
    _ chunk: ArraySlice<UInt8>, _ descriptor: Int32, at offset: Int64, _ path: String
  ) throws(ModelError) {
    var (rest, place) = (chunk, offset)
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(place)) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure("writing", path) }
      rest = rest.dropFirst(count)
      place += Int64(count)
    }
  }

  private static func failure(_ what: String, _ path: String) -> ModelError {
    let number = errno
    return ModelError(
      number == ENOSPC || number == EDQUOT ? .full : .file,
      "\(what) \(path) failed: \(String(cString: strerror(number)))")
  }
}
