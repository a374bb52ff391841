import AWSKit
import FoundationEssentials
public import SDCore

extension S3ObjectStore {
  public func get(_ key: String, range: SDCore.ByteRange?, limit: Int) async throws -> Object {
    let input = try input(key, range)
    let (info, bytes) = try await attempting("reading object \(key)") { () async throws(AWSError) in
      do throws(AWSError) {
        return try await s3.getObjectBytes(input, upTo: limit)
      } catch  where error.code == .checksumMismatch {
        // Once more: it is the wire as a rule, not what was stored.
        return try await s3.getObjectBytes(input, upTo: limit)
      }
    }
    return Object(info: try self.info(info, key, range), bytes: bytes)
  }

  public func stream(_ key: String, range: SDCore.ByteRange?) async throws -> ObjectStream {
    let input = try input(key, range)
    let object = try await attempting("reading object \(key)") { () async throws(AWSError) in
      try await s3.getObject(input)
    }
    let reader = BodyReader(object.body, "reading object \(key)")
    return ObjectStream(info: try info(object.info, key, range)) { try await reader.next() }
  }

  public func head(_ key: String) async throws -> ObjectInfo {
    let input = try input(key, nil)
    let info = try await attempting("looking at object \(key)") { () async throws(AWSError) in
      try await s3.headObject(input)
    }
    return try self.info(info, key, nil)
  }

  public func list(prefix: String, after: String?, limit: Int) async throws -> ObjectPage {
    let page = try await attempting("listing objects under \(prefix)") { () async throws(AWSError) in
      try await s3.listObjects(
        .init(
          bucket: bucket, prefix: self.prefix + prefix, startAfter: after.map { self.prefix + $0 },
          maximum: min(max(limit, 1), 1000)))
    }
    let objects = page.objects.map { object in
      ObjectInfo(
        key: String(decoding: object.key.utf8.dropFirst(self.prefix.utf8.count), as: UTF8.self), size: object.size,
        etag: object.eTag ?? "", modified: Timestamp(object.lastModified ?? Date(timeIntervalSince1970: 0)))
    }
    return ObjectPage(objects: objects, isTruncated: page.nextContinuationToken != nil)
  }

  // MARK: Parts

  private func input(_ key: String, _ range: SDCore.ByteRange?) throws(SDError) -> S3.GetObjectInput {
    S3.GetObjectInput(
      bucket: bucket, key: try wholeKey(key),
      range: try range.map { range throws(SDError) in
        // What S3 would take for the whole object is asked for by nobody.
        switch range {
        case .from(let first) where first >= 0: .from(first)
        case .bounded(let first, let last) where first >= 0 && first <= last: .closed(first...last)
        case .suffix(let count) where count > 0: .last(count)
        default: throw SDError(.invalid, "reading object \(key): the range has no bytes")
        }
      })
  }

  private func info(_ info: S3.ObjectInfo, _ key: String, _ range: SDCore.ByteRange?) throws -> ObjectInfo {
    // `bytes 0-9/1000`
    let whole = info.contentRange?.split(separator: "/").last.flatMap { Int64($0) }
    if range != nil, whole == nil, info.contentRange != nil {
      throw SDError(.unavailable, "reading object \(key): the answer does not tell its size")
    }
    // S3 refuses the end of an empty object; others answer with nothing of it.
    if range != nil, whole ?? info.contentLength == 0 {
      throw SDError(.invalid, "reading object \(key): the range has no bytes")
    }
    return ObjectInfo(
      key: key, size: whole ?? info.contentLength ?? 0, etag: info.eTag ?? "",
      modified: Timestamp(info.lastModified ?? Date(timeIntervalSince1970: 0)), contentType: info.contentType,
      metadata: info.metadata)
  }
}

/// An object's body, read by one at a time.
private actor BodyReader {
  private var iterator: S3.ObjectBody.AsyncIterator?
  private let attempt: String

  init(_ body: S3.ObjectBody, _ attempt: String) {
    iterator = body.makeAsyncIterator()
    self.attempt = attempt
  }

  func next() async throws -> ArraySlice<UInt8>? {
    guard var reading = iterator else { return nil }
    iterator = nil
    do throws(AWSError) {
      let chunk = try await reading.next()
      if chunk != nil { iterator = reading }
      return chunk
    } catch {
      throw failure(error, attempt)
    }
  }
}
