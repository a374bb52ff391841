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
  public struct UnprocessedSegment: Sendable, Hashable, Decodable {
    /// The segment's id.
    public var id: String?
    /// The service's code.
    public var errorCode: String?
    /// The service's words.
    public var message: String?

    enum CodingKeys: String, CodingKey {
      case id = "Id"
      case errorCode = "ErrorCode"
      case message = "Message"
    }
  }

  /// Sends segments, each a document in JSON; gives those that were not taken.
  public func putTraceSegments(documents: [String]) async throws(AWSError) -> [UnprocessedSegment] {
    struct Input: Encodable {
      var documents: [String]
      enum CodingKeys: String, CodingKey { case documents = "TraceSegmentDocuments" }
    }
    struct Output: Decodable {
      var unprocessed: [UnprocessedSegment]?
      enum CodingKeys: String, CodingKey { case unprocessed = "UnprocessedTraceSegments" }
    }
    let output: Output = try await core.rest("PutTraceSegments", .post, "/TraceSegments", Input(documents: documents))
    return output.unprocessed ?? []
  }
}
