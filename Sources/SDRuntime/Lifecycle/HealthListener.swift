import SDCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The listening socket of the health port, and a pipe that ends the wait on it.
final class HealthListener: Sendable {
  let port: Int
  private let socket: CInt
  private let wake: (read: CInt, write: CInt)

  init(port: Int) throws {
    var pipes: [CInt] = [-1, -1]
    guard pipe(&pipes) == 0 else { throw Self.failure("making a pipe for the health port") }
    for end in pipes { Self.keepFromChildren(end) }
    let descriptor = Self.listen(on: UInt16(port))
    guard let descriptor else {
      let error = Self.failure("listening on health port \(port)")
      close(pipes[0])
      close(pipes[1])
      throw error
    }
    (socket, wake) = (descriptor, (pipes[0], pipes[1]))
    self.port = Self.port(of: descriptor) ?? port
  }

  deinit {
    close(socket)
    close(wake.read)
    close(wake.write)
  }

  /// Ends `serve`; from any thread, any number of times.
  func stop() {
    var byte: UInt8 = 0
    _ = write(wake.write, &byte, 1)
  }

  /// A connection whose request has not come yet.
  private struct Guest {
    var descriptor: CInt
    var deadline: ContinuousClock.Instant
  }

  /// Connections that wait at once; one more sends the oldest away.
  private static let mostGuests = 32
  /// How long a request may take to come.
  private static let patience = Duration.seconds(2)
  /// Milliseconds in which nobody is taken in when there are no descriptors or no memory.
  static let pause: CInt = 100

  /// Answers until stopped.
  ///
  /// - Parameters:
  ///   - pause: milliseconds in which nobody is taken in when there are no descriptors or no memory.
  ///   - takeIn: accepts a connection of the listening socket; -1 with `errno` where that fails.
  func serve(
    _ answers: HealthService.Answers, pause: CInt = HealthListener.pause,
    takeIn: (CInt) -> CInt = { accept($0, nil, nil) }
  ) {
    var guests: [Guest] = []
    defer { for guest in guests { close(guest.descriptor) } }
    var isFull = false
    while true {
      var waits = [pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0)]
      // Who waits for a descriptor would be heard of again at once.
      waits.append(pollfd(fd: isFull ? -1 : socket, events: Int16(POLLIN), revents: 0))
      waits += guests.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
      let limit = isFull ? pause : guests.isEmpty ? -1 : Int32(Self.patience.milliseconds)
      guard poll(&waits, nfds_t(waits.count), limit) >= 0 || errno == EINTR else { return }
      if waits[0].revents != 0 { return }
      isFull = false
      let now = ContinuousClock.now
      let (due, waiting) = zip(guests, waits.dropFirst(2)).reduce(into: ([Guest](), [Guest]())) { parts, next in
        if next.1.revents != 0 { parts.0.append(next.0) } else { parts.1.append(next.0) }
      }
      for guest in due { answer(guest.descriptor, answers) }
      guests = waiting.filter { $0.deadline > now }
      for guest in due + waiting.filter({ $0.deadline <= now }) { close(guest.descriptor) }
      guard waits[1].revents != 0 else { continue }
      let connection = takeIn(socket)
      guard connection >= 0 else {
        isFull = [EMFILE, ENFILE, ENOMEM, ENOBUFS].contains(errno)
        continue
      }
      Self.keepFromChildren(connection)
      if guests.count >= Self.mostGuests { close(guests.removeFirst().descriptor) }
      guests.append(Guest(descriptor: connection, deadline: now + Self.patience))
    }
  }

  /// Answers a request that has come. A peer that takes nothing is not waited for long.
  private func answer(_ connection: CInt, _ answers: HealthService.Answers) {
    var limit = timeval(tv_sec: 0, tv_usec: 200_000)
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    // The first bytes hold the request line; what follows is nobody's business.
    var request = [UInt8](repeating: 0, count: 2048)
    let count = recv(connection, &request, request.count, 0)
    guard count > 0 else { return }
    let line = String(decoding: request[..<count].prefix { $0 != 0x0D && $0 != 0x0A }, as: UTF8.self)
    let (status, text, type) = Self.response(to: line, answers)
    let bytes = Array(
      """
      HTTP/1.1 \(status)\r
      Content-Type: \(type)\r
      Content-Length: \(text.utf8.count)\r
      Connection: close\r
      \r
      \(text)
      """.utf8)
    var rest = bytes[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard sent > 0 else { return }
      rest = rest.dropFirst(sent)
    }
  }

  /// The answer to a request line.
  static func response(
    to line: String, _ answers: HealthService.Answers
  ) -> (status: String, text: String, type: String) {
    let plain = "text/plain"
    let words = line.split(separator: " ")
    guard words.count == 3, words[2].hasPrefix("HTTP/1") else { return ("400 Bad Request", "malformed\n", plain) }
    guard words[0] == "GET" || words[0] == "HEAD" else { return ("405 Method Not Allowed", "", plain) }
    let path = words[1].prefix { $0 != "?" }
    let (status, text, type): (String, String, String) =
      switch path {
      case "/healthz": ("200 OK", "ok\n", plain)
      case "/readyz":
        answers.isReady() ? ("200 OK", "ready\n", plain) : ("503 Service Unavailable", "not ready\n", plain)
      case "/metrics": ("200 OK", answers.metrics(), MetricsRegistry.contentType)
      default: ("404 Not Found", "not found\n", plain)
      }
    return (status, words[0] == "HEAD" ? "" : text, type)
  }

  // MARK: System calls

  private static func keepFromChildren(_ descriptor: CInt) { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }

  static func startThread(_ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
      let body: @Sendable () -> Void
      init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    // The thread takes over the box that is retained here, and runs it even if it cannot be made.
    let box = Unmanaged.passRetained(Box(body))
    let made = pthread_create(
      &thread, nil,
      { pointer in
        if let pointer { Unmanaged<Box>.fromOpaque(pointer).takeRetainedValue().body() }
        return nil
      }, box.toOpaque())
    if made == 0 { pthread_detach(thread) } else { box.takeRetainedValue().body() }
  }

  /// A listening socket on every address: of both families, or of the older alone where the machine has no other.
  private static func listen(on port: UInt16) -> CInt? {
    var newer = sockaddr_in6()
    newer.sin6_family = sa_family_t(AF_INET6)
    newer.sin6_port = port.bigEndian
    var older = sockaddr_in()
    older.sin_family = sa_family_t(AF_INET)
    older.sin_port = port.bigEndian
    return opened(AF_INET6, &newer, port: port) ?? (errno == EADDRINUSE ? nil : opened(AF_INET, &older, port: port))
  }

  private static func opened<Address>(_ family: CInt, _ address: inout Address, port: UInt16) -> CInt? {
    let descriptor = makeSocket(family)
    guard descriptor >= 0 else { return nil }
    var (yes, no): (CInt, CInt) = (1, 0)
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
    if family == AF_INET6 {
      setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &no, socklen_t(MemoryLayout<CInt>.size))
    }
    let isBound = withUnsafeBytes(of: &address) { bytes in
      bytes.withMemoryRebound(to: sockaddr.self) { bind(descriptor, $0.baseAddress, socklen_t(bytes.count)) }
    }
    guard isBound == 0, beginListening(descriptor) == 0 else {
      let code = errno
      close(descriptor)
      errno = code
      return nil
    }
    return descriptor
  }

  private static func port(of descriptor: CInt) -> Int? {
    var address = sockaddr_in6()
    var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let named = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
    }
    // Both families keep the port in the same place.
    return named == 0 ? Int(UInt16(bigEndian: address.sin6_port)) : nil
  }

  private static func failure(_ attempt: String) -> SDError {
    SDError(.unavailable, "\(attempt): \(String(cString: strerror(errno)))")
  }
}

// By names that members of the listener do not hide.

private func makeSocket(_ family: CInt) -> CInt {
  socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
}

private func beginListening(_ descriptor: CInt) -> CInt { listen(descriptor, 16) }
