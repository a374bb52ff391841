import HTTPTransport
import Testing

@testable import AWSKit

extension RequestVectorsTests {
  func settings(_ p: JSONValue) -> S3.ObjectSettings {
    var settings = S3.ObjectSettings()
    settings.contentType = p["ContentType"].text
    settings.cacheControl = p["CacheControl"].text
    settings.contentDisposition = p["ContentDisposition"].text
    settings.contentEncoding = p["ContentEncoding"].text
    settings.contentLanguage = p["ContentLanguage"].text
    settings.expires = p["Expires"].date
    settings.storageClass = p["StorageClass"].text
    settings.acl = p["ACL"].text
    settings.metadata = p["Metadata"].table
    settings.websiteRedirect = p["WebsiteRedirectLocation"].text
    switch p["ServerSideEncryption"].text {
    case "AES256": settings.encryption = .aes256
    case "aws:kms":
      settings.encryption = .kms(
        keyID: p["SSEKMSKeyId"].text, context: p["SSEKMSEncryptionContext"].text,
        usesBucketKey: p["BucketKeyEnabled"].bool)
    default: break
    }
    return settings
  }

  func conditions(_ p: JSONValue) -> S3.WriteConditions {
    .init(ifMatch: p["IfMatch"].text, ifNoneMatch: p["IfNoneMatch"].text)
  }

  func algorithm(_ p: JSONValue) -> S3.ChecksumAlgorithm? {
    p["ChecksumAlgorithm"].text.flatMap { S3.ChecksumAlgorithm(rawValue: $0) }
  }

  func read(_ p: JSONValue) -> S3.GetObjectInput {
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
    input.answerFields["Content-Type"] = p["ResponseContentType"].text
    input.answerFields["Content-Disposition"] = p["ResponseContentDisposition"].text
    input.expectedOwner = p["ExpectedBucketOwner"].text
    return input
  }

  func write(_ p: JSONValue) -> S3.PutObjectInput {
    S3.PutObjectInput(
      bucket: p.text("Bucket"), key: p.text("Key"), body: .bytes(p["Body"].bytes), settings: settings(p),
      conditions: conditions(p), checksumAlgorithm: algorithm(p), expectedOwner: p["ExpectedBucketOwner"].text)
  }

  func presign(_ item: Case) async throws -> String {
    let s3 = try S3(client(item.secure))
    if item.operation == "presign:GetObject" {
      return try await s3.presignGetObject(read(item.params), lifetime: .seconds(900)).url
    }
    return try await s3.presignPutObject(write(item.params), lifetime: .seconds(900)).url
  }

  func s3(_ s3: S3, _ operation: String, _ p: JSONValue) async throws {
    let (bucket, key, id, owner) = (p.text("Bucket"), p.text("Key"), p.text("UploadId"), p["ExpectedBucketOwner"].text)
    switch operation {
    case "PutObject": try await s3.putObject(write(p))
    case "GetObject": _ = try await s3.getObject(read(p))
    case "HeadObject":
      var input = read(p)
      // botocore asks for them by itself only where there are bytes to verify.
      input.verifiesChecksum = !p["ChecksumMode"].isNull
      _ = try await s3.headObject(input)
    case "DeleteObject":
      try await s3.deleteObject(
        bucket: bucket, key: key, versionID: p["VersionId"].text, ifMatch: p["IfMatch"].text, expectedOwner: owner)
    case "DeleteObjects":
      _ = try await s3.deleteObjects(
        bucket: bucket,
        objects: p["Delete"]["Objects"].list.map {
          .init(key: $0.text("Key"), versionID: $0["VersionId"].text, eTag: $0["ETag"].text)
        }, expectedOwner: owner)
    case "CopyObject":
      let source = p["CopySource"]
      var input = S3.CopyObjectInput(
        bucket: bucket, key: key, sourceBucket: source.text("Bucket"), sourceKey: source.text("Key"),
        sourceVersionID: source["VersionId"].text)
      if p["MetadataDirective"].text == "REPLACE" { input.settings = settings(p) }
      input.conditions = conditions(p)
      input.sourceIfMatch = p["CopySourceIfMatch"].text
      input.sourceIfNoneMatch = p["CopySourceIfNoneMatch"].text
      input.sourceIfModifiedSince = p["CopySourceIfModifiedSince"].date
      input.sourceIfUnmodifiedSince = p["CopySourceIfUnmodifiedSince"].date
      input.checksumAlgorithm = algorithm(p)
      input.expectedOwner = owner
      input.sourceExpectedOwner = p["ExpectedSourceBucketOwner"].text
      try await s3.copyObject(input)
    case "ListObjectsV2":
      var input = S3.ListObjectsInput(
        bucket: bucket, prefix: p["Prefix"].text, delimiter: p["Delimiter"].text, startAfter: p["StartAfter"].text,
        maximum: p["MaxKeys"].int)
      input.continuationToken = p["ContinuationToken"].text
      input.tellsOwner = p["FetchOwner"].bool
      input.expectedOwner = owner
      _ = try await s3.listObjects(input)
    case "CreateMultipartUpload":
      _ = try await s3.createMultipartUpload(
        bucket: bucket, key: key, settings: settings(p), checksumAlgorithm: algorithm(p), expectedOwner: owner)
    case "UploadPart":
      _ = try await s3.uploadPart(
        bucket: bucket, key: key, uploadID: id, number: p["PartNumber"].int ?? 0, body: .bytes(p["Body"].bytes),
        checksumAlgorithm: algorithm(p), expectedOwner: owner)
    case "UploadPartCopy":
      _ = try await s3.uploadPartCopy(
        bucket: bucket, key: key, uploadID: id, number: p["PartNumber"].int ?? 0,
        sourceBucket: p["CopySource"].text("Bucket"), sourceKey: p["CopySource"].text("Key"),
        sourceRange: p["CopySourceRange"].isNull ? nil : 3...99)
    case "CompleteMultipartUpload":
      _ = try await s3.completeMultipartUpload(
        bucket: bucket, key: key, uploadID: id,
        parts: p["MultipartUpload"]["Parts"].list.map {
          .init(
            number: $0["PartNumber"].int ?? 0, eTag: $0.text("ETag"), checksum: .init(.crc32, $0.text("ChecksumCRC32")))
        }, conditions: conditions(p), expectedOwner: owner)
    case "AbortMultipartUpload":
      try await s3.abortMultipartUpload(bucket: bucket, key: key, uploadID: id, expectedOwner: owner)
    case "ListParts":
      _ = try await s3.listParts(
        bucket: bucket, key: key, uploadID: id, maximum: p["MaxParts"].int, partNumberMarker: p["PartNumberMarker"].int)
    case "ListMultipartUploads":
      _ = try await s3.listMultipartUploads(
        bucket: bucket, prefix: p["Prefix"].text, maximum: p["MaxUploads"].int, keyMarker: p["KeyMarker"].text,
        uploadIDMarker: p["UploadIdMarker"].text)
    case "GetObjectTagging": _ = try await s3.getObjectTagging(bucket: bucket, key: key, versionID: p["VersionId"].text)
    case "DeleteObjectTagging":
      try await s3.deleteObjectTagging(bucket: bucket, key: key, versionID: p["VersionId"].text)
    case "PutObjectTagging":
      try await s3.putObjectTagging(
        bucket: bucket, key: key, tags: p["Tagging"]["TagSet"].tags, versionID: p["VersionId"].text)
    case "ListBuckets": _ = try await s3.listBuckets(prefix: p["Prefix"].text)
    case "CreateBucket": try await s3.createBucket(bucket)
    case "DeleteBucket": try await s3.deleteBucket(bucket)
    case "HeadBucket": try await s3.headBucket(bucket, expectedOwner: owner)
    default: Issue.record("unknown operation \(operation)")
    }
  }
}
