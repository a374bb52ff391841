import Glibc
import SDCore

import struct FoundationEssentials.Data

/// Files that commands read, `-` for standard input.
enum InputFile {
  /// A file's bytes, at most `limit`.
  static func read(_ path: String, limit: Int) throws -> [UInt8] {
    let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path) }
    defer { if path != "-" { close(descriptor) } }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure(path) }
      if count == 0 { return bytes }
      guard bytes.count + count <= limit else {
        throw CommandFailure.usage("\(name(path)) has more than \(limit) bytes")
      }
      bytes += buffer[..<count]
    }
  }

  /// A file's JSON.
  static func json(_ path: String) throws -> JSONValue {
    let bytes = try read(path, limit: 64 << 20)
    do { return try JSONValue(parsing: bytes) } catch {
      throw CommandFailure.usage("\(name(path)) is not JSON: \(error)")
    }
  }

  /// An image file as a `data:` URL.
  static func dataURL(_ path: String) throws -> String {
    let bytes = try read(path, limit: 10 << 20)
    guard let type = mediaType(bytes) else {
      throw CommandFailure.usage("\(name(path)) is no image that engines take: PNG, JPEG, WebP, GIF or AVIF")
    }
    return "data:\(type);base64,\(Data(bytes).base64EncodedString())"
  }

  private static func mediaType(_ bytes: [UInt8]) -> String? {
    let isBox = bytes.count >= 12
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return "image/png" }
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return "image/jpeg" }
    if bytes.starts(with: "GIF8".utf8) { return "image/gif" }
    if isBox, bytes.starts(with: "RIFF".utf8), bytes[8..<12].elementsEqual("WEBP".utf8) { return "image/webp" }
    if isBox, bytes[4..<12].elementsEqual("ftypavif".utf8) { return "image/avif" }
    return nil
  }

  /// The bytes of a file; `nil` where there is none.
  static func size(of path: String) -> Int? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int(status.st_size)
  }

  private static func name(_ path: String) -> String { path == "-" ? "standard input" : path }

  private static func failure(_ path: String) -> CommandFailure {
    .usage("reading \(name(path)) failed: \(String(cString: strerror(errno)))")
  }
}
