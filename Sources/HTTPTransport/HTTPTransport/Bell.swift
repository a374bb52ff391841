internal import CHTTPTransport

/// Wakes the transport's thread, from any thread; open while anybody holds it.
final class Bell: Sendable {
  private let bell: ht_bell

  init?() {
    var bell = ht_bell()
    guard ht_bell_open(&bell) else { return nil }
    self.bell = bell
  }

  deinit { withUnsafePointer(to: bell) { ht_bell_close($0) } }

  func ring() { withUnsafePointer(to: bell) { ht_bell_ring($0) } }

  /// Waits on the transport's thread until there is something to do.
  func wait(with multi: OpaquePointer, milliseconds: Int32) {
    withUnsafePointer(to: bell) { ht_multi_poll(multi, $0, milliseconds) }
  }

  /// Waits on a connection's own thread until it can be read or written, as wanted.
  func wait(with easy: OpaquePointer, reading: Bool, writing: Bool, milliseconds: Int32) {
    withUnsafePointer(to: bell) { ht_easy_wait(easy, $0, reading, writing, milliseconds) }
  }
}
