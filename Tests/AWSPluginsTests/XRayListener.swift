import Glibc
import SDCore
import Testing

/// A socket that hears what a daemon would.
final class XRayListener: Sendable {
  let address: String
  private let descriptor: Int32

  init() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    try #require(descriptor >= 0)
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let port: UInt16 = try withUnsafeMutablePointer(to: &name) { pointer in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        try #require(bind(descriptor, pointer, length) == 0)
        try #require(getsockname(descriptor, pointer, &length) == 0)
      }
      return UInt16(bigEndian: pointer.pointee.sin_port)
    }
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    address = "127.0.0.1:\(port)"
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  func receive() throws -> (header: JSONValue, segment: JSONValue) {
    try #require(try receive(flags: 0))
  }

  /// The next segment; `nil` where there is none, or none yet.
  func receive(flags: Int32) throws -> (header: JSONValue, segment: JSONValue)? {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = recv(descriptor, &buffer, buffer.count, flags)
    guard count > 0 else { return nil }
    let lines = buffer[..<count].split(separator: UInt8(ascii: "\n"), maxSplits: 1)
    return (try JSONValue(parsing: Array(lines[0])), try JSONValue(parsing: Array(lines[1])))
  }
}
