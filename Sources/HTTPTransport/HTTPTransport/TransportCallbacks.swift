internal import CHTTPTransport

/// libcurl's callbacks, as calls of the `Transfer` that is their context.
///
/// The loop retains it while they can come.
enum TransportCallbacks {
  /// Lives as long as the process.
  nonisolated(unsafe) static let table: UnsafePointer<ht_callbacks> = {
    let table = UnsafeMutablePointer<ht_callbacks>.allocate(capacity: 1)
    table.initialize(
      to: ht_callbacks(
        head: { transfer($0).takeHead(UnsafeBufferPointer(start: $1, count: $2)) },
        body: { transfer($0).takeBody(UnsafeBufferPointer(start: $1, count: $2)) },
        read: { transfer($0).read(into: UnsafeMutableRawBufferPointer(start: $1, count: $2)) },
        rewind: { transfer($0).rewind() },
        permits: { context, bytes, count, port in
          transfer(context).permits(
            SocketAddress(bytes: Array(UnsafeBufferPointer(start: bytes, count: count)), port: port))
        },
        sends: { context, bytes, count, port, text in
          transfer(context).sends(
            to: UnsafeBufferPointer(start: bytes, count: count), port: port,
            text: text.map { String(cString: $0) } ?? "")
        }))
    return UnsafePointer(table)
  }()

  private static func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer {
    // libcurl hands back what `ht_easy_prepare` was given, which is never nil.
    Unmanaged<Transfer>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
  }
}
