internal import Glibc

/// The few socket calls that the scripted server needs.
enum Sockets {
  static func listen(host: String) throws(ScriptedHTTPServer.Failure) -> (descriptor: Int32, port: UInt16) {
    let family = host.contains(":") ? AF_INET6 : AF_INET
    let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw failure("socket") }
    var isBound = false
    defer { if !isBound { Glibc.close(descriptor) } }
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) { storage -> Int32 in
      let raw = UnsafeMutableRawPointer(storage)
      if family == AF_INET {
        let address = raw.bindMemory(to: sockaddr_in.self, capacity: 1)
        address.pointee.sin_family = sa_family_t(AF_INET)
        guard inet_pton(AF_INET, host, &address.pointee.sin_addr) == 1 else { return -1 }
        length = socklen_t(MemoryLayout<sockaddr_in>.size)
      } else {
        let address = raw.bindMemory(to: sockaddr_in6.self, capacity: 1)
        address.pointee.sin6_family = sa_family_t(AF_INET6)
        guard inet_pton(AF_INET6, host, &address.pointee.sin6_addr) == 1 else { return -1 }
        length = socklen_t(MemoryLayout<sockaddr_in6>.size)
      }
      let address = raw.assumingMemoryBound(to: sockaddr.self)
      guard bind(descriptor, address, length) == 0, Glibc.listen(descriptor, 1024) == 0 else { return -1 }
      return getsockname(descriptor, address, &length)
    }
    guard result == 0 else { throw failure("listening on \(host)") }
    isBound = true
    // The port stands at the same place in both kinds of address.
    let port = withUnsafeBytes(of: &storage) { UInt16($0[2]) << 8 | UInt16($0[3]) }
    return (descriptor, port)
  }

  static func accept(_ listener: Int32) -> Int32? {
    while true {
      let descriptor = Glibc.accept(listener, nil, nil)
      if descriptor >= 0 {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        return descriptor
      }
      guard errno == EINTR || errno == ECONNABORTED else { return nil }
    }
  }

  /// Appends what has come; false at the end, or when the connection is broken.
  static func receive(_ descriptor: Int32, into buffer: inout [UInt8]) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 16) { block in
      while true {
        let count = recv(descriptor, block.baseAddress, block.count, 0)
        if count > 0 {
          buffer.append(contentsOf: UnsafeRawBufferPointer(rebasing: block[..<count]))
          return true
        }
        guard count < 0, errno == EINTR else { return false }
      }
    }
  }

  static func send(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>, onSent: (Int) -> Void) -> Bool {
    bytes.withUnsafeBytes { bytes in
      var sent = 0
      while sent < bytes.count {
        let count = Glibc.send(descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
        if count > 0 {
          sent += count
          onSent(count)
        } else if errno != EINTR {
          return false
        }
      }
      return true
    }
  }

  static func shut(_ descriptor: Int32) { shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// The next close sends a reset.
  static func resetOnClose(_ descriptor: Int32) {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
  }

  static func close(_ descriptor: Int32) { Glibc.close(descriptor) }

  private static func failure(_ what: String) -> ScriptedHTTPServer.Failure {
    .init(description: "\(what): \(String(cString: strerror(errno)))")
  }
}

/// Threads that block, which Swift's own pool must not.
enum Threads {
  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  static func start(_ body: @escaping @Sendable () -> Void) {
    let context = Unmanaged.passRetained(Body(body))
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
        return nil
      }, context.toOpaque())
    guard code == 0 else { fatalError("no thread for the scripted server: \(String(cString: strerror(code)))") }
    pthread_detach(thread)
  }
}
