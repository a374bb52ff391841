import Crypto
import FoundationEssentials

/// SHA-256 over several fields, each with its length before it so that no byte can wander from one to the next.
///
/// Kept beside what is stored and looked at when it is read: the disk, or whoever edits the file, may have changed it.
struct FieldDigest {
  private var hash = SHA256()

  /// Takes in a field; `nil` and empty are the same to it.
  mutating func add(_ bytes: [UInt8]?) {
    var length = UInt32(bytes?.count ?? 0).littleEndian
    withUnsafeBytes(of: &length) { hash.update(bufferPointer: $0) }
    if let bytes { bytes.withUnsafeBytes { hash.update(bufferPointer: $0) } }
  }

  /// Takes in a field of text.
  mutating func add(_ text: String?) {
    guard var text else { return add([]) }
    text.withUTF8 { utf8 in
      var length = UInt32(utf8.count).littleEndian
      withUnsafeBytes(of: &length) { hash.update(bufferPointer: $0) }
      hash.update(bufferPointer: UnsafeRawBufferPointer(utf8))
    }
  }

  /// The 32 bytes.
  func finish() -> Data { Data(hash.finalize()) }
}
