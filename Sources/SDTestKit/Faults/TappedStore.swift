public import SDCore

/// A store on whose puts and whole reads a test steps in, by key, before they are made.
public struct TappedStore: ObjectStore {
  /// Where to step in on puts.
  public let tap = Tap<String>()
  /// Where to step in on `get`.
  public let reads = Tap<String>()
  private let inner: any ObjectStore

  /// A store on another.
  public init(_ inner: any ObjectStore) { self.inner = inner }

  public var bucket: String { inner.bucket }
  public var prefix: String { inner.prefix }

  @discardableResult
  public func put(_ key: String, _ body: ObjectBody, options: PutOptions) async throws -> ObjectInfo {
    try await tap.pass(key)
    return try await inner.put(key, body, options: options)
  }

  public func get(_ key: String, range: ByteRange?, limit: Int) async throws -> Object {
    try await reads.pass(key)
    return try await inner.get(key, range: range, limit: limit)
  }
  public func stream(_ key: String, range: ByteRange?) async throws -> ObjectStream {
    try await inner.stream(key, range: range)
  }
  public func head(_ key: String) async throws -> ObjectInfo { try await inner.head(key) }
  public func delete(_ keys: [String]) async throws { try await inner.delete(keys) }
  public func list(prefix: String, after: String?, limit: Int) async throws -> ObjectPage {
    try await inner.list(prefix: prefix, after: after, limit: limit)
  }
  public func presign(_ key: String, _ access: PresignedAccess, expires: Duration) async throws -> String {
    try await inner.presign(key, access, expires: expires)
  }
  public func uri(of key: String) -> String { inner.uri(of: key) }
}
