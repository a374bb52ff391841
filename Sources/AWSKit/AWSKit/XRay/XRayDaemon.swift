import Glibc
import Synchronization

/// The X-Ray daemon: segments go to it as datagrams, and it sends them on.
///
/// Nothing comes back: a daemon that is not there is not noticed, and a segment may be lost on the way (AWS X-Ray Developer
/// Guide, "Sending segment documents to the X-Ray daemon").
public final class XRayDaemon: Sendable {
  /// The bytes that a segment's document may have: what a datagram over IPv4 holds, without the header.
  public static let maximumDocumentBytes = 65_507 - header.utf8.count
  private static let header = "{\"format\": \"json\", \"version\": 1}\n"

  private let host: String
  private let port: String
  private let descriptor = Mutex<Int32>(-1)

  /// The daemon at an address; the name is looked up when the first segment is sent.
  ///
  /// - Parameter address: `host:port`, `[::1]:port` or `host`, whose port is 2000 then.
  /// - Throws: ``AWSError/Code/invalidInput`` for what is no address.
  public init(address: String) throws(AWSError) {
    var host = address[...]
    var port = "2000"
    if let colon = address.lastIndex(of: ":"), !address[colon...].contains("]"),
      address.hasPrefix("[") || address.firstIndex(of: ":") == colon
    {
      host = address[..<colon]
      port = String(address[address.index(after: colon)...])
    }
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    guard !host.isEmpty, let number = UInt16(port), number > 0 else {
      throw AWSError(
        .invalidInput, "\(address.debugDescription) is no address of an X-Ray daemon, as in 127.0.0.1:2000")
    }
    (self.host, self.port) = (String(host), port)
  }

  deinit {
    let descriptor = descriptor.withLock { $0 }
    if descriptor >= 0 { close(descriptor) }
  }

  /// Sends a segment's document; it does not wait.
  ///
  /// - Throws: ``AWSError/Code/invalidInput`` for a document that is too large, ``AWSError/Code/connection`` where the
  ///   system refuses.
  public func send(document: [UInt8]) throws(AWSError) {
    guard document.count <= Self.maximumDocumentBytes else {
      throw AWSError(.invalidInput, "a segment of \(document.count) bytes is more than a datagram holds")
    }
    let datagram = Array(Self.header.utf8) + document
    try descriptor.withLock { descriptor throws(AWSError) in
      if descriptor < 0 { descriptor = try open() }
      let sent = Glibc.send(descriptor, datagram, datagram.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
      // A refusal tells of the datagram before: there is nobody at that port, and this one goes nowhere either.
      guard sent == datagram.count || errno == ECONNREFUSED else { throw failure("sending to", errno) }
    }
  }

  private func open() throws(AWSError) -> Int32 {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV
    var found: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, port, &hints, &found)
    guard status == 0 else {
      throw AWSError(
        .connection, "the X-Ray daemon's host \(host) is unknown: \(String(cString: gai_strerror(status)))",
        origin: .transport)
    }
    // The list is the system's; it lives until it is freed here.
    defer { freeaddrinfo(found) }
    var next = found
    while let address = next?.pointee {
      let descriptor = socket(address.ai_family, address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
      if descriptor >= 0 {
        if connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 { return descriptor }
        close(descriptor)
      }
      next = address.ai_next
    }
    throw failure("reaching", errno)
  }

  private func failure(_ what: String, _ number: Int32) -> AWSError {
    AWSError(
      .connection, "\(what) the X-Ray daemon at \(host):\(port): \(String(cString: strerror(number)))",
      origin: .transport)
  }
}
