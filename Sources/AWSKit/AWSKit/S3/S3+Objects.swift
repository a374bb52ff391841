public import FoundationEssentials
public import HTTPTransport
import HTTPTypes

extension S3 {
  /// What must hold for a write to happen.
  public struct WriteConditions: Sendable, Hashable {
    /// The object must have this entity tag.
    public var ifMatch: String?
    /// `*`: there must be no object of this key.
    public var ifNoneMatch: String?

    /// No conditions.
    public init(ifMatch: String? = nil, ifNoneMatch: String? = nil) {
      (self.ifMatch, self.ifNoneMatch) = (ifMatch, ifNoneMatch)
    }

    /// Only a new object is written: another one answers 412.
    public static let ifAbsent = WriteConditions(ifNoneMatch: "*")

    func add(to fields: inout HTTPFields) throws(AWSError) {
      try fields.add(.ifMatch, ifMatch)
      try fields.add(.ifNoneMatch, ifNoneMatch)
    }
  }

  // MARK: Put

  /// An object to write.
  public struct PutObjectInput: Sendable {
    /// The bucket, or an access point's ARN.
    public var bucket: String
    /// The key.
    public var key: String
    /// The bytes; a stream's length must be known.
    public var body: RequestBody
    /// What the object has besides.
    public var settings: ObjectSettings
    /// What must hold for the write to happen.
    public var conditions: WriteConditions
    /// The checksum that goes along; `nil` for none.
    public var checksumAlgorithm: ChecksumAlgorithm?
    /// A checksum that is known, instead of one that is made.
    public var checksum: Checksum?
    /// The account that must own the bucket.
    public var expectedOwner: String?

    /// An object to write.
    public init(
      bucket: String, key: String, body: RequestBody, settings: ObjectSettings = .init(),
      conditions: WriteConditions = .init(), checksumAlgorithm: ChecksumAlgorithm? = .crc32, checksum: Checksum? = nil,
      expectedOwner: String? = nil
    ) {
      (self.bucket, self.key, self.body, self.settings) = (bucket, key, body, settings)
      (self.conditions, self.checksumAlgorithm, self.checksum) = (conditions, checksumAlgorithm, checksum)
      self.expectedOwner = expectedOwner
    }

    /// Bytes in memory to write; a slice is sent without a copy.
    public init(bucket: String, key: String, bytes: ArraySlice<UInt8>) {
      self.init(bucket: bucket, key: key, body: .bytes(bytes))
    }

    /// A whole file to write, of a length in bytes that is known.
    public init(bucket: String, key: String, file path: String, length: Int64) {
      self.init(bucket: bucket, key: key, body: .file(path: path, offset: 0, length: length))
    }

    var bodyChecksum: BodyChecksum {
      if let checksum { return .known(checksum) }
      return checksumAlgorithm.map { .made($0) } ?? .none
    }
  }

  /// An object that was written.
  public struct WrittenObject: Sendable, Hashable {
    /// The entity tag, quotes included.
    public var eTag: String?
    /// The version, in buckets with versions.
    public var versionID: String?
    /// The checksum that S3 keeps.
    public var checksum: Checksum?
    /// `AES256`, `aws:kms`, `aws:kms:dsse`.
    public var serverSideEncryption: String?

    init(_ head: HTTPResponse) {
      let info = ObjectInfo(head)
      (eTag, versionID, checksum) = (info.eTag, info.versionID, info.checksums.first)
      serverSideEncryption = info.serverSideEncryption
    }

    init(eTag: String?, versionID: String?, checksum: Checksum?, serverSideEncryption: String?) {
      (self.eTag, self.versionID, self.checksum) = (eTag, versionID, checksum)
      self.serverSideEncryption = serverSideEncryption
    }
  }

  /// Writes an object of up to 5 GiB in one request; ``upload(_:partSize:concurrency:)`` writes larger ones.
  ///
  /// - Throws: status 412 where a condition does not hold, 409 where another write is under way.
  @discardableResult
  public func putObject(_ input: PutObjectInput) async throws(AWSError) -> WrittenObject {
    let call = try putCall(input)
    return try await head(call, bucket: input.bucket) { head in WrittenObject(head) }
  }

  func putCall(_ input: PutObjectInput) throws(AWSError) -> ServiceCall {
    var call = try call("PutObject", .put, bucket: input.bucket, key: input.key)
    do { try input.settings.add(to: &call.fields) } catch { throw core.named(error, call) }
    try input.conditions.add(to: &call.fields)
    try call.fields.add(.expectedBucketOwner, input.expectedOwner)
    try attach(input.body, checksum: input.bodyChecksum, to: &call)
    return call
  }

  // MARK: Get and head

  /// Which bytes of an object.
  public enum ByteRange: Sendable, Hashable {
    /// From the first to the last position, both included.
    case closed(ClosedRange<Int64>)
    /// From a position to the end.
    case from(Int64)
    /// The last so many.
    case last(Int64)

    var text: String {
      switch self {
      case .closed(let range): "bytes=\(range.lowerBound)-\(range.upperBound)"
      case .from(let start): "bytes=\(start)-"
      case .last(let count): "bytes=-\(count)"
      }
    }
  }

  /// An object to read.
  public struct GetObjectInput: Sendable, Hashable {
    /// The bucket, or an access point's ARN.
    public var bucket: String
    /// The key.
    public var key: String
    /// A part of it.
    public var range: ByteRange?
    /// One part of a multipart upload, from 1.
    public var partNumber: Int?
    /// A version of it.
    public var versionID: String?
    /// It must have this entity tag, else 412.
    public var ifMatch: String?
    /// It must have another entity tag, else 304.
    public var ifNoneMatch: String?
    /// It must be younger, else 304.
    public var ifModifiedSince: Date?
    /// It must be as old or older, else 412.
    public var ifUnmodifiedSince: Date?
    /// Header fields that the answer is to have instead of the object's: `Content-Type`, `Content-Disposition`,
    /// `Content-Encoding`, `Content-Language`, `Cache-Control`, `Expires`.
    public var answerFields: [String: String] = [:]
    /// Whether the bytes are compared with the checksum that S3 keeps.
    public var verifiesChecksum = true
    /// The account that must own the bucket.
    public var expectedOwner: String?

    /// An object to read.
    public init(bucket: String, key: String, range: ByteRange? = nil, versionID: String? = nil) {
      (self.bucket, self.key, self.range, self.versionID) = (bucket, key, range, versionID)
    }
  }

  /// An object being read.
  public struct ReadObject: Sendable {
    /// What S3 tells of it.
    public var info: ObjectInfo
    /// Its bytes; unread ones hold a connection until the body is dropped.
    public var body: ObjectBody
  }

  /// Begins to read an object.
  ///
  /// - Throws: status 404 for an object that is missing, 304 and 412 for conditions, 416 for a range beyond the end.
  public func getObject(_ input: GetObjectInput) async throws(AWSError) -> ReadObject {
    var call = try getCall("GetObject", .get, input)
    call.isStreamed = true
    let response = try await perform(call, bucket: input.bucket) { response throws(AWSError) in response }
    let info = ObjectInfo(response.head)
    return ReadObject(info: info, body: ObjectBody(response.body, expected: Self.checksum(info, input)))
  }

  /// Reads a whole object, or the range asked for, into memory; a connection that breaks is tried again.
  ///
  /// - Parameter limit: ``AWSError/Code/answerTooLarge`` is thrown past this many bytes.
  public func getObjectBytes(_ input: GetObjectInput, upTo limit: Int) async throws(AWSError)
    -> (info: ObjectInfo, bytes: [UInt8])
  {
    var call = try getCall("GetObject", .get, input)
    (call.isStreamed, call.collectsUpTo) = (true, limit)
    return try await perform(call, bucket: input.bucket) { response throws(AWSError) in
      let info = ObjectInfo(response.head)
      let body = ObjectBody(response.body, expected: Self.checksum(info, input))
      return (info, try await body.collect(upTo: limit))
    }
  }

  /// What S3 tells of an object, without its bytes; ranges and parts count here too.
  public func headObject(_ input: GetObjectInput) async throws(AWSError) -> ObjectInfo {
    let call = try getCall("HeadObject", .head, input)
    return try await head(call, bucket: input.bucket) { head in ObjectInfo(head) }
  }

  private static func checksum(_ info: ObjectInfo, _ input: GetObjectInput) -> Checksum? {
    // For a range S3 tells the whole object's checksum, if any; for a part, the part's.
    input.verifiesChecksum && input.range == nil ? info.verifiable : nil
  }

  func getCall(_ operation: String, _ method: HTTPRequest.Method, _ input: GetObjectInput) throws(AWSError)
    -> ServiceCall
  {
    var query = S3Query()
    query.add("partNumber", input.partNumber)
    for (name, value) in input.answerFields.sorted(by: { $0.key < $1.key }) {
      switch name.lowercased() {
      case "cache-control": query.add("response-cache-control", value)
      case "content-disposition": query.add("response-content-disposition", value)
      case "content-encoding": query.add("response-content-encoding", value)
      case "content-language": query.add("response-content-language", value)
      case "content-type": query.add("response-content-type", value)
      case "expires": query.add("response-expires", value)
      default: throw AWSError(.invalidInput, "S3 does not change \(name) in an answer")
      }
    }
    query.add("versionId", input.versionID)
    var call = try call(operation, method, bucket: input.bucket, key: input.key, query: query)
    try call.fields.add(.range, input.range?.text)
    try call.fields.add(.ifMatch, input.ifMatch)
    try call.fields.add(.ifNoneMatch, input.ifNoneMatch)
    try call.fields.add(.ifModifiedSince, input.ifModifiedSince.map { WireTime($0).httpDate })
    try call.fields.add(.ifUnmodifiedSince, input.ifUnmodifiedSince.map { WireTime($0).httpDate })
    try call.fields.add(.expectedBucketOwner, input.expectedOwner)
    if input.verifiesChecksum { try call.fields.add(.checksumMode, "ENABLED") }
    return call
  }

  // MARK: Delete

  /// What came of a deletion.
  public struct DeletedObject: Sendable, Hashable {
    /// The version that was deleted, or the delete marker that was made.
    public var versionID: String?
    /// Whether a delete marker was made or deleted.
    public var isDeleteMarker: Bool
  }

  /// Deletes an object; one that is missing counts as deleted.
  ///
  /// - Parameter bypassesGovernance: whether a lock in governance mode is passed over.
  @discardableResult
  public func deleteObject(
    bucket: String, key: String, versionID: String? = nil, ifMatch: String? = nil, bypassesGovernance: Bool? = nil,
    expectedOwner: String? = nil
  ) async throws(AWSError) -> DeletedObject {
    var query = S3Query()
    query.add("versionId", versionID)
    var call = try call("DeleteObject", .delete, bucket: bucket, key: key, query: query)
    try call.fields.add(.ifMatch, ifMatch)
    try call.fields.add(.bypassGovernance, bypassesGovernance.map { $0 ? "true" : "false" })
    try call.fields.add(.expectedBucketOwner, expectedOwner)
    return try await head(call, bucket: bucket) { head in
      DeletedObject(
        versionID: head.headerFields[.versionID], isDeleteMarker: head.headerFields[.deleteMarker] == "true")
    }
  }

  /// An object to delete with others.
  public struct ObjectIdentifier: Sendable, Hashable {
    /// The key.
    public var key: String
    /// A version of it.
    public var versionID: String?
    /// It must have this entity tag.
    public var eTag: String?

    /// An object to delete.
    public init(key: String, versionID: String? = nil, eTag: String? = nil) {
      (self.key, self.versionID, self.eTag) = (key, versionID, eTag)
    }
  }

  /// Why an object was not deleted.
  public struct DeleteFailure: Sendable, Hashable {
    /// The key.
    public var key: String
    /// The version asked for.
    public var versionID: String?
    /// The service's code.
    public var code: AWSError.Code
    /// The service's words.
    public var message: String
  }

  /// Deletes up to 1,000 objects in one request; gives those that were not deleted.
  public func deleteObjects(
    bucket: String, objects: [ObjectIdentifier], bypassesGovernance: Bool? = nil, expectedOwner: String? = nil
  ) async throws(AWSError) -> [DeleteFailure] {
    guard (1...1000).contains(objects.count) else {
      throw AWSError(.invalidInput, "1 to 1000 objects are deleted at once, not \(objects.count)")
    }
    var call = try call("DeleteObjects", .post, bucket: bucket, query: S3Query("delete"))
    let document = try XMLWriter(root: "Delete", namespace: Self.namespace) { xml throws(AWSError) in
      for object in objects {
        try xml.element("Object") { xml throws(AWSError) in
          try xml.add("Key", object.key)
          try xml.add("VersionId", object.versionID)
          try xml.add("ETag", object.eTag)
        }
      }
      try xml.add("Quiet", "true")
    }
    try call.fields.add(.bypassGovernance, bypassesGovernance.map { $0 ? "true" : "false" })
    try call.fields.add(.expectedBucketOwner, expectedOwner)
    try call.fields.add(.contentType, "application/xml")
    try attach(.bytes(document.bytes), checksum: .made(.crc32), to: &call)
    return try await xml(call, bucket: bucket) { root, _ throws(AWSError) in
      try root.flat("Error") { element throws(AWSError) in
        DeleteFailure(
          key: element.string("Key") ?? "", versionID: element.string("VersionId"),
          code: .init(element.string("Code") ?? ""), message: element.string("Message") ?? "")
      }
    }
  }

  static let namespace: StaticString = "http://s3.amazonaws.com/doc/2006-03-01/"
}
