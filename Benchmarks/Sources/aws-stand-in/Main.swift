import CTLS
import Glibc

/// A server in the place of SQS and S3 that is faster than its clients: one thread, answers made beforehand.
///
///     aws-stand-in [CERTIFICATE KEY]
///
/// It prints its URL, `https` where it has a certificate, and serves as long as the program that started it lives.
/// Signatures are not verified; what a client compares (MD5s of messages, checksums of objects) is right, and a checksum
/// that comes with an object is compared with its bytes.
@main
struct Main {
  static func main() {
    signal(SIGPIPE, SIG_IGN)
    let files = CommandLine.arguments.dropFirst()
    var certificate: OpaquePointer?
    if files.count == 2 {
      certificate = tls_context_new(files[1], files[2])
      guard certificate != nil else { fail("\(files[1]) and \(files[2]) are no certificate and key") }
    }
    guard let server = Server(certificate: certificate) else { fail("no socket: \(String(cString: strerror(errno)))") }
    print("\(certificate == nil ? "http" : "https")://127.0.0.1:\(server.port)")
    fflush(nil)
    server.run()
  }

  private static func fail(_ reason: String) -> Never {
    print(reason)
    exit(1)
  }
}

/// Accepts connections and tells them when there is something to do.
final class Server {
  let port: UInt16
  private var answers = Answers()
  /// The listening socket, then one a connection, in the order of `connections`.
  private var watched: [pollfd]
  private var connections: [Connection] = []
  private let certificate: OpaquePointer?

  init?(certificate: OpaquePointer?) {
    self.certificate = certificate
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
    guard isBound, listen(listener, 512) == 0 else { return nil }
    port = UInt16(bigEndian: address.sin_port)
    watched = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
  }

  func run() {
    let parent = getppid()
    // Whoever started it and is gone needs no answers.
    while getppid() == parent {
      guard wait() else { continue }
      // Backwards, so that those that end can be taken out.
      for index in connections.indices.reversed() where watched[index + 1].revents != 0 { serve(index) }
      if watched[0].revents != 0 { accept() }
    }
  }

  /// Looks for a while before it sleeps, longer than any client is busy between two requests. On one machine, whoever
  /// sends to a process that sleeps is charged with waking it, and its answer comes later; over a network neither is so.
  private func wait() -> Bool {
    let start = ContinuousClock.now
    repeat {
      if poll(&watched, nfds_t(watched.count), 0) > 0 { return true }
    } while start.duration(to: .now) < .milliseconds(20)
    return poll(&watched, nfds_t(watched.count), 1000) > 0
  }

  private func accept() {
    let descriptor = Glibc.accept(watched[0].fd, nil, nil)
    guard descriptor >= 0 else { return }
    var yes: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    connections.append(Connection(Channel(descriptor, tls: certificate)))
    watched.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
  }

  private func serve(_ index: Int) {
    let connection = connections[index]
    var isOpen = connection.flush()
    if isOpen, !connection.hasBacklog { isOpen = connection.receive(&answers) }
    if isOpen {
      // Nothing more is read from a client that does not take its answers.
      watched[index + 1].events = Int16(connection.hasBacklog ? POLLOUT : POLLIN)
    } else {
      connections.remove(at: index)
      watched.remove(at: index + 1)
    }
  }
}

/// What is said to whom.
struct Answers {
  var messages = MessageAnswers()
  var objects = ObjectAnswers()

  mutating func answer(_ head: RequestHead, _ body: UnsafeRawBufferPointer) -> [UInt8] {
    if head.speaksQuery || head.operation != nil { return messages.answer(head, body) }
    return objects.answer(head, body)
  }
}

/// A whole answer.
func httpAnswer(_ status: String, _ fields: [(String, String)] = [], body: [UInt8] = [], length: Int? = nil) -> [UInt8]
{
  var head = "HTTP/1.1 \(status)\r\nServer: stand-in\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
  for (name, value) in fields { head += "\(name): \(value)\r\n" }
  head += "Content-Length: \(length ?? body.count)\r\n\r\n"
  return Array(head.utf8) + body
}
