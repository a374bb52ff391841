/// A store of objects under keys.
///
/// Guarantees:
/// - A `put` is all or nothing: no reader ever sees a part, and a returned one is durable.
/// - Reads see the newest returned write (read-after-write, listing included).
/// - Conditions are judged atomically with the write; one that does not hold throws `.conflict` and changes nothing.
/// - `get` and `head` of an absent key throw `.notFound`; deleting one is no error.
///
/// Keys are opaque UTF-8 of 1 to 1,024 bytes. Implementers encode them one to one, so that `a/../b`, `A` and `a` are
/// three objects, and never leave their root.
public protocol ObjectStore: Sendable {
  /// The bucket's name, as `s3://<bucket>/...` shows it to the clients of the older APIs.
  var bucket: String { get }
  /// What every key starts with inside the bucket, empty or ending in `/`; it is added here and not part of keys.
  var prefix: String { get }

  /// Stores an object, replacing one that is there unless the options forbid it.
  @discardableResult
  func put(_ key: String, _ body: ObjectBody, options: PutOptions) async throws -> ObjectInfo

  /// An object's bytes, whole or a range of them, in one array of at most `limit` bytes (else `.tooLarge`).
  func get(_ key: String, range: ByteRange?, limit: Int) async throws -> Object

  /// An object's bytes in chunks, for those too large to hold.
  func stream(_ key: String, range: ByteRange?) async throws -> ObjectStream

  /// What is known of an object without its bytes.
  func head(_ key: String) async throws -> ObjectInfo

  /// Deletes objects; keys that are not there are fine.
  func delete(_ keys: [String]) async throws

  /// Keys that start with `prefix`, in order of their UTF-8 bytes, after `after`, at most `limit` (1,000 at most).
  func list(prefix: String, after: String?, limit: Int) async throws -> ObjectPage

  /// A URL that lets its bearer do one thing for a while without credentials.
  func presign(_ key: String, _ access: PresignedAccess, expires: Duration) async throws -> String

  /// Who judges the store's presigned URLs where a gateway has to serve them; `nil` for object services that serve their
  /// own, as S3 does, and for stores that have none.
  var presignedAccess: (any PresignedAccessVerifier)? { get }

  /// The object's address for people and machines: `s3://bucket/key` or `file:///path`.
  func uri(of key: String) -> String
}

extension ObjectStore {
  public var presignedAccess: (any PresignedAccessVerifier)? { nil }

  /// Stores bytes.
  @discardableResult
  public func put(_ key: String, _ bytes: [UInt8], options: PutOptions = .init()) async throws -> ObjectInfo {
    try await put(key, .bytes(bytes[...]), options: options)
  }

  /// An object's bytes whole, at most 64 MiB.
  public func get(_ key: String) async throws -> Object { try await get(key, range: nil, limit: 64 << 20) }

  /// The address that the older APIs give for a key: `s3://<bucket>/<prefix><key>`.
  public func s3URI(of key: String) -> String { "s3://\(bucket)/\(prefix)\(key)" }
}

/// What is to be stored.
public enum ObjectBody: Sendable {
  /// Bytes in memory; a slice is stored without a copy.
  case bytes(ArraySlice<UInt8>)
  /// A local file, whole.
  case file(path: String)
}

/// How an object is to be stored.
public struct PutOptions: Sendable, Hashable {
  /// What must hold for the write to happen.
  public enum Condition: Sendable, Hashable {
    /// Nothing.
    case none
    /// There must be no object under the key.
    case ifAbsent
    /// The object there must have this entity tag.
    case ifMatch(String)
  }

  /// Media type, `application/octet-stream` unless said.
  public var contentType: String
  /// Short texts kept beside the object; names are lower case ASCII.
  public var metadata: [String: String]
  /// What must hold.
  public var condition: Condition
  /// The SHA-256 of bytes in memory where it is known, in hexadecimal, so that a store need not make it anew. A store that
  /// checks it refuses bytes that it is not of.
  public var sha256: String?

  /// How an object is to be stored.
  public init(
    contentType: String = "application/octet-stream", metadata: [String: String] = [:], condition: Condition = .none,
    sha256: String? = nil
  ) {
    self.contentType = contentType
    self.metadata = metadata
    self.condition = condition
    self.sha256 = sha256
  }
}

/// What is known of an object.
public struct ObjectInfo: Sendable, Hashable {
  /// Its key, without the store's prefix.
  public var key: String
  /// Its length in bytes.
  public var size: Int64
  /// Its entity tag, opaque: equal tags mean the same write.
  public var etag: String
  /// When it was written.
  public var modified: Timestamp
  /// Media type; `nil` in listings of stores that do not tell.
  public var contentType: String?
  /// Texts kept beside it; empty in listings.
  public var metadata: [String: String]

  /// What is known of an object; for stores.
  public init(
    key: String, size: Int64, etag: String, modified: Timestamp, contentType: String? = nil,
    metadata: [String: String] = [:]
  ) {
    self.key = key
    self.size = size
    self.etag = etag
    self.modified = modified
    self.contentType = contentType
    self.metadata = metadata
  }
}

/// An object and its bytes.
public struct Object: Sendable {
  /// What is known of it; `size` is the whole object's, also when a range was asked for.
  public var info: ObjectInfo
  /// The bytes asked for.
  public var bytes: [UInt8]
  /// An object; for stores.
  public init(info: ObjectInfo, bytes: [UInt8]) { (self.info, self.bytes) = (info, bytes) }
}

/// An object and its bytes in chunks.
public struct ObjectStream: Sendable {
  /// What is known of it.
  public var info: ObjectInfo
  /// The next chunk each time it is called, `nil` at the end.
  public var next: @Sendable () async throws -> ArraySlice<UInt8>?
  /// A stream; for stores.
  public init(info: ObjectInfo, next: @escaping @Sendable () async throws -> ArraySlice<UInt8>?) {
    (self.info, self.next) = (info, next)
  }
}

/// A range of bytes, as in RFC 9110, section 14.
public enum ByteRange: Sendable, Hashable {
  /// From an offset to the end.
  case from(Int64)
  /// From the first to the last byte, both included; a last one past the end means the end.
  case bounded(Int64, Int64)
  /// The last so many bytes.
  case suffix(Int64)

  /// The bytes meant in an object of a size; `nil` when there are none (416).
  public func resolved(size: Int64) -> Range<Int64>? {
    let (start, end): (Int64, Int64) =
      switch self {
      case .from(let first): (first, size)
      case .bounded(let first, let last): (first, last >= size ? size : last + 1)
      case .suffix(let count): (count > 0 ? max(0, size - count) : size, size)
      }
    return start >= 0 && start < end ? start..<end : nil
  }
}

/// A part of a listing.
public struct ObjectPage: Sendable {
  /// The objects, in order of their keys.
  public var objects: [ObjectInfo]
  /// Whether there are more after the last.
  public var isTruncated: Bool
  /// A part of a listing; for stores.
  public init(objects: [ObjectInfo], isTruncated: Bool) { (self.objects, self.isTruncated) = (objects, isTruncated) }
}

/// What a presigned URL allows.
public enum PresignedAccess: String, Sendable, Hashable {
  case get = "GET"
  case put = "PUT"
}

/// The rule for keys that every store holds callers to.
public enum ObjectKey {
  /// Throws `.invalid` for an empty key or one of more than 1,024 bytes.
  public static func check(_ key: String) throws(SDError) {
    guard (1...1024).contains(key.utf8.count) else {
      throw SDError(.invalid, "an object key has 1 to 1,024 bytes; this one has \(key.utf8.count)")
    }
  }
}
