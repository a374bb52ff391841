import FoundationEssentials
public import SDCore
import Synchronization

/// Objects in memory: the reference for every other store.
///
/// Entity tags name writes, as the contract has it.
public struct MemoryObjectStore: ObjectStore {
  /// Bytes of a streamed chunk.
  static let chunkBytes = 1 << 20

  public let prefix: String
  private let objects: MemoryBucket

  init(bucket: MemoryBucket, prefix: String) {
    objects = bucket
    self.prefix = prefix.isEmpty || prefix.hasSuffix("/") ? prefix : prefix + "/"
  }

  public var bucket: String { objects.name }

  @discardableResult
  public func put(_ key: String, _ body: ObjectBody, options: PutOptions) async throws -> ObjectInfo {
    try ObjectKey.check(key)
    try check(options)
    let bytes: [UInt8]
    switch body {
    case .bytes(let slice): bytes = Array(slice)
    case .file(let path):
      // Read in place: this store is for tests and small systems.
      do { bytes = Array(try Data(contentsOf: URL(filePath: path))) } catch {
        throw SDError(.invalid, "put of \(key): the file to store cannot be read", underlying: error)
      }
    }
    return ours(try objects.put(prefix + key, bytes, options))
  }

  /// What becomes a header elsewhere must be able to.
  private func check(_ options: PutOptions) throws(SDError) {
    let isClean = { (text: String) in !text.utf8.contains { $0 < 0x20 || $0 == 0x7F } }
    guard isClean(options.contentType), !options.contentType.isEmpty else {
      throw SDError(.invalid, "a content type is a line of text")
    }
    for (name, value) in options.metadata {
      guard !name.isEmpty, name.utf8.allSatisfy({ (0x21..<0x7F).contains($0) && !(0x41...0x5A).contains($0) }) else {
        throw SDError(.invalid, "a metadata name is lower case ASCII without spaces")
      }
      guard isClean(value) else { throw SDError(.invalid, "metadata \(name) has control characters") }
    }
  }

  public func get(_ key: String, range: ByteRange?, limit: Int) async throws -> Object {
    let (stored, wanted) = try find(key, range)
    guard wanted.count <= limit else {
      throw SDError(.tooLarge, "get of \(key): \(wanted.count) bytes, \(limit) at most were asked for")
    }
    return Object(info: ours(stored.info), bytes: Array(stored.bytes[wanted]))
  }

  public func stream(_ key: String, range: ByteRange?) async throws -> ObjectStream {
    let (stored, wanted) = try find(key, range)
    let rest = Rest(wanted)
    return ObjectStream(info: ours(stored.info)) {
      let next = rest.take(Self.chunkBytes)
      return next.isEmpty ? nil : stored.bytes[next]
    }
  }

  /// An object, and the place in it of the bytes asked for.
  private func find(_ key: String, _ range: ByteRange?) throws(SDError) -> (MemoryBucket.Stored, Range<Int>) {
    try ObjectKey.check(key)
    let stored = try objects.get(prefix + key)
    guard let range else { return (stored, stored.bytes.indices) }
    guard let wanted = range.resolved(size: stored.info.size) else {
      throw SDError(.invalid, "get of \(key): the range asked for has no bytes of the \(stored.info.size) there are")
    }
    return (stored, Int(wanted.lowerBound)..<Int(wanted.upperBound))
  }

  public func head(_ key: String) async throws -> ObjectInfo {
    try ObjectKey.check(key)
    return ours(try objects.get(prefix + key).info)
  }

  public func delete(_ keys: [String]) async throws {
    for key in keys { try ObjectKey.check(key) }
    objects.delete(keys.map { prefix + $0 })
  }

  public func list(prefix: String, after: String?, limit: Int) async throws -> ObjectPage {
    let (found, isTruncated) = objects.list(
      prefix: self.prefix + prefix, after: after.map { self.prefix + $0 }, limit: min(max(limit, 1), 1000))
    let listed = found.map { info in
      var info = ours(info)
      info.metadata = [:]
      return info
    }
    return ObjectPage(objects: listed, isTruncated: isTruncated)
  }

  /// A `memory:` URL, good inside this process alone.
  public func presign(_ key: String, _ access: PresignedAccess, expires: Duration) async throws -> String {
    try ObjectKey.check(key)
    return "\(uri(of: key))?method=\(access.rawValue)&expires=\(expires.components.seconds)"
  }

  public func uri(of key: String) -> String { "memory:\(percentEncoded(bucket))/\(percentEncoded(prefix + key))" }

  private func ours(_ info: ObjectInfo) -> ObjectInfo {
    var info = info
    info.key = String(decoding: info.key.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
    return info
  }
}

/// What is left of a stream.
private final class Rest: Sendable {
  private let range: Mutex<Range<Int>>
  init(_ range: Range<Int>) { self.range = Mutex(range) }

  func take(_ count: Int) -> Range<Int> {
    range.withLock { range in
      let next = range.lowerBound..<min(range.upperBound, range.lowerBound + count)
      range = next.upperBound..<range.upperBound
      return next
    }
  }
}

/// The text with every byte escaped that RFC 3986 does not leave unreserved, slashes excepted.
private func percentEncoded(_ text: String) -> String {
  var encoded: [UInt8] = []
  let digits = Array("0123456789ABCDEF".utf8)
  for byte in text.utf8 {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x2F: encoded.append(byte)
    default: encoded += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
  }
  return String(decoding: encoded, as: UTF8.self)
}
