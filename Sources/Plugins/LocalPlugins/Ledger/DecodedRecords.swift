import SDCore
import Synchronization

/// Records that were decoded lately, by the digest of their stored bytes: who waits for a task's end reads the same record
/// time and again, and decoding it is most of the work.
final class DecodedRecords: Sendable {
  static let shared = DecodedRecords()

  /// Records kept; one whose stored form is larger than `largest` bytes is decoded each time.
  private static let most = 512
  private static let largest = 8 << 10

  private let records = Mutex<[[UInt8]: TaskRecord]>([:])

  /// The record whose stored form has so many bytes and this digest.
  func record(_ digest: [UInt8], bytes: Int, decode: () throws -> TaskRecord) rethrows -> TaskRecord {
    guard bytes <= Self.largest else { return try decode() }
    if let known = records.withLock({ $0[digest] }) { return known }
    let record = try decode()
    records.withLock { records in
      // Whatever is still asked for is soon there again.
      if records.count >= Self.most { records.removeAll(keepingCapacity: true) }
      records[digest] = record
    }
    return record
  }
}
