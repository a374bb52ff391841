#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// A file opened for reading, closed with its last reference.
final class OpenFile: Sendable {
  let offset: Int64
  let length: Int64
  private let descriptor: Int32

  /// Opens a file and makes sure that it holds the part that is to be sent.
  init(path: String, offset: Int64, length: Int64) throws(TransportError) {
    func failed(_ reason: String) -> TransportError {
      TransportError(.bodyFailed, "reading the request's body from \(path): \(reason)", requestMayHaveBeenSent: false)
    }
    let (end, overflow) = offset.addingReportingOverflow(length)
    guard offset >= 0, length >= 0, !overflow else { throw failed("there is no such part") }
    let opened = open(path, O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { throw failed(String(cString: strerror(errno))) }
    (self.offset, self.length, self.descriptor) = (offset, length, opened)
    var status = stat()
    guard fstat(opened, &status) == 0 else { throw failed(String(cString: strerror(errno))) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw failed("it is not a plain file") }
    guard Int64(status.st_size) >= end else {
      throw failed("it has \(status.st_size) bytes, fewer than the \(end) needed")
    }
  }

  deinit { close(descriptor) }

  /// Reads at a position counted from `offset`; the count read, 0 at the end of the file, or negative if it failed.
  func read(at position: Int64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    while true {
      let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset + position))
      if count >= 0 || errno != EINTR { return count }
    }
  }
}
