public import FoundationEssentials
import HTTPTransport
import HTTPTypes

extension S3 {
  /// A bucket of a list.
  public struct ListedBucket: Sendable, Hashable {
    /// The name.
    public var name: String
    /// When it was made.
    public var createdAt: Date?
    /// Its region, where S3 tells it.
    public var region: String?
  }

  /// The buckets of the account, page after page.
  ///
  /// - Parameters:
  ///   - prefix: what names begin with.
  ///   - region: the buckets of this region alone.
  public func listBuckets(prefix: String? = nil, region: String? = nil) async throws(AWSError) -> [ListedBucket] {
    var found: [ListedBucket] = []
    var token: String?
    while true {
      var query = S3Query()
      query.add("bucket-region", region)
      query.add("continuation-token", token)
      query.add("prefix", prefix)
      let call = try call("ListBuckets", .get, bucket: nil, query: query)
      let (page, next) = try await xml(call, bucket: nil) { root, _ throws(AWSError) in
        let buckets = try root.list("Buckets", of: "Bucket") { element throws(AWSError) in
          ListedBucket(
            name: try element.required("Name"), createdAt: try element.date("CreationDate"),
            region: element.string("BucketRegion"))
        }
        return (buckets, root.string("ContinuationToken"))
      }
      found += page
      // The same token again would never end.
      guard let next, !next.isEmpty, next != token else { return found }
      token = next
    }
  }

  /// Creates a bucket in the client's region.
  public func createBucket(_ bucket: String, acl: String? = nil) async throws(AWSError) {
    var call = try call("CreateBucket", .put, bucket: bucket)
    call.fields.add(.acl, acl)
    if core.region != "us-east-1", core.region != "aws-global" {
      let document = try XMLWriter(root: "CreateBucketConfiguration", namespace: Self.namespace) {
        xml throws(AWSError) in try xml.add("LocationConstraint", core.region)
      }
      call.fields.add(.contentType, "application/xml")
      try attach(.bytes(document.bytes), checksum: .none, to: &call)
    }
    try await head(call, bucket: nil) { _ in }
  }

  /// Deletes a bucket, which must be empty.
  public func deleteBucket(_ bucket: String, expectedOwner: String? = nil) async throws(AWSError) {
    var call = try call("DeleteBucket", .delete, bucket: bucket)
    call.fields.add(.expectedBucketOwner, expectedOwner)
    try await head(call, bucket: bucket) { _ in }
  }

  /// Whether a bucket is there and may be used; gives its region, where S3 tells it.
  ///
  /// - Throws: status 404 for a bucket that is missing, 403 for one of others.
  @discardableResult
  public func headBucket(_ bucket: String, expectedOwner: String? = nil) async throws(AWSError) -> String? {
    var call = try call("HeadBucket", .head, bucket: bucket)
    call.fields.add(.expectedBucketOwner, expectedOwner)
    return try await head(call, bucket: bucket) { head in head.headerFields[.bucketRegion] }
  }
}
