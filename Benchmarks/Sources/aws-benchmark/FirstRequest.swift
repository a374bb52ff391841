import BenchmarkKit
import Glibc

/// Takes the head of a signed request, and answers nothing.
struct FirstRequest {
  private let listener: Int32
  let endpoint: String

  init() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    guard isBound, listen(listener, 8) == 0 else { throw Child.Failure("no socket to listen on") }
    self.listener = listener
    endpoint = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
  }

  /// Waits for the next connection and its request's head.
  func wait() throws {
    let connection = accept(listener, nil, nil)
    defer { close(connection) }
    var head = ""
    var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    while !head.contains("\r\n\r\n") {
      let count = read(connection, &buffer, buffer.count)
      guard count > 0 else { throw Child.Failure("the first request did not come") }
      head += String(decoding: buffer[..<count], as: UTF8.self)
    }
    guard head.contains("Signature=") else { throw Child.Failure("the first request is not signed") }
  }
}
