import HTTPTypes

/// AWS X-Ray: sending segments without a daemon.
public struct XRay: Sendable {
  let core: ServiceClient

  /// The bytes that a segment's document may have.
  public static let maximumDocumentBytes = 64 * 1024
  /// The documents that a request may have.
  public static let maximumDocuments = 50

  /// A client of X-Ray.
  ///
  /// - Parameters:
  ///   - client: what it shares with the other services.
  ///   - region: goes before the client's.
  /// - Throws: ``AWSError/Code/invalidEndpoint`` without a region.
  public init(_ client: AWSClient, region: String? = nil) throws(AWSError) {
    core = try ServiceClient(.xray, client, region: region, errorFormat: .json)
  }

  /// A segment that X-Ray did not take.
  public struct UnprocessedSegment: Sendable, Hashable {
    /// The segment's id.
    public var id: String?
    /// The service's code.
    public var errorCode: String?
    /// The service's words.
    public var message: String?
  }

  /// Sends segments, each a document in JSON; gives those that were not taken.
  public func putTraceSegments(documents: [String]) async throws(AWSError) -> [UnprocessedSegment] {
    try await core.rest("PutTraceSegments", .post, "/TraceSegments") { form in
      form.add("TraceSegmentDocuments", list: documents)
    } read: { result throws(AWSError) in
      try result.list("UnprocessedTraceSegments") { segment throws(AWSError) in
        UnprocessedSegment(
          id: try segment.string("Id"), errorCode: try segment.string("ErrorCode"),
          message: try segment.string("Message"))
      }
    }
  }
}
