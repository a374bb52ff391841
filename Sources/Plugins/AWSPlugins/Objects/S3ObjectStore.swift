public import AWSKit
import FoundationEssentials
import Glibc
public import SDCore

/// Objects in a bucket of Amazon S3, under a prefix.
///
/// Conditions are S3's own (`If-None-Match`, `If-Match`). A large object goes up in parts, several at a time, and is there
/// when the last one is: what fails on the way is given up, and what dies on the way is left to the bucket's lifecycle rule
/// for incomplete uploads. Every object is sent with a checksum, and what is read whole is compared with it.
public struct S3ObjectStore: ObjectStore {
  public let bucket: String
  public let prefix: String
  let s3: S3
  let clocks: Clocks

  /// Objects above this go up in parts of this size.
  static let partSize = 16 << 20
  /// How often a write is tried that S3 answers 409, since another was under way.
  private static let tries = 5

  /// The store of a bucket.
  ///
  /// - Parameters:
  ///   - bucket: a name, or the ARN of an access point.
  ///   - prefix: what every key begins with; a slash is put to its end.
  /// - Throws: `.configuration` without a region.
  public init(bucket: String, prefix: String = "", client: AWSClient, clocks: Clocks = .system) throws(SDError) {
    do { s3 = try S3(client) } catch {
      throw SDError(.configuration, "bucket \(bucket): \(error.message)", underlying: error)
    }
    self.bucket = bucket
    self.prefix = prefix.isEmpty || prefix.hasSuffix("/") ? prefix : prefix + "/"
    self.clocks = clocks
  }

  /// The key inside the bucket.
  func wholeKey(_ key: String) throws(SDError) -> String {
    try ObjectKey.check(key)
    let whole = prefix + key
    try ObjectKey.check(whole)
    return whole
  }

  public func uri(of key: String) -> String { s3URI(of: key) }

  // MARK: Writing

  @discardableResult
  public func put(_ key: String, _ body: ObjectBody, options: PutOptions) async throws -> ObjectInfo {
    var (input, size) = try self.input(key, body, sha256: options.sha256)
    input.settings = S3.ObjectSettings(contentType: options.contentType, metadata: options.metadata)
    // S3 keeps no empty values: they would be gone at the next look.
    if let empty = options.metadata.first(where: { $0.value.isEmpty }) {
      throw SDError(.invalid, "writing object \(key): its metadata \(empty.key) is empty, which S3 does not keep")
    }
    switch options.condition {
    case .none: break
    case .ifAbsent: input.conditions = .ifAbsent
    case .ifMatch(let etag): input.conditions.ifMatch = etag
    }
    let written = try await write(input, key, options.condition)
    return ObjectInfo(
      key: key, size: size, etag: written.eTag ?? "", modified: clocks.timestamp, contentType: options.contentType,
      metadata: options.metadata)
  }

  private func input(
    _ key: String, _ body: ObjectBody, sha256: String?
  ) throws(SDError) -> (S3.PutObjectInput, Int64) {
    let whole = try wholeKey(key)
    switch body {
    case .bytes(let bytes):
      var input = S3.PutObjectInput(bucket: bucket, key: whole, bytes: bytes)
      input.checksum = sha256.flatMap { Data(hexadecimal: $0) }.map { .init(.sha256, $0.base64EncodedString()) }
      return (input, Int64(bytes.count))
    case .file(let path):
      var status = stat()
      guard stat(path, &status) == 0 else {
        throw SDError(.invalid, "writing object \(key): file \(path): \(String(cString: strerror(errno)))")
      }
      let length = Int64(status.st_size)
      return (S3.PutObjectInput(bucket: bucket, key: whole, file: path, length: length), length)
    }
  }

  private func write(
    _ input: S3.PutObjectInput, _ key: String, _ condition: PutOptions.Condition
  ) async throws -> S3.WrittenObject {
    var delay = Duration.milliseconds(25)
    for attempt in 1... {
      do {
        return try await s3.upload(input, partSize: Self.partSize)
      } catch {
        // Another write was under way at the same time: neither won yet.
        if error.status == 409, attempt < Self.tries {
          try await clocks.sleep(for: delay * Double.random(in: 0.5...1))
          delay *= 2
          continue
        }
        // What is to be replaced is not there.
        if case .ifMatch = condition, error.code == "NoSuchKey" {
          throw SDError(.conflict, "writing object \(key): there is none to replace", underlying: error)
        }
        throw failure(error, "writing object \(key)")
      }
    }
    throw SDError(.conflict, "writing object \(key): others wrote it at the same time")
  }

  public func delete(_ keys: [String]) async throws {
    let whole = try keys.map { key throws(SDError) in try wholeKey(key) }
    // One alone is a simpler request; and XML cannot carry every key.
    let single = whole.count == 1 ? whole : whole.filter { !MessageText.isAllowed($0.utf8) }
    let many = whole.count == 1 ? [] : whole.filter { MessageText.isAllowed($0.utf8) }
    for key in single {
      _ = try await attempting("deleting object \(key)") { () async throws(AWSError) in
        try await s3.deleteObject(bucket: bucket, key: key)
      }
    }
    for start in stride(from: 0, to: many.count, by: 1000) {
      let part = many[start..<min(start + 1000, many.count)]
      let failures = try await attempting("deleting \(part.count) objects") { () async throws(AWSError) in
        try await s3.deleteObjects(bucket: bucket, objects: part.map { .init(key: $0) })
      }
      if let first = failures.first {
        throw SDError(
          first.code == "AccessDenied" ? .denied : .unavailable,
          "deleting \(part.count) objects: \(failures.count) are left, \(first.key) among them: \(first.code)")
      }
    }
  }

  // MARK: Presigned URLs

  public func presign(_ key: String, _ access: PresignedAccess, expires: Duration) async throws -> String {
    let whole = try wholeKey(key)
    return try await attempting("signing a URL of object \(key)") { () async throws(AWSError) in
      switch access {
      case .get: try await s3.presignGetObject(.init(bucket: bucket, key: whole), lifetime: expires).url
      case .put: try await s3.presignPutObject(.init(bucket: bucket, key: whole, bytes: []), lifetime: expires).url
      }
    }
  }
}

extension Data {
  /// The bytes of a SHA-256 in hexadecimal; `nil` for any other text.
  fileprivate init?(hexadecimal text: String) {
    let digits = Array(text.utf8)
    guard digits.count == 64, digits.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }) else {
      return nil
    }
    self.init()
    for position in stride(from: 0, to: digits.count, by: 2) {
      guard let byte = UInt8(String(decoding: digits[position..<(position + 2)], as: UTF8.self), radix: 16) else {
        return nil
      }
      append(byte)
    }
  }
}
