import AWSKit
import FoundationEssentials
import Glibc
import HTTPTransport
import Synchronization

extension Case {
  func s3(_ s3: S3) async throws -> Any {
    let p = params
    let (bucket, key, owner) = (p.text("Bucket"), p.text("Key"), p["ExpectedBucketOwner"].text)
    switch operation {
    case "PutObject":
      if let presigned { return try await s3.presignPutObject(write, lifetime: .seconds(presigned)) }
      return try await s3.putObject(write)
    case "GetObject":
      if let presigned { return try await s3.presignGetObject(read, lifetime: .seconds(presigned)) }
      let object = try await s3.getObject(read)
      return (info: object.info, bytes: try await object.body.collect(upTo: 1 << 20))
    case "HeadObject":
      var input = read
      // botocore asks for them by itself only where there are bytes to verify.
      input.verifiesChecksum = !p["ChecksumMode"].isNull
      return try await s3.headObject(input)
    case "DeleteObject":
      return try await s3.deleteObject(
        bucket: bucket, key: key, versionID: p["VersionId"].text, ifMatch: p["IfMatch"].text,
        bypassesGovernance: p["BypassGovernanceRetention"].bool, expectedOwner: owner)
    case "DeleteObjects":
      return try await s3.deleteObjects(
        bucket: bucket,
        objects: p["Delete"]["Objects"].list.map {
          .init(key: $0.text("Key"), versionID: $0["VersionId"].text, eTag: $0["ETag"].text)
        }, bypassesGovernance: p["BypassGovernanceRetention"].bool, expectedOwner: owner)
    case "CopyObject": return try await s3.copyObject(copy)
    case "ListObjectsV2":
      var input = S3.ListObjectsInput(
        bucket: bucket, prefix: p["Prefix"].text, delimiter: p["Delimiter"].text, startAfter: p["StartAfter"].text,
        maximum: p["MaxKeys"].int)
      input.continuationToken = p["ContinuationToken"].text
      input.tellsOwner = p["FetchOwner"].bool
      input.expectedOwner = owner
      return try await s3.listObjects(input)
    case "ListObjectVersions":
      var input = S3.ListObjectVersionsInput(
        bucket: bucket, prefix: p["Prefix"].text, delimiter: p["Delimiter"].text, maximum: p["MaxKeys"].int)
      (input.keyMarker, input.versionIDMarker) = (p["KeyMarker"].text, p["VersionIdMarker"].text)
      input.expectedOwner = owner
      return try await s3.listObjectVersions(input)
    case "GetObjectTagging":
      return try await s3.getObjectTagging(
        bucket: bucket, key: key, versionID: p["VersionId"].text, expectedOwner: owner)
    case "PutObjectTagging":
      return try await s3.putObjectTagging(
        bucket: bucket, key: key, tags: p["Tagging"]["TagSet"].tags, versionID: p["VersionId"].text,
        expectedOwner: owner)
    case "DeleteObjectTagging":
      return try await s3.deleteObjectTagging(
        bucket: bucket, key: key, versionID: p["VersionId"].text, expectedOwner: owner)
    case "ListBuckets": return try await s3.listBuckets(prefix: p["Prefix"].text, region: p["BucketRegion"].text)
    case "CreateBucket": return try await s3.createBucket(bucket, acl: p["ACL"].text)
    case "DeleteBucket": return try await s3.deleteBucket(bucket, expectedOwner: owner)
    case "HeadBucket": return try await s3.headBucket(bucket, expectedOwner: owner) as Any
    default: return try await multipart(s3)
    }
  }

  private func multipart(_ s3: S3) async throws -> Any {
    let p = params
    let (bucket, key, owner) = (p.text("Bucket"), p.text("Key"), p["ExpectedBucketOwner"].text)
    let (id, number, source) = (p.text("UploadId"), p["PartNumber"].int ?? 0, p["CopySource"])
    switch operation {
    case "CreateMultipartUpload":
      return try await s3.createMultipartUpload(
        bucket: bucket, key: key, settings: settings, checksumAlgorithm: algorithm, checksumType: checksumType,
        expectedOwner: owner)
    case "UploadPart":
      return try await s3.uploadPart(
        bucket: bucket, key: key, uploadID: id, number: number, body: body, checksumAlgorithm: algorithm,
        expectedOwner: owner)
    case "UploadPartCopy":
      return try await s3.uploadPartCopy(
        bucket: bucket, key: key, uploadID: id, number: number, sourceBucket: source.text("Bucket"),
        sourceKey: source.text("Key"), sourceVersionID: source["VersionId"].text,
        sourceRange: p["CopySourceRange"].isNull ? nil : 3...99, sourceIfMatch: p["CopySourceIfMatch"].text,
        expectedOwner: owner, sourceExpectedOwner: p["ExpectedSourceBucketOwner"].text)
    case "CompleteMultipartUpload":
      let parts = p["MultipartUpload"]["Parts"].list.map {
        S3.UploadedPart(number: $0["PartNumber"].int ?? 0, eTag: $0.text("ETag"), checksum: checksum($0))
      }
      return try await s3.completeMultipartUpload(
        bucket: bucket, key: key, uploadID: id, parts: parts, conditions: conditions, checksum: checksum(p),
        checksumType: checksumType, objectSize: p["MpuObjectSize"].int.map(Int64.init), expectedOwner: owner)
    case "AbortMultipartUpload":
      return try await s3.abortMultipartUpload(bucket: bucket, key: key, uploadID: id, expectedOwner: owner)
    case "ListParts":
      return try await s3.listParts(
        bucket: bucket, key: key, uploadID: id, maximum: p["MaxParts"].int,
        partNumberMarker: p["PartNumberMarker"].int, expectedOwner: owner)
    case "ListMultipartUploads":
      return try await s3.listMultipartUploads(
        bucket: bucket, prefix: p["Prefix"].text, maximum: p["MaxUploads"].int, keyMarker: p["KeyMarker"].text,
        uploadIDMarker: p["UploadIdMarker"].text, expectedOwner: owner)
    default: throw UnknownCall(name: operation)
    }
  }

  // MARK: Inputs

  private var settings: S3.ObjectSettings {
    let p = params
    var settings = S3.ObjectSettings(contentType: p["ContentType"].text, metadata: p["Metadata"].table)
    settings.cacheControl = p["CacheControl"].text
    settings.contentDisposition = p["ContentDisposition"].text
    settings.contentEncoding = p["ContentEncoding"].text
    settings.contentLanguage = p["ContentLanguage"].text
    settings.expires = p["Expires"].date
    settings.storageClass = p["StorageClass"].text
    settings.acl = p["ACL"].text
    settings.websiteRedirect = p["WebsiteRedirectLocation"].text
    settings.tags = p["Tags"].table
    let (key, context) = (p["SSEKMSKeyId"].text, p["SSEKMSEncryptionContext"].text)
    switch p["ServerSideEncryption"].text {
    case "AES256": settings.encryption = .aes256
    case "aws:kms":
      settings.encryption = .kms(keyID: key, context: context, usesBucketKey: p["BucketKeyEnabled"].bool)
    case "aws:kms:dsse": settings.encryption = .dualLayerKMS(keyID: key, context: context)
    default: break
    }
    let lock = S3.ObjectLock(
      mode: p["ObjectLockMode"].text.flatMap { .init(rawValue: $0) },
      retainUntil: p["ObjectLockRetainUntilDate"].date,
      hasLegalHold: p["ObjectLockLegalHoldStatus"].text.map { $0 == "ON" })
    settings.lock = lock
    return settings
  }

  private var conditions: S3.WriteConditions {
    .init(ifMatch: params["IfMatch"].text, ifNoneMatch: params["IfNoneMatch"].text)
  }

  private var algorithm: S3.ChecksumAlgorithm? {
    params["ChecksumAlgorithm"].text.flatMap { S3.ChecksumAlgorithm(rawValue: $0) }
  }

  private var checksumType: S3.ChecksumType? { params["ChecksumType"].text.flatMap { .init(rawValue: $0) } }

  /// A checksum that is known beforehand.
  private func checksum(_ members: JSONValue) -> S3.Checksum? {
    for algorithm in S3.ChecksumAlgorithm.allCases {
      if let value = members["Checksum\(algorithm.rawValue)"].text { return .init(algorithm, value) }
    }
    return nil
  }

  private var body: RequestBody {
    let bytes = params["Body"].bytes
    switch bodyKind {
    case "stream":
      return .stream(length: Int64(bytes.count)) {
        let left = Mutex(bytes[...])
        return {
          left.withLock { left in
            defer { left = left.dropFirst(7_777) }
            return left.isEmpty ? nil : left.prefix(7_777)
          }
        }
      }
    case "file":
      let path = "\(FileManager.default.temporaryDirectory.path)/awskit-probe-\(getpid())"
      try? Data([1, 2] + bytes + [3]).write(to: URL(filePath: path))
      return .file(path: path, offset: 2, length: Int64(bytes.count))
    default: return .bytes(bytes)
    }
  }

  private var write: S3.PutObjectInput {
    S3.PutObjectInput(
      bucket: params.text("Bucket"), key: params.text("Key"), body: body, settings: settings, conditions: conditions,
      checksumAlgorithm: algorithm, checksum: checksum(params), expectedOwner: params["ExpectedBucketOwner"].text)
  }

  private var read: S3.GetObjectInput {
    let p = params
    var input = S3.GetObjectInput(bucket: p.text("Bucket"), key: p.text("Key"), versionID: p["VersionId"].text)
    switch p["Range"].text {
    case "bytes=0-9": input.range = .closed(0...9)
    case "bytes=5-": input.range = .from(5)
    case "bytes=-7": input.range = .last(7)
    default: break
    }
    input.partNumber = p["PartNumber"].int
    input.ifMatch = p["IfMatch"].text
    input.ifNoneMatch = p["IfNoneMatch"].text
    input.ifModifiedSince = p["IfModifiedSince"].date
    input.ifUnmodifiedSince = p["IfUnmodifiedSince"].date
    for name in ["Content-Type", "Content-Disposition", "Content-Encoding", "Content-Language", "Cache-Control"] {
      input.answerFields[name] = p["Response\(name.split(separator: "-").joined())"].text
    }
    input.expectedOwner = p["ExpectedBucketOwner"].text
    return input
  }

  private var copy: S3.CopyObjectInput {
    let (p, source) = (params, params["CopySource"])
    var input = S3.CopyObjectInput(
      bucket: p.text("Bucket"), key: p.text("Key"), sourceBucket: source.text("Bucket"), sourceKey: source.text("Key"),
      sourceVersionID: source["VersionId"].text)
    if p["MetadataDirective"].text == "REPLACE" { input.settings = settings }
    input.replacesTags = p["TaggingDirective"].text == "REPLACE"
    input.conditions = conditions
    input.sourceIfMatch = p["CopySourceIfMatch"].text
    input.sourceIfNoneMatch = p["CopySourceIfNoneMatch"].text
    input.sourceIfModifiedSince = p["CopySourceIfModifiedSince"].date
    input.sourceIfUnmodifiedSince = p["CopySourceIfUnmodifiedSince"].date
    input.checksumAlgorithm = algorithm
    input.expectedOwner = p["ExpectedBucketOwner"].text
    input.sourceExpectedOwner = p["ExpectedSourceBucketOwner"].text
    return input
  }
}
