internal import Synchronization

/// One connection of a ``ScriptedHTTPServer``, on a thread of its own.
struct ServerConnection {
  let descriptor: Int32
  let number: Int
  let core: ScriptedHTTPServer.Core
  private var buffer: [UInt8] = []

  /// A request's head may have this many bytes.
  private static let maximumHead = 256 * 1024

  init(descriptor: Int32, number: Int, core: ScriptedHTTPServer.Core) {
    (self.descriptor, self.number, self.core) = (descriptor, number, core)
  }

  mutating func serve() {
    while !core.isStopped, var request = readHead() {
      if let answer = core.onHead?(request) {
        core.state.withLock { $0.requests.append(request) }
        _ = perform(answer)
        return
      }
      guard readBody(of: &request) else { return }
      core.state.withLock { $0.requests.append(request) }
      guard perform(core.handler(request)) else { return }
      if request.header("connection")?.lowercased() == "close" { return }
    }
  }

  // MARK: Reading

  private mutating func fill() -> Bool {
    Sockets.receive(descriptor, into: &buffer)
  }

  /// A line without its end.
  private mutating func readLine() -> [UInt8]? {
    var searched = 0
    while true {
      if let end = buffer[searched...].firstIndex(of: 0x0A) {
        let line = buffer[..<end]
        buffer.removeSubrange(...end)
        return Array(line.last == 0x0D ? line.dropLast() : line)
      }
      searched = buffer.count
      guard searched < Self.maximumHead, fill() else { return nil }
    }
  }

  private mutating func readHead() -> RecordedRequest? {
    guard let first = readLine() else { return nil }
    let parts = first.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
    guard parts.count == 3 else { return nil }
    var request = RecordedRequest(method: parts[0], target: parts[1], headers: [], connection: number)
    while let line = readLine() {
      if line.isEmpty { return request }
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
      let value = line[(colon + 1)...].drop { $0 == 0x20 }
      request.headers.append((String(decoding: line[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self)))
    }
    return nil
  }

  private mutating func readBody(of request: inout RecordedRequest) -> Bool {
    if request.header("expect")?.lowercased() == "100-continue" {
      guard send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) else { return false }
    }
    if request.header("transfer-encoding")?.lowercased() == "chunked" {
      request.isChunked = true
      while true {
        guard let line = readLine(),
          let size = Int(String(decoding: line.prefix { $0 != 0x3B }, as: UTF8.self), radix: 16)
        else { return false }
        guard let chunk = take(size), readLine() != nil else { return false }
        if size == 0 { return true }
        request.body += chunk
      }
    }
    guard let text = request.header("content-length") else { return true }
    guard let length = Int(text), length >= 0, let body = take(length) else { return false }
    request.body = body
    return true
  }

  private mutating func take(_ count: Int) -> [UInt8]? {
    buffer.reserveCapacity(count)
    while buffer.count < count { guard fill() else { return nil } }
    if buffer.count == count {
      defer { buffer = [] }
      return buffer
    }
    defer { buffer.removeSubrange(..<count) }
    return Array(buffer[..<count])
  }

  // MARK: Answering

  /// Whether the connection goes on.
  private mutating func perform(_ answer: ScriptedAnswer) -> Bool {
    for step in answer.steps {
      let goesOn: Bool
      switch step {
      case .bytes(let bytes): goesOn = send(bytes)
      case .trickle(let bytes): goesOn = bytes.allSatisfy { send([$0]) }
      case .fill(let byte, let count): goesOn = fill(with: byte, count: count)
      case .wait(let gate):
        let core = core
        goesOn = gate.pass { core.isStopped }
      case .hang:
        // What comes is read and dropped, so that the peer's end is seen.
        repeat { buffer.removeAll(keepingCapacity: true) } while fill()
        goesOn = false
      case .close: goesOn = false
      case .reset:
        Sockets.resetOnClose(descriptor)
        goesOn = false
      case .converse(let body):
        body(ServerPeer(descriptor: descriptor, unread: buffer, core: core))
        goesOn = false
      }
      guard goesOn else { return false }
    }
    return answer.keepsAlive
  }

  private func fill(with byte: UInt8, count: Int) -> Bool {
    let block = [UInt8](repeating: byte, count: min(count, 256 * 1024))
    var left = count
    while left > 0 {
      guard send(block[..<min(left, block.count)]) else { return false }
      left -= min(left, block.count)
    }
    return true
  }

  private func send(_ bytes: [UInt8]) -> Bool { send(bytes[...]) }

  private func send(_ bytes: ArraySlice<UInt8>) -> Bool {
    Sockets.send(descriptor, bytes) { core.sentBytes.wrappingAdd($0, ordering: .relaxed) }
  }
}
