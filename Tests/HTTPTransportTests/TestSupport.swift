import Glibc
import HTTPTransport
import HTTPTypes
import SDTestKit
import Synchronization

/// Runs a body with a transport that is shut down afterwards, however the body ends.
func withTransport<Result>(
  _ configuration: CurlTransport.Configuration = .init(), _ body: (CurlTransport) async throws -> Result
) async throws -> Result {
  let transport = CurlTransport(configuration: configuration)
  do {
    let result = try await body(transport)
    await transport.shutdown()
    return result
  } catch {
    await transport.shutdown()
    throw error
  }
}

/// The error that a body throws, or `nil`.
func failure<Result>(_ body: () async throws(TransportError) -> Result) async -> TransportError? {
  do throws(TransportError) {
    _ = try await body()
    return nil
  } catch {
    return error
  }
}

/// Waits for a condition; false if it does not hold within the limit.
func eventually(within limit: Duration = .seconds(60), _ condition: () -> Bool) async throws -> Bool {
  let end = ContinuousClock.now + limit * patience
  while !condition() {
    guard ContinuousClock.now < end else { return false }
    try await Task.sleep(for: .milliseconds(2))
  }
  return true
}

extension TransferOptions {
  static func with(_ change: (inout TransferOptions) -> Void) -> TransferOptions {
    var options = TransferOptions()
    change(&options)
    return options
  }
}

/// A number that many tasks count up.
final class Counter: Sendable {
  private let count = Atomic<Int>(0)
  var value: Int { count.load(ordering: .sequentiallyConsistent) }
  @discardableResult func add(_ more: Int = 1) -> Int {
    count.wrappingAdd(more, ordering: .sequentiallyConsistent).newValue
  }
}

/// A port of loopback whose connections never come to stand: its queue of waiting ones is full.
final class DeafListener {
  let port: UInt16
  private var descriptors: [Int32] = []

  init?() {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 0) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    port = UInt16(bigEndian: address.sin_port)
    descriptors = [listener]
    guard isListening else { return nil }
    // The first fills the queue; more for kernels that round up. None of these waits.
    for _ in 0..<8 {
      let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
      descriptors.append(client)
      withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = connect(client, $0, length) }
      }
    }
  }

  deinit { for descriptor in descriptors { close(descriptor) } }
}

/// The bytes of a numeric address.
func numeric(_ text: String) -> [UInt8]? {
  var bytes = [UInt8](repeating: 0, count: 16)
  if inet_pton(AF_INET6, text, &bytes) == 1 { return bytes }
  return inet_pton(AF_INET, text, &bytes) == 1 ? Array(bytes.prefix(4)) : nil
}
