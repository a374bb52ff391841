import HTTPTypes

extension HTTPField.Name {
  static let acl = HTTPField.Name("x-amz-acl")!
  static let bucketRegion = HTTPField.Name("x-amz-bucket-region")!
  static let bypassGovernance = HTTPField.Name("x-amz-bypass-governance-retention")!
  static let checksumAlgorithm = HTTPField.Name("x-amz-checksum-algorithm")!
  static let checksumMode = HTTPField.Name("x-amz-checksum-mode")!
  static let checksumType = HTTPField.Name("x-amz-checksum-type")!
  static let copySource = HTTPField.Name("x-amz-copy-source")!
  static let copySourceIfMatch = HTTPField.Name("x-amz-copy-source-if-match")!
  static let copySourceIfNoneMatch = HTTPField.Name("x-amz-copy-source-if-none-match")!
  static let copySourceIfModifiedSince = HTTPField.Name("x-amz-copy-source-if-modified-since")!
  static let copySourceIfUnmodifiedSince = HTTPField.Name("x-amz-copy-source-if-unmodified-since")!
  static let copySourceRange = HTTPField.Name("x-amz-copy-source-range")!
  static let decodedContentLength = HTTPField.Name("x-amz-decoded-content-length")!
  static let deleteMarker = HTTPField.Name("x-amz-delete-marker")!
  static let expectedBucketOwner = HTTPField.Name("x-amz-expected-bucket-owner")!
  static let sourceExpectedBucketOwner = HTTPField.Name("x-amz-source-expected-bucket-owner")!
  static let metadataDirective = HTTPField.Name("x-amz-metadata-directive")!
  static let multipartObjectSize = HTTPField.Name("x-amz-mp-object-size")!
  static let objectLockMode = HTTPField.Name("x-amz-object-lock-mode")!
  static let objectLockRetainUntil = HTTPField.Name("x-amz-object-lock-retain-until-date")!
  static let objectLockLegalHold = HTTPField.Name("x-amz-object-lock-legal-hold")!
  static let requestPayer = HTTPField.Name("x-amz-request-payer")!
  static let sdkChecksumAlgorithm = HTTPField.Name("x-amz-sdk-checksum-algorithm")!
  static let serverSideEncryption = HTTPField.Name("x-amz-server-side-encryption")!
  static let sseKMSKeyID = HTTPField.Name("x-amz-server-side-encryption-aws-kms-key-id")!
  static let sseKMSContext = HTTPField.Name("x-amz-server-side-encryption-context")!
  static let sseBucketKey = HTTPField.Name("x-amz-server-side-encryption-bucket-key-enabled")!
  static let storageClass = HTTPField.Name("x-amz-storage-class")!
  static let tagging = HTTPField.Name("x-amz-tagging")!
  static let taggingDirective = HTTPField.Name("x-amz-tagging-directive")!
  static let trailer = HTTPField.Name("x-amz-trailer")!
  static let versionID = HTTPField.Name("x-amz-version-id")!
  static let websiteRedirect = HTTPField.Name("x-amz-website-redirect-location")!
}
