public import FoundationEssentials
import HTTPTypes

extension S3 {
  /// Which versions to list.
  public struct ListObjectVersionsInput: Sendable, Hashable {
    /// The bucket, or an access point's ARN.
    public var bucket: String
    /// What keys begin with.
    public var prefix: String?
    /// What cuts keys into folders, `/`.
    public var delimiter: String?
    /// The versions of a page, up to 1,000.
    public var maximum: Int?
    /// The next page of an answer before, along with the version.
    public var keyMarker: String?
    /// The next page of an answer before, along with the key.
    public var versionIDMarker: String?
    /// The account that must own the bucket.
    public var expectedOwner: String?

    /// Which versions to list.
    public init(bucket: String, prefix: String? = nil, delimiter: String? = nil, maximum: Int? = nil) {
      (self.bucket, self.prefix, self.delimiter, self.maximum) = (bucket, prefix, delimiter, maximum)
    }
  }

  /// A version of an object, or a delete marker.
  public struct ObjectVersion: Sendable, Hashable {
    /// The key.
    public var key: String
    /// The version; `null` for objects from before the bucket had versions.
    public var versionID: String
    /// Whether it is what a request without a version means.
    public var isLatest: Bool
    /// Whether it says that the object is deleted.
    public var isDeleteMarker: Bool
    /// The bytes; `nil` for delete markers.
    public var size: Int64?
    /// The entity tag, quotes included; `nil` for delete markers.
    public var eTag: String?
    /// When it was written.
    public var lastModified: Date?
    /// The storage class; `nil` for delete markers.
    public var storageClass: String?
  }

  /// One page of versions: in the order of their keys, the newest of a key first.
  public struct VersionPage: Sendable, Hashable {
    /// The versions and delete markers.
    public var versions: [ObjectVersion]
    /// The folders: what keys have in common up to the delimiter.
    public var commonPrefixes: [String]
    /// What the next page is asked for with; `nil` on the last one.
    public var nextKeyMarker: String?
    /// What the next page is asked for with, along with the key.
    public var nextVersionIDMarker: String?
  }

  /// One page of the versions of a bucket's objects, delete markers among them: what must go before the bucket can.
  public func listObjectVersions(_ input: ListObjectVersionsInput) async throws(AWSError) -> VersionPage {
    var query = S3Query("versions")
    query.add("delimiter", input.delimiter)
    query.add("encoding-type", "url")
    query.add("key-marker", input.keyMarker)
    query.add("max-keys", input.maximum)
    query.add("prefix", input.prefix)
    query.add("version-id-marker", input.versionIDMarker)
    var call = try call("ListObjectVersions", .get, bucket: input.bucket, query: query)
    call.fields.add(.expectedBucketOwner, input.expectedOwner)
    return try await xml(call, bucket: input.bucket) { root, _ throws(AWSError) in try VersionPage(xml: root) }
  }
}

extension S3.VersionPage {
  init(xml root: XMLElement) throws(AWSError) {
    let decode = root.keyDecoding
    versions = []
    // Versions and delete markers come in one order.
    for element in root.children {
      let isDeleteMarker = element.isNamed("DeleteMarker")
      guard isDeleteMarker || element.isNamed("Version") else { continue }
      versions.append(
        S3.ObjectVersion(
          key: decode(try element.required("Key")), versionID: element.string("VersionId") ?? "null",
          isLatest: try element.bool("IsLatest") ?? false, isDeleteMarker: isDeleteMarker,
          size: try element.integer("Size", as: Int64.self), eTag: element.string("ETag"),
          lastModified: try element.date("LastModified"),
          storageClass: element.string("StorageClass")))
    }
    commonPrefixes = try root.flat("CommonPrefixes") { element throws(AWSError) in
      decode(try element.required("Prefix"))
    }
    let isTruncated = try root.bool("IsTruncated") == true
    nextKeyMarker = isTruncated ? root.string("NextKeyMarker").map(decode) : nil
    nextVersionIDMarker = isTruncated ? root.string("NextVersionIdMarker") : nil
  }
}
