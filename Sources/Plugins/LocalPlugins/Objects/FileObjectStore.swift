public import Logging
public import SDCore
import Synchronization

/// Objects as plain files: `DIR/objects/<bucket>/<encoded key>`, with a hidden file beside each that says what it is.
///
/// A put writes a temporary file, syncs it, and renames it into place; conditions are judged under a lock that holds
/// between processes as well, so that of writers that race exactly one wins. Every megabyte has a digest that each read
/// verifies, ranges and streams included: bytes that changed on the disk throw `.corrupt`. Symbolic links inside the
/// store are never followed. Keys may hold any bytes; see `ObjectPath` for how they become names.
public struct FileObjectStore: ObjectStore {
  /// The bucket's name.
  public let bucket: String
  /// Nothing: the bucket is the store's own.
  public var prefix: String { "" }
  /// The directory that the store lies in.
  public let directory: String

  private let files: ObjectBucket
  private let pool = IOPool()
  private let clocks: Clocks
  private let presigner: Presigner?

  /// The store of a state directory; what is missing is made.
  ///
  /// - Parameter publicURL: what presigned URLs begin with, `http://127.0.0.1:8811/files` or the like, where a gateway
  ///   serves them; without it there are none.
  public init(
    directory: String, bucket: String = "local", publicURL: String? = nil, clocks: Clocks = .system,
    logger: Logger = Logger(label: "sd.local")
  ) throws {
    guard Self.isBucketName(bucket) else {
      throw SDError(
        .configuration, "a bucket's name has 1 to 63 letters, digits, dots and dashes and no dot first; not \(bucket)")
    }
    files = try ObjectBucket(directory: directory, bucket: bucket, logger: logger)
    self.directory = try Files.resolved(directory)
    (self.bucket, self.clocks) = (bucket, clocks)
    presigner = try publicURL.map { try Presigner(directory: directory, bucket: bucket, publicURL: $0, clocks: clocks) }
  }

  private static func isBucketName(_ name: String) -> Bool {
    (1...63).contains(name.utf8.count) && !name.hasPrefix(".")
      && name.utf8.allSatisfy { byte in
        switch UnicodeScalar(byte) {
        case "a"..."z", "A"..."Z", "0"..."9", "-", ".", "_": true
        default: false
        }
      }
  }

  /// Stores an object.
  @discardableResult
  public func put(_ key: String, _ body: ObjectBody, options: PutOptions) async throws -> ObjectInfo {
    try ObjectKey.check(key)
    let isPrintable = { (text: String) in text.utf8.allSatisfy { (0x20..<0x7F).contains($0) } }
    guard isPrintable(options.contentType) else {
      throw SDError(.invalid, "the content type of object \(key.debugDescription) has characters that none may have")
    }
    guard options.metadata.keys.allSatisfy({ isPrintable($0) && !$0.isEmpty }) else {
      throw SDError(.invalid, "a metadata name of object \(key.debugDescription) has characters that none may have")
    }
    let (files, time) = (files, clocks.timestamp)
    return try await pool.run { try files.put(key, body, options: options, at: time) }
  }

  /// An object's bytes, each block of them verified.
  public func get(_ key: String, range: ByteRange?, limit: Int) async throws -> Object {
    try ObjectKey.check(key)
    let files = files
    return try await pool.run {
      let object = try files.open(key)
      var range = try object.resolve(range)
      guard range.count <= limit else {
        throw SDError(.tooLarge, "\(range.count) bytes of object \(key.debugDescription), where \(limit) may be read")
      }
      var bytes: [UInt8] = []
      bytes.reserveCapacity(range.count)
      while !range.isEmpty {
        let chunk = try object.chunk(range)
        bytes += chunk
        range = (range.lowerBound + Int64(chunk.count))..<range.upperBound
      }
      return Object(info: object.description.info(key), bytes: bytes)
    }
  }

  /// An object's bytes in chunks of up to a megabyte, each verified before it is handed out.
  public func stream(_ key: String, range: ByteRange?) async throws -> ObjectStream {
    try ObjectKey.check(key)
    let (files, pool) = (files, pool)
    let object = try await pool.run { try files.open(key) }
    let rest = Rest(try object.resolve(range))
    return ObjectStream(info: object.description.info(key)) {
      let range = rest.range.withLock { $0 }
      guard !range.isEmpty else { return nil }
      let chunk = try await pool.run { try object.chunk(range) }
      rest.range.withLock { $0 = (range.lowerBound + Int64(chunk.count))..<range.upperBound }
      return chunk
    }
  }

  private final class Rest: Sendable {
    let range: Mutex<Range<Int64>>
    init(_ range: Range<Int64>) { self.range = Mutex(range) }
  }

  /// What is known of an object.
  public func head(_ key: String) async throws -> ObjectInfo {
    try ObjectKey.check(key)
    let files = files
    return try await pool.run { try files.open(key).description.info(key) }
  }

  /// Deletes objects, and the folders that they leave empty.
  public func delete(_ keys: [String]) async throws {
    for key in keys { try ObjectKey.check(key) }
    let files = files
    try await pool.run { for key in keys { try files.delete(key) } }
  }

  /// Keys in order of their bytes.
  ///
  /// Reads the names of every folder that may hold some of them.
  public func list(prefix: String, after: String?, limit: Int) async throws -> ObjectPage {
    let files = files
    return try await pool.run {
      var listing = ObjectListing(files, prefix: prefix, after: after, limit: limit)
      return try listing.page()
    }
  }

  /// A URL that the gateway of this directory honours; `.unsupported` where none was configured.
  public func presign(_ key: String, _ access: PresignedAccess, expires: Duration) async throws -> String {
    try ObjectKey.check(key)
    guard let presigner else {
      throw SDError(.unsupported, "presigning in \(directory): no gateway address is configured")
    }
    return try presigner.url(key, access, expires: expires)
  }

  /// Who judges the URLs that `presign` makes; `nil` where no gateway was configured.
  public var presignedAccess: (any PresignedAccessVerifier)? { presigner }

  /// The file's address.
  public func uri(of key: String) -> String {
    let path = ObjectPath(key: key)
    return "file://"
      + percentEncoded(
        "\(directory)/objects/\(bucket)/\((path.folders + [path.name]).joined(separator: "/"))", keepsSlashes: true)
  }
}
