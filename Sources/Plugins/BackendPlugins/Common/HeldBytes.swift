import Synchronization

/// Bytes that are handed over once, so that whoever takes them may write in them without a copy.
final class HeldBytes: Sendable {
  let count: Int
  private let bytes: Mutex<[UInt8]>

  init(_ bytes: consuming [UInt8]) {
    count = bytes.count
    self.bytes = Mutex(bytes)
  }

  func take() -> [UInt8] {
    bytes.withLock { bytes in
      var taken: [UInt8] = []
      swap(&taken, &bytes)
      return taken
    }
  }
}
