import Glibc

/// Reads small files: configurations, tokens.
enum SmallFile {
  /// A file's bytes; `nil` if there is none.
  ///
  /// - Throws: ``AWSError/Code/invalidConfiguration`` for a file that cannot be read or is larger than the limit.
  static func read(_ path: String, limit: Int = 4 << 20) throws(AWSError) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw failure(path, errno)
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      if count < 0 {
        // A directory in a file's place is no file.
        if errno == EISDIR { return nil }
        throw failure(path, errno)
      }
      if count == 0 { return bytes }
      guard bytes.count + count <= limit else {
        throw AWSError(.invalidConfiguration, "reading \(path): it is larger than \(limit) bytes")
      }
      bytes.append(contentsOf: buffer[..<count])
    }
  }

  /// A file's text in UTF-8.
  static func text(_ path: String, limit: Int = 4 << 20) throws(AWSError) -> String? {
    guard let bytes = try read(path, limit: limit) else { return nil }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw AWSError(.invalidConfiguration, "reading \(path): it is no UTF-8")
    }
    return text
  }

  private static func failure(_ path: String, _ number: Int32) -> AWSError {
    AWSError(.invalidConfiguration, "reading \(path): \(String(cString: strerror(number)))")
  }
}
