import FoundationEssentials
import GRDB
import SDCore

/// A message as it lies in the tables.
struct StoredMessage {
  var seq: Int64
  var id: String
  var group: String?
  var line: String?
  var attributes: [UInt8]
  var body: [UInt8]
  var received: Int
  var sent: Int64
  /// Whether what was read is what was written.
  var isWhole: Bool

  /// The columns that `init` reads, of `message m` and `payload p`.
  static let columns = "m.seq, p.id, p.grp, m.line, p.attributes, p.body, m.received, m.sent, p.digest"

  init(_ row: Row) {
    seq = row[0]
    id = row[1] ?? ""
    group = row[2]
    line = row[3]
    attributes = row.bytes(4)
    body = row.bytes(5)
    // Never NULL, unless a bit of the row's header was flipped.
    let (received, sent, digest): (Int?, Int64?, Data?) = (row[6], row[7], row[8])
    (self.received, self.sent) = (received ?? 0, sent ?? 0)
    isWhole =
      received != nil && sent != nil
      && digest == Self.digest(id: id, group: group, attributes: attributes, body: body)
  }

  /// The line that it must stand in.
  func line(in queue: QueueIdentity) -> String? { queue.isFIFO ? group ?? "" : nil }

  /// What is kept beside a message to know it again.
  static func digest(id: String, group: String?, attributes: [UInt8], body: [UInt8]) -> Data {
    var digest = FieldDigest()
    digest.add(id)
    digest.add(group)
    digest.add(attributes)
    digest.add(body)
    return digest.finish()
  }
}

extension Row {
  /// A blob; empty for NULL, which is what SQLite makes of an empty one.
  func bytes(_ index: Int) -> [UInt8] {
    let data: Data? = self[index]
    return data.map { Array($0) } ?? []
  }

  /// A value that is never NULL; throws `.corrupt` where a bit that was flipped has made it so.
  func value<Value: DatabaseValueConvertible & StatementColumnConvertible>(_ index: Int) throws -> Value {
    let value: Value? = self[index]
    guard let value else { throw SDError(.corrupt, "a stored value is gone: the database is damaged") }
    return value
  }
}

/// What a lease's receipt says: where the message lies, and which of its deliveries this is.
struct Receipt {
  var seq: Int64
  var token: Int64

  var text: String { "\(seq)-\(String(UInt64(bitPattern: token), radix: 36))" }

  init(seq: Int64, token: Int64) { (self.seq, self.token) = (seq, token) }

  init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let seq = Int64(parts[0]), let token = UInt64(parts[1], radix: 36), token > 0 else {
      return nil
    }
    self.init(seq: seq, token: Int64(bitPattern: token))
    guard self.text == text else { return nil }
  }
}
