public import FoundationEssentials
public import HTTPTransport
import HTTPTypes

extension S3 {
  /// A part that was uploaded.
  public struct UploadedPart: Sendable, Hashable {
    /// Its number, 1 to 10,000.
    public var number: Int
    /// The entity tag, quotes included.
    public var eTag: String
    /// The checksum that S3 keeps.
    public var checksum: Checksum?

    /// A part that was uploaded.
    public init(number: Int, eTag: String, checksum: Checksum? = nil) {
      (self.number, self.eTag, self.checksum) = (number, eTag, checksum)
    }
  }

  /// Begins an upload in parts; gives its id.
  ///
  /// - Parameter checksumType: what the object's checksum will cover; by default what goes with the algorithm.
  public func createMultipartUpload(
    bucket: String, key: String, settings: ObjectSettings = .init(), checksumAlgorithm: ChecksumAlgorithm? = .crc32,
    checksumType: ChecksumType? = nil, expectedOwner: String? = nil
  ) async throws(AWSError) -> String {
    var call = try call("CreateMultipartUpload", .post, bucket: bucket, key: key, query: S3Query("uploads"))
    do { try settings.add(to: &call.fields) } catch { throw core.named(error, call) }
    call.fields.add(.checksumAlgorithm, checksumAlgorithm?.rawValue)
    call.fields.add(.checksumType, checksumType?.rawValue)
    call.fields.add(.expectedBucketOwner, expectedOwner)
    return try await xml(call, bucket: bucket) { root, _ throws(AWSError) in try root.required("UploadId") }
  }

  /// Uploads a part of 5 MiB to 5 GiB; the last one may be smaller.
  public func uploadPart(
    bucket: String, key: String, uploadID: String, number: Int, body: RequestBody,
    checksumAlgorithm: ChecksumAlgorithm? = .crc32, expectedOwner: String? = nil
  ) async throws(AWSError) -> UploadedPart {
    var query = S3Query()
    query.add("partNumber", number)
    query.add("uploadId", uploadID)
    var call = try call("UploadPart", .put, bucket: bucket, key: key, query: query)
    call.fields.add(.expectedBucketOwner, expectedOwner)
    try attach(body, checksum: checksumAlgorithm.map { .made($0) } ?? .none, to: &call)
    let made = checksumAlgorithm.flatMap { algorithm in
      call.fields[algorithm.field].map { Checksum(algorithm, $0) }
    }
    return try await head(call, bucket: bucket) { head throws(AWSError) in
      guard let eTag = head.headerFields[.eTag] else {
        throw AWSError(.malformedAnswer, "the answer to a part has no entity tag")
      }
      return UploadedPart(number: number, eTag: eTag, checksum: ObjectInfo(head).checksums.first ?? made)
    }
  }

  /// Makes a part of an object, or of a range of it, that S3 has already.
  ///
  /// - Parameter sourceIfMatch: the entity tag that the source must have, so that all parts come of one version.
  public func uploadPartCopy(
    bucket: String, key: String, uploadID: String, number: Int, sourceBucket: String, sourceKey: String,
    sourceVersionID: String? = nil, sourceRange: ClosedRange<Int64>? = nil, sourceIfMatch: String? = nil,
    expectedOwner: String? = nil, sourceExpectedOwner: String? = nil
  ) async throws(AWSError) -> UploadedPart {
    var query = S3Query()
    query.add("partNumber", number)
    query.add("uploadId", uploadID)
    var call = try call("UploadPartCopy", .put, bucket: bucket, key: key, query: query)
    call.fields.add(.copySource, Self.copySource(sourceBucket, sourceKey, sourceVersionID))
    call.fields.add(.copySourceRange, sourceRange.map { "bytes=\($0.lowerBound)-\($0.upperBound)" })
    call.fields.add(.copySourceIfMatch, sourceIfMatch)
    call.fields.add(.expectedBucketOwner, expectedOwner)
    call.fields.add(.sourceExpectedBucketOwner, sourceExpectedOwner)
    return try await xml(call, bucket: bucket) { root, _ throws(AWSError) in
      UploadedPart(number: number, eTag: try root.required("ETag"), checksum: Checksum(xml: root))
    }
  }

  /// Makes an object of the parts.
  ///
  /// - Parameters:
  ///   - checksum: the object's, which S3 compares with its own.
  ///   - checksumType: what it covers.
  ///   - objectSize: the object's bytes, which S3 compares with the parts'.
  public func completeMultipartUpload(
    bucket: String, key: String, uploadID: String, parts: [UploadedPart], conditions: WriteConditions = .init(),
    checksum: Checksum? = nil, checksumType: ChecksumType? = nil, objectSize: Int64? = nil,
    expectedOwner: String? = nil
  ) async throws(AWSError) -> WrittenObject {
    var query = S3Query()
    query.add("uploadId", uploadID)
    var call = try call("CompleteMultipartUpload", .post, bucket: bucket, key: key, query: query)
    let document = try XMLWriter(root: "CompleteMultipartUpload", namespace: Self.namespace) { xml throws(AWSError) in
      for part in parts.sorted(by: { $0.number < $1.number }) {
        try xml.element("Part") { xml throws(AWSError) in
          try xml.add("ETag", part.eTag)
          if let checksum = part.checksum { try xml.add(checksum.elementName, checksum.value) }
          try xml.add("PartNumber", String(part.number))
        }
      }
    }
    conditions.add(to: &call.fields)
    if let checksum { call.fields.add(checksum.algorithm.field, checksum.value) }
    call.fields.add(.checksumType, checksumType?.rawValue)
    call.fields.add(.multipartObjectSize, objectSize.map { String($0) })
    call.fields.add(.expectedBucketOwner, expectedOwner)
    call.fields.add(.contentType, "application/xml")
    try attach(.bytes(document.bytes), checksum: .none, to: &call)
    return try await xml(call, bucket: bucket) { root, head in
      let info = ObjectInfo(head)
      return WrittenObject(
        eTag: root.string("ETag"), versionID: info.versionID, checksum: Checksum(xml: root),
        serverSideEncryption: info.serverSideEncryption)
    }
  }

  /// Gives an upload up, with its parts.
  public func abortMultipartUpload(bucket: String, key: String, uploadID: String, expectedOwner: String? = nil)
    async throws(AWSError)
  {
    var query = S3Query()
    query.add("uploadId", uploadID)
    var call = try call("AbortMultipartUpload", .delete, bucket: bucket, key: key, query: query)
    call.fields.add(.expectedBucketOwner, expectedOwner)
    try await head(call, bucket: bucket) { _ in }
  }

  /// One page of the parts of an upload.
  public struct PartPage: Sendable, Hashable {
    /// The parts.
    public var parts: [UploadedPart]
    /// What the next page is asked for with; `nil` on the last one.
    public var nextPartNumberMarker: Int?
  }

  /// One page of the parts that an upload has.
  public func listParts(
    bucket: String, key: String, uploadID: String, maximum: Int? = nil, partNumberMarker: Int? = nil,
    expectedOwner: String? = nil
  ) async throws(AWSError) -> PartPage {
    var query = S3Query()
    query.add("max-parts", maximum)
    query.add("part-number-marker", partNumberMarker)
    query.add("uploadId", uploadID)
    var call = try call("ListParts", .get, bucket: bucket, key: key, query: query)
    call.fields.add(.expectedBucketOwner, expectedOwner)
    return try await xml(call, bucket: bucket) { root, _ throws(AWSError) in
      let parts = try root.flat("Part") { element throws(AWSError) in
        UploadedPart(
          number: try element.integer("PartNumber") ?? 0, eTag: try element.required("ETag"),
          checksum: Checksum(xml: element))
      }
      let isTruncated = try root.bool("IsTruncated") == true
      return PartPage(parts: parts, nextPartNumberMarker: isTruncated ? try root.integer("NextPartNumberMarker") : nil)
    }
  }

  /// An upload that is under way, or was left behind.
  public struct PendingUpload: Sendable, Hashable {
    /// The key.
    public var key: String
    /// The upload's id.
    public var uploadID: String
    /// When it began.
    public var initiated: Date?
  }

  /// One page of uploads.
  public struct UploadPage: Sendable, Hashable {
    /// The uploads.
    public var uploads: [PendingUpload]
    /// What the next page is asked for with, along with the id; `nil` on the last one.
    public var nextKeyMarker: String?
    /// What the next page is asked for with, along with the key.
    public var nextUploadIDMarker: String?
  }

  /// One page of the uploads of a bucket that are neither complete nor aborted.
  public func listMultipartUploads(
    bucket: String, prefix: String? = nil, maximum: Int? = nil, keyMarker: String? = nil,
    uploadIDMarker: String? = nil, expectedOwner: String? = nil
  ) async throws(AWSError) -> UploadPage {
    var query = S3Query("uploads")
    query.add("encoding-type", "url")
    query.add("key-marker", keyMarker)
    query.add("max-uploads", maximum)
    query.add("prefix", prefix)
    query.add("upload-id-marker", uploadIDMarker)
    var call = try call("ListMultipartUploads", .get, bucket: bucket, query: query)
    call.fields.add(.expectedBucketOwner, expectedOwner)
    return try await xml(call, bucket: bucket) { root, _ throws(AWSError) in
      let decode = root.keyDecoding
      let uploads = try root.flat("Upload") { element throws(AWSError) in
        PendingUpload(
          key: decode(try element.required("Key")), uploadID: try element.required("UploadId"),
          initiated: try element.date("Initiated"))
      }
      let isTruncated = try root.bool("IsTruncated") == true
      return UploadPage(
        uploads: uploads, nextKeyMarker: isTruncated ? root.string("NextKeyMarker").map(decode) : nil,
        nextUploadIDMarker: isTruncated ? root.string("NextUploadIdMarker") : nil)
    }
  }
}
