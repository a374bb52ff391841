import CTLS
import Glibc

/// The bytes of a connection, in the clear or over TLS; closes its socket.
final class Channel {
  private let descriptor: Int32
  private let session: OpaquePointer?

  /// - Parameter tls: the certificate to show, `nil` for a connection in the clear.
  init(_ descriptor: Int32, tls: OpaquePointer?) {
    self.descriptor = descriptor
    session = tls.map { tls_session_new($0, descriptor) }
  }

  deinit {
    if let session { tls_session_free(session) }
    close(descriptor)
  }

  /// The bytes that are there, up to a buffer's size; 0: none now, `nil`: the connection is over.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    guard let session else { return result(recv(descriptor, buffer.baseAddress, buffer.count, 0)) }
    // OpenSSL may hold bytes that `poll` does not know of: all are taken.
    var filled = 0
    while filled < buffer.count {
      let count = tls_read(session, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
      if count == 0, filled == 0 { return nil }
      if count <= 0 { break }
      filled += count
    }
    return filled
  }

  /// The number of bytes that were taken; 0: none now, `nil`: the connection is over.
  func write(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard let session else { return result(send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))) }
    let count = tls_write(session, bytes.baseAddress, bytes.count)
    return count == 0 ? nil : max(0, count)
  }

  private func result(_ count: Int) -> Int? {
    if count > 0 { return count }
    return count < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : nil
  }
}
