public import FoundationEssentials
import HTTPTypes

extension S3 {
  /// Which objects to list.
  public struct ListObjectsInput: Sendable, Hashable {
    /// The bucket, or an access point's ARN.
    public var bucket: String
    /// What keys begin with.
    public var prefix: String?
    /// What cuts keys into folders, `/`.
    public var delimiter: String?
    /// Keys up to this one are left out.
    public var startAfter: String?
    /// The keys of a page, up to 1,000.
    public var maximum: Int?
    /// The next page of an answer before.
    public var continuationToken: String?
    /// Whether the objects' owners are told.
    public var tellsOwner: Bool?
    /// The account that must own the bucket.
    public var expectedOwner: String?

    /// Which objects to list.
    public init(
      bucket: String, prefix: String? = nil, delimiter: String? = nil, startAfter: String? = nil, maximum: Int? = nil
    ) {
      (self.bucket, self.prefix, self.delimiter) = (bucket, prefix, delimiter)
      (self.startAfter, self.maximum) = (startAfter, maximum)
    }
  }

  /// An object of a list.
  public struct ListedObject: Sendable, Hashable {
    /// The key.
    public var key: String
    /// The bytes.
    public var size: Int64
    /// The entity tag, quotes included.
    public var eTag: String?
    /// When it was written.
    public var lastModified: Date?
    /// The storage class.
    public var storageClass: String?
    /// The canonical id of the owner, where it was asked for.
    public var ownerID: String?
    /// The names of the algorithms of its checksums.
    public var checksumAlgorithms: [String]
    /// What its checksums cover.
    public var checksumType: ChecksumType?
  }

  /// One page of objects, in the order of their keys' UTF-8.
  public struct ObjectPage: Sendable, Hashable {
    /// The objects.
    public var objects: [ListedObject]
    /// The folders: what keys have in common up to the delimiter.
    public var commonPrefixes: [String]
    /// What the next page is asked for with; `nil` on the last one.
    public var nextContinuationToken: String?
  }

  /// One page of the objects of a bucket.
  public func listObjects(_ input: ListObjectsInput) async throws(AWSError) -> ObjectPage {
    let call = try listCall(input)
    return try await xml(call, bucket: input.bucket) { root, _ throws(AWSError) in try ObjectPage(xml: root) }
  }

  /// All objects, page after page as they are needed.
  public func allObjects(_ input: ListObjectsInput) -> some AsyncSequence<ListedObject, AWSError> & Sendable {
    Pages(s3: self, input: input)
  }

  func listCall(_ input: ListObjectsInput) throws(AWSError) -> ServiceCall {
    var query = S3Query("list-type=2")
    query.add("delimiter", input.delimiter)
    // Keys may have characters that XML cannot hold: they come percent-encoded.
    query.add("encoding-type", "url")
    query.add("max-keys", input.maximum)
    query.add("prefix", input.prefix)
    query.add("continuation-token", input.continuationToken)
    query.add("fetch-owner", input.tellsOwner.map { $0 ? "true" : "false" })
    query.add("start-after", input.startAfter)
    var call = try call("ListObjectsV2", .get, bucket: input.bucket, query: query)
    call.fields.add(.expectedBucketOwner, input.expectedOwner)
    return call
  }

  private struct Pages: AsyncSequence, Sendable {
    typealias Element = ListedObject
    typealias Failure = AWSError
    let s3: S3
    let input: ListObjectsInput

    struct AsyncIterator: AsyncIteratorProtocol {
      let s3: S3
      var input: ListObjectsInput
      var objects: [ListedObject] = []
      var index = 0
      var isAtEnd = false

      mutating func next() async throws(AWSError) -> ListedObject? { try await next(isolation: #isolation) }

      mutating func next(isolation actor: isolated (any Actor)?) async throws(AWSError) -> ListedObject? {
        while index == objects.count, !isAtEnd {
          let page = try await s3.listObjects(input)
          (objects, index) = (page.objects, 0)
          // The same token again would never end.
          isAtEnd = page.nextContinuationToken == nil || page.nextContinuationToken == input.continuationToken
          input.continuationToken = page.nextContinuationToken
        }
        guard index < objects.count else { return nil }
        defer { index += 1 }
        return objects[index]
      }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(s3: s3, input: input) }
  }
}

extension XMLElement {
  /// How the keys of a list are read: as they stand, or percent-encoded where the answer says so.
  var keyDecoding: (String) -> String {
    guard string("EncodingType") == "url" else { return { $0 } }
    return { String(decoding: PercentEncoding.decode($0.utf8, plusIsSpace: true), as: UTF8.self) }
  }
}

extension S3.ObjectPage {
  init(xml root: XMLElement) throws(AWSError) {
    let decode = root.keyDecoding
    objects = try root.flat("Contents") { element throws(AWSError) in
      S3.ListedObject(
        key: decode(try element.required("Key")), size: try element.integer("Size", as: Int64.self) ?? 0,
        eTag: element.string("ETag"),
        lastModified: try element.date("LastModified"), storageClass: element.string("StorageClass"),
        ownerID: element["Owner"]?.string("ID"),
        checksumAlgorithms: try element.flat("ChecksumAlgorithm") { $0.text },
        checksumType: element.string("ChecksumType").flatMap { S3.ChecksumType(rawValue: $0) })
    }
    commonPrefixes = try root.flat("CommonPrefixes") { element throws(AWSError) in
      decode(try element.required("Prefix"))
    }
    nextContinuationToken = try root.bool("IsTruncated") == true ? root.string("NextContinuationToken") : nil
  }
}
