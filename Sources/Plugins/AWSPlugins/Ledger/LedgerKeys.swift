import Crypto
import SDCore

/// What the objects of a task are called, and what a listing finds them by.
///
/// | key | what |
/// | --- | --- |
/// | `.sd/<hh>/<task>/r<run>` | the record of a run, the newest run first in a listing |
/// | `.sd/<hh>/<task>/q<digest>` | a request that is too large to lie beside its record |
/// | `.sd/<hh>/<task>/s<digest>` | the run that a submission tried to open |
/// | `.sd/<hh>/<task>/p<run>`, `w<run>` | progress, and until when somebody watches |
/// | `.sd/index/t<tenant>/<time>/<id>/<run>` | a run by the time that it was created at, newest first |
/// | `.sd/due/<time>/<id>/<run>/t<tenant>` | a run that has a time, by that time, the first first |
///
/// `<hh>` are two hexadecimal digits of the task's hash, so that S3 can split the load; runs and times count down, but in `due`.
struct LedgerKeys {
  private let folder: String

  init(_ task: TaskKey) {
    let digest = SHA256.hash(data: Array("\(task.tenant)\u{0}\(task.id)".utf8))
    let tenant = task.tenant.isEmpty ? "" : "@" + Self.encoded(task.tenant)
    folder = ".sd/\(hexadecimal(digest.prefix(1)))/\(Self.encoded(task.id))\(tenant)/"
  }

  /// The prefix of all records of the task.
  var records: String { folder + "r" }
  func record(_ run: Int) -> String { folder + "r" + Self.countingDown(run) }
  func request(_ digest: String) -> String { folder + "q" + digest }
  func submission(_ submission: String) -> String {
    folder + "s" + hexadecimal(SHA256.hash(data: Array(submission.utf8)).prefix(16))
  }
  func progress(_ run: Int) -> String { folder + "p" + Self.countingDown(run) }
  func watch(_ run: Int) -> String { folder + "w" + Self.countingDown(run) }

  private static let longest = 999_999_999

  private static func countingDown(_ run: Int) -> String {
    padded(longest - min(max(run, 0), longest), 9)
  }

  /// The text with everything but letters, digits, `_` and `-` percent-encoded: one segment of a key, whatever it is.
  static func encoded(_ text: String) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): bytes.append(byte)
      default: bytes += Array("%\(hexadecimal([byte]))".utf8)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The text that was encoded so; `nil` for what no text becomes.
  static func decoded(_ text: some StringProtocol) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
        return nil
      }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  static func padded(_ number: some BinaryInteger, _ count: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
  }
}

/// A run's place in the listing of its tenant.
struct IndexPlace: Hashable {
  let created: Int64
  let id: String
  let run: Int

  /// Later times than this come first all the same.
  static let longest: Int64 = 999_999_999_999_999

  init(_ record: TaskRecord) {
    (created, id, run) = (record.createdAt.milliseconds, record.key.task.id, record.key.run)
  }

  /// The prefix of a tenant's places.
  static func prefix(tenant: String) -> String { ".sd/index/t\(LedgerKeys.encoded(tenant))/" }

  /// What follows the prefix: `<time>/<id>/<run>`.
  var text: String {
    let time = LedgerKeys.padded(Self.longest - min(max(created, 0), Self.longest), 15)
    return "\(time)/\(LedgerKeys.encoded(id))/\(run)"
  }

  /// A place from what follows the prefix; `nil` for what is none.
  init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].utf8.count == 15, let time = Int64(parts[0]), (0...Self.longest).contains(time),
      let run = Int(parts[2]), run > 0, let id = LedgerKeys.decoded(parts[1])
    else { return nil }
    (created, self.id, self.run) = (Self.longest - time, id, run)
    guard self.text == text else { return nil }
  }
}
