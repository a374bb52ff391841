import Glibc

/// A listening socket on loopback, for the few requests of one client.
public struct Listener {
  private let descriptor: Int32
  /// The port that was free.
  public let port: UInt16

  /// Listens; fails where there is no socket to be had.
  public init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let (descriptor, isBound) = withUnsafeMutablePointer(to: &address) { [descriptor] in
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        (descriptor, bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0)
      }
    }
    guard isBound, listen(descriptor, 8) == 0 else { throw Child.Failure("no socket to listen on") }
    port = UInt16(bigEndian: address.sin_port)
  }

  /// The next connection.
  public func accept() throws -> Peer {
    let connection = Glibc.accept(descriptor, nil, nil)
    guard connection >= 0 else { throw Child.Failure("no connection: \(String(cString: strerror(errno)))") }
    return Peer(connection)
  }

  /// A connection, and what came over it.
  public final class Peer {
    private let descriptor: Int32
    private var inbound: [UInt8] = []

    fileprivate init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// The next request, its head's lines and its body; `nil` at the end of the connection.
    public func request() -> (head: [Substring], body: [UInt8])? {
      while true {
        if let text = String(validating: inbound, as: UTF8.self), let end = text.firstRange(of: "\r\n\r\n") {
          let head = text[..<end.lowerBound].split(separator: "\r\n")
          let length = head.lazy.map { $0.split(separator: ":") }.first { $0[0].lowercased() == "content-length" }
            .flatMap { Int($0[1].filter { $0 != " " }) }
          let start = text[..<end.upperBound].utf8.count
          if inbound.count >= start + (length ?? 0) {
            let body = Array(inbound[start..<(start + (length ?? 0))])
            inbound.removeFirst(start + body.count)
            return (head, body)
          }
        }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return nil }
        inbound += buffer[..<count]
      }
    }

    /// Sends an answer.
    public func answer(_ status: String, _ fields: [(String, String)] = [], body: String = "") {
      var text = "HTTP/1.1 \(status)\r\n"
      for (name, value) in fields { text += "\(name): \(value)\r\n" }
      text += "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
      var rest = Array(text.utf8)[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
      }
    }
  }
}
