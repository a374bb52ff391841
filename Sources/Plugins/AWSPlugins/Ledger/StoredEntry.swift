import Crypto
import FoundationEssentials
import SDCore

/// A record as an object: a line of JSON, and after it the request byte for byte, unless that is an object of its own.
struct StoredEntry {
  /// Requests up to this lie beside their records, which are written a few times in a task's life.
  static let inlineLimit = 16 << 10
  /// The largest object that may be a record.
  static let maximumBytes = 4 << 20

  private struct Format: Decodable { var format: Int }

  private struct Head: Codable {
    var format = Self.present
    /// The request's digest.
    var request: String
    /// Whether the request follows.
    var isInline: Bool
    var record: TaskRecord

    static let present = 1
  }

  /// The record.
  let record: TaskRecord
  /// The request's digest.
  let digest: String
  /// The request, where it lies beside the record.
  let request: [UInt8]?

  init(_ record: TaskRecord, request: [UInt8], digest: String) {
    (self.record, self.digest) = (record, digest)
    self.request = request.count <= Self.inlineLimit ? request : nil
  }

  /// What an object says. Throws `.corrupt` for anything but a record, `.unsupported` for one of a newer program.
  init(_ bytes: [UInt8], of key: RunKey) throws(SDError) {
    let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
    let line = Data(bytes[..<end])
    if let format = try? JSONDecoder().decode(Format.self, from: line).format, format > Head.present {
      throw SDError(
        .unsupported, "the stored record of task \(key) is of format \(format), which a newer program has written")
    }
    guard let head = try? JSONDecoder().decode(Head.self, from: line), head.format == Head.present,
      head.record.key.run == key.run, head.record.key.task.id.utf8.elementsEqual(key.task.id.utf8),
      head.record.key.task.tenant.utf8.elementsEqual(key.task.tenant.utf8)
    else { throw SDError(.corrupt, "the stored record of task \(key) is not one of its records") }
    (record, digest) = (head.record, head.request)
    let rest = Array(bytes[min(end + 1, bytes.count)...])
    request = head.isInline ? rest : nil
    guard !head.isInline || Self.digest(rest) == digest else {
      throw SDError(.corrupt, "the stored request of task \(key) is not the one that was written")
    }
  }

  func serialized() throws -> [UInt8] {
    let head = Head(request: digest, isInline: request != nil, record: record)
    var bytes = [UInt8](try JSONEncoder().encode(head))
    bytes.append(UInt8(ascii: "\n"))
    if let request { bytes += request }
    return bytes
  }

  /// What tells requests apart.
  static func digest(_ request: [UInt8]) -> String { hexadecimal(SHA256.hash(data: request).prefix(12)) }
}

/// What a record stands at: the tag of its object, and the digest of its request, so that the request can be written again
/// without being read.
struct StoredRevision {
  let etag: String
  let digest: String?

  init(etag: String, digest: String) { (self.etag, self.digest) = (etag, digest) }

  init(_ revision: Revision) {
    let parts = revision.rawValue.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    etag = String(parts[0])
    digest = parts.count > 1 ? String(parts[1]) : nil
  }

  var revision: Revision { Revision(rawValue: digest.map { "\(etag) \($0)" } ?? etag) }
}
