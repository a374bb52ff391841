import HTTPTransport
import HTTPTypes

extension S3 {
  /// The tags of an object.
  public func getObjectTagging(bucket: String, key: String, versionID: String? = nil, expectedOwner: String? = nil)
    async throws(AWSError) -> [String: String]
  {
    var query = S3Query("tagging")
    query.add("versionId", versionID)
    var call = try call("GetObjectTagging", .get, bucket: bucket, key: key, query: query)
    call.fields.add(.expectedBucketOwner, expectedOwner)
    return try await xml(call, bucket: bucket) { root, _ throws(AWSError) in
      try root["TagSet"]?.map(entry: "Tag", key: "Key", value: "Value") ?? [:]
    }
  }

  /// Sets the tags of an object; those that it had are gone.
  public func putObjectTagging(
    bucket: String, key: String, tags: [String: String], versionID: String? = nil, expectedOwner: String? = nil
  ) async throws(AWSError) {
    var query = S3Query("tagging")
    query.add("versionId", versionID)
    var call = try call("PutObjectTagging", .put, bucket: bucket, key: key, query: query)
    let document = try XMLWriter(root: "Tagging", namespace: Self.namespace) { xml throws(AWSError) in
      try xml.element("TagSet") { xml throws(AWSError) in
        for (key, value) in tags.sorted(by: { $0.key < $1.key }) {
          try xml.element("Tag") { xml throws(AWSError) in
            try xml.add("Key", key)
            try xml.add("Value", value)
          }
        }
      }
    }
    call.fields.add(.expectedBucketOwner, expectedOwner)
    call.fields.add(.contentType, "application/xml")
    try attach(.bytes(document.bytes), checksum: .made(.crc32), to: &call)
    try await head(call, bucket: bucket) { _ in }
  }

  /// Removes the tags of an object.
  public func deleteObjectTagging(
    bucket: String, key: String, versionID: String? = nil, expectedOwner: String? = nil
  ) async throws(AWSError) {
    var query = S3Query("tagging")
    query.add("versionId", versionID)
    var call = try call("DeleteObjectTagging", .delete, bucket: bucket, key: key, query: query)
    call.fields.add(.expectedBucketOwner, expectedOwner)
    try await head(call, bucket: bucket) { _ in }
  }
}
