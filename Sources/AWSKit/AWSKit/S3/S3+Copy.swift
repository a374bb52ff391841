public import FoundationEssentials
import HTTPTypes

extension S3 {
  /// An object to copy, on S3's side.
  public struct CopyObjectInput: Sendable, Hashable {
    /// Where to.
    public var bucket: String
    /// The new key.
    public var key: String
    /// Where from: a bucket, or an access point's ARN.
    public var sourceBucket: String
    /// The old key.
    public var sourceKey: String
    /// A version of the old one.
    public var sourceVersionID: String?
    /// What the copy has besides; `nil`: what the original has.
    public var settings: ObjectSettings?
    /// Whether the copy gets the tags in ``settings`` instead of the original's.
    public var replacesTags = false
    /// What must hold of the copy's place.
    public var conditions = WriteConditions()
    /// The original must have this entity tag.
    public var sourceIfMatch: String?
    /// The original must have another entity tag.
    public var sourceIfNoneMatch: String?
    /// The original must be younger.
    public var sourceIfModifiedSince: Date?
    /// The original must be as old or older.
    public var sourceIfUnmodifiedSince: Date?
    /// The checksum that S3 makes for the copy.
    public var checksumAlgorithm: ChecksumAlgorithm?
    /// The account that must own the bucket.
    public var expectedOwner: String?
    /// The account that must own the source's bucket.
    public var sourceExpectedOwner: String?

    /// An object to copy.
    public init(bucket: String, key: String, sourceBucket: String, sourceKey: String, sourceVersionID: String? = nil) {
      (self.bucket, self.key, self.sourceVersionID) = (bucket, key, sourceVersionID)
      (self.sourceBucket, self.sourceKey) = (sourceBucket, sourceKey)
    }
  }

  /// Copies an object of up to 5 GiB.
  @discardableResult
  public func copyObject(_ input: CopyObjectInput) async throws(AWSError) -> WrittenObject {
    let call = try copyCall(input)
    return try await xml(call, bucket: input.bucket) { root, head in
      let info = ObjectInfo(head)
      return WrittenObject(
        eTag: root.string("ETag"), versionID: info.versionID, checksum: Checksum(xml: root),
        serverSideEncryption: info.serverSideEncryption)
    }
  }

  func copyCall(_ input: CopyObjectInput) throws(AWSError) -> ServiceCall {
    var call = try call("CopyObject", .put, bucket: input.bucket, key: input.key)
    try call.fields.add(.copySource, Self.copySource(input.sourceBucket, input.sourceKey, input.sourceVersionID))
    if let settings = input.settings {
      try call.fields.add(.metadataDirective, "REPLACE")
      do { try settings.add(to: &call.fields) } catch { throw core.named(error, call) }
    }
    if input.replacesTags { try call.fields.add(.taggingDirective, "REPLACE") }
    try input.conditions.add(to: &call.fields)
    try call.fields.add(.copySourceIfMatch, input.sourceIfMatch)
    try call.fields.add(.copySourceIfNoneMatch, input.sourceIfNoneMatch)
    try call.fields.add(.copySourceIfModifiedSince, input.sourceIfModifiedSince.map { WireTime($0).httpDate })
    try call.fields.add(.copySourceIfUnmodifiedSince, input.sourceIfUnmodifiedSince.map { WireTime($0).httpDate })
    try call.fields.add(.checksumAlgorithm, input.checksumAlgorithm?.rawValue)
    try call.fields.add(.expectedBucketOwner, input.expectedOwner)
    try call.fields.add(.sourceExpectedBucketOwner, input.sourceExpectedOwner)
    return call
  }

  static func copySource(_ bucket: String, _ key: String, _ versionID: String?) -> String {
    var text: [UInt8] = []
    let place = bucket.hasPrefix("arn:") ? "\(bucket)/object/\(key)" : "\(bucket)/\(key)"
    PercentEncoding.append(place.utf8, to: &text, keepingSlash: true)
    if let versionID {
      text.append("?versionId=")
      PercentEncoding.append(versionID.utf8, to: &text)
    }
    return String(decoding: text, as: UTF8.self)
  }
}

extension S3.Checksum {
  /// The first checksum that an element tells.
  init?(xml element: XMLElement) {
    if let value = element.string("ChecksumCRC32") {
      self.init(.crc32, value)
    } else if let value = element.string("ChecksumCRC32C") {
      self.init(.crc32c, value)
    } else if let value = element.string("ChecksumCRC64NVME") {
      self.init(.crc64nvme, value)
    } else if let value = element.string("ChecksumSHA1") {
      self.init(.sha1, value)
    } else if let value = element.string("ChecksumSHA256") {
      self.init(.sha256, value)
    } else {
      return nil
    }
  }

  /// The element that tells a value of this algorithm.
  var elementName: StaticString {
    switch algorithm {
    case .crc32: "ChecksumCRC32"
    case .crc32c: "ChecksumCRC32C"
    case .crc64nvme: "ChecksumCRC64NVME"
    case .sha1: "ChecksumSHA1"
    case .sha256: "ChecksumSHA256"
    }
  }
}
