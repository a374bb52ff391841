public import FoundationEssentials
import HTTPTypes

extension S3 {
  /// How S3 encrypts an object at rest, where the bucket's default does not do.
  public enum Encryption: Sendable, Hashable {
    /// With keys of S3.
    case aes256
    /// With a key of KMS: its id or ARN, or the account's own; a context in base64 JSON; a key of the bucket.
    case kms(keyID: String? = nil, context: String? = nil, usesBucketKey: Bool? = nil)
    /// With two layers of keys of KMS.
    case dualLayerKMS(keyID: String? = nil, context: String? = nil)

    func add(to fields: inout HTTPFields) throws(AWSError) {
      switch self {
      case .aes256: try fields.add(.serverSideEncryption, "AES256")
      case .kms(let keyID, let context, let usesBucketKey):
        try fields.add(.serverSideEncryption, "aws:kms")
        try fields.add(.sseKMSKeyID, keyID)
        try fields.add(.sseKMSContext, context)
        try fields.add(.sseBucketKey, usesBucketKey.map { $0 ? "true" : "false" })
      case .dualLayerKMS(let keyID, let context):
        try fields.add(.serverSideEncryption, "aws:kms:dsse")
        try fields.add(.sseKMSKeyID, keyID)
        try fields.add(.sseKMSContext, context)
      }
    }
  }

  /// What keeps a version of an object from being deleted, in buckets with Object Lock.
  public struct ObjectLock: Sendable, Hashable {
    /// Who may lift it.
    public enum Mode: String, Sendable, Hashable {
      /// Those with a permission of their own.
      case governance = "GOVERNANCE"
      /// Nobody.
      case compliance = "COMPLIANCE"
    }

    /// Who may lift it; goes with ``retainUntil``.
    public var mode: Mode?
    /// How long it holds.
    public var retainUntil: Date?
    /// Whether it is held until somebody says otherwise.
    public var hasLegalHold: Bool?

    /// A lock.
    public init(mode: Mode? = nil, retainUntil: Date? = nil, hasLegalHold: Bool? = nil) {
      (self.mode, self.retainUntil, self.hasLegalHold) = (mode, retainUntil, hasLegalHold)
    }
  }

  /// What an object has besides its bytes; the same for a put, a copy, and a multipart upload.
  public struct ObjectSettings: Sendable, Hashable {
    /// The media type, `image/png`.
    public var contentType: String?
    /// `Cache-Control`.
    public var cacheControl: String?
    /// `Content-Disposition`.
    public var contentDisposition: String?
    /// `Content-Encoding`.
    public var contentEncoding: String?
    /// `Content-Language`.
    public var contentLanguage: String?
    /// `Expires`.
    public var expires: Date?
    /// Metadata of one's own; names are tokens of HTTP, values are ASCII without control characters.
    public var metadata: [String: String] = [:]
    /// `STANDARD_IA`, `INTELLIGENT_TIERING` and so on.
    public var storageClass: String?
    /// A canned ACL, `bucket-owner-full-control`, for buckets that still have them.
    public var acl: String?
    /// Tags, up to ten.
    public var tags: [String: String] = [:]
    /// Encryption at rest.
    public var encryption: Encryption?
    /// Where a website's request for the object is sent.
    public var websiteRedirect: String?
    /// What keeps it from being deleted.
    public var lock: ObjectLock?

    /// No settings.
    public init() {}

    /// A media type.
    public init(contentType: String?, metadata: [String: String] = [:]) {
      (self.contentType, self.metadata) = (contentType, metadata)
    }

    func add(to fields: inout HTTPFields) throws(AWSError) {
      for (name, value) in [
        (HTTPField.Name.acl, acl), (.cacheControl, cacheControl), (.contentDisposition, contentDisposition),
        (.contentEncoding, contentEncoding), (.contentLanguage, contentLanguage), (.contentType, contentType),
        (.storageClass, storageClass), (.websiteRedirect, websiteRedirect),
      ] {
        try fields.add(name, value)
      }
      try fields.add(.expires, expires.map { WireTime($0).httpDate })
      try encryption?.add(to: &fields)
      try fields.add(.objectLockMode, lock?.mode?.rawValue)
      try fields.add(.objectLockRetainUntil, lock?.retainUntil.map { WireTime($0).iso8601 })
      try fields.add(.objectLockLegalHold, lock?.hasLegalHold.map { $0 ? "ON" : "OFF" })
      if !tags.isEmpty { try fields.add(.tagging, Self.query(tags)) }
      for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
        guard let name = HTTPField.Name("x-amz-meta-\(key)") else {
          throw AWSError(.invalidInput, "the metadata name \(key.debugDescription) is no token of HTTP")
        }
        try fields.add(name, value)
      }
    }

    static func query(_ tags: [String: String]) -> String {
      tags.sorted { $0.key < $1.key }
        .map { "\(PercentEncoding.encode($0.key))=\(PercentEncoding.encode($0.value))" }.joined(separator: "&")
    }
  }

  /// What S3 tells of an object.
  public struct ObjectInfo: Sendable, Hashable {
    /// The bytes of the answer's body; of a `HEAD`, of the object.
    public var contentLength: Int64?
    /// The media type.
    public var contentType: String?
    /// `Content-Encoding`.
    public var contentEncoding: String?
    /// `Content-Disposition`.
    public var contentDisposition: String?
    /// `Content-Language`.
    public var contentLanguage: String?
    /// `Cache-Control`.
    public var cacheControl: String?
    /// Which bytes of how many: `bytes 0-9/100`, for ranges.
    public var contentRange: String?
    /// The entity tag, quotes included.
    public var eTag: String?
    /// When it was written.
    public var lastModified: Date?
    /// Metadata of one's own; names in lower case.
    public var metadata: [String: String] = [:]
    /// The version.
    public var versionID: String?
    /// The storage class; `nil` is `STANDARD`.
    public var storageClass: String?
    /// `AES256`, `aws:kms`, `aws:kms:dsse`.
    public var serverSideEncryption: String?
    /// The key of KMS.
    public var kmsKeyID: String?
    /// Whether a key of the bucket stands between KMS and the object.
    public var usesBucketKey: Bool?
    /// The checksums that S3 keeps.
    public var checksums: [Checksum] = []
    /// What the checksums cover.
    public var checksumType: ChecksumType?
    /// What keeps it from being deleted.
    public var lock: ObjectLock?
    /// `PENDING`, `COMPLETED`, `FAILED`, `REPLICA`: how far its replication is.
    public var replicationStatus: String?
    /// Where a website's request for the object is sent.
    public var websiteRedirect: String?
    /// The number of parts, where a part was asked for.
    public var partsCount: Int?
    /// The number of tags.
    public var tagCount: Int?
    /// When and by which rule it expires, as S3 words it.
    public var expiration: String?
    /// The state of a restore from an archive, as S3 words it.
    public var restore: String?
    /// Whether this version is a delete marker.
    public var isDeleteMarker = false

    init(_ head: HTTPResponse) {
      for field in head.headerFields {
        let value = field.value
        switch field.name.canonicalName {
        case "content-length": contentLength = Int64(value)
        case "content-type": contentType = value
        case "content-encoding": contentEncoding = value
        case "content-disposition": contentDisposition = value
        case "content-language": contentLanguage = value
        case "cache-control": cacheControl = value
        case "content-range": contentRange = value
        case "etag": eTag = value
        case "last-modified": lastModified = WireTimeParser.date(value)
        case "x-amz-version-id": versionID = value
        case "x-amz-storage-class": storageClass = value
        case "x-amz-server-side-encryption": serverSideEncryption = value
        case "x-amz-server-side-encryption-aws-kms-key-id": kmsKeyID = value
        case "x-amz-mp-parts-count": partsCount = Int(value)
        case "x-amz-tagging-count": tagCount = Int(value)
        case "x-amz-expiration": expiration = value
        case "x-amz-restore": restore = value
        case "x-amz-server-side-encryption-bucket-key-enabled": usesBucketKey = value == "true"
        case "x-amz-checksum-type": checksumType = ChecksumType(rawValue: value)
        case "x-amz-object-lock-mode":
          lock = lock ?? ObjectLock()
          lock?.mode = .init(rawValue: value)
        case "x-amz-object-lock-retain-until-date":
          lock = lock ?? ObjectLock()
          lock?.retainUntil = WireTimeParser.date(value)
        case "x-amz-object-lock-legal-hold":
          lock = lock ?? ObjectLock()
          lock?.hasLegalHold = value == "ON"
        case "x-amz-replication-status": replicationStatus = value
        case "x-amz-website-redirect-location": websiteRedirect = value
        case "x-amz-delete-marker": isDeleteMarker = value == "true"
        case let name where name.hasPrefix("x-amz-meta-"): metadata[String(name.dropFirst(11))] = value
        case let name where name.hasPrefix("x-amz-checksum-"):
          if let algorithm = ChecksumAlgorithm(rawValue: name.dropFirst(15).uppercased()) {
            checksums.append(Checksum(algorithm, value))
          }
        default: break
        }
      }
    }

    /// A checksum of the object's own bytes, the cheapest one first.
    package var verifiable: Checksum? {
      let order: [ChecksumAlgorithm] = [.crc32c, .crc32, .crc64nvme, .sha256, .sha1]
      return checksums.filter { !$0.isComposite }
        .min { (order.firstIndex(of: $0.algorithm) ?? 9) < (order.firstIndex(of: $1.algorithm) ?? 9) }
    }
  }
}
