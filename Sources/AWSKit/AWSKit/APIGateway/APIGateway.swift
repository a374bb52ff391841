import HTTPTypes

/// Amazon API Gateway: the keys that callers of an API have.
public struct APIGateway: Sendable {
  let core: ServiceClient

  /// A client of API Gateway.
  ///
  /// - Parameters:
  ///   - client: what it shares with the other services.
  ///   - region: goes before the client's.
  /// - Throws: ``AWSError/Code/invalidEndpoint`` without a region.
  public init(_ client: AWSClient, region: String? = nil) throws(AWSError) {
    core = try ServiceClient(.apiGateway, client, region: region, errorFormat: .json)
  }

  /// A key of an API.
  public struct APIKey: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// The id.
    public var id: String
    /// The name.
    public var name: String?
    /// The key itself, where it was asked for.
    public var value: String?
    /// Whether calls with it are taken.
    public var isEnabled: Bool

    /// Id and name; never the key.
    public var description: String { "\(id) (\(name ?? ""))" }
    /// Id and name; never the key.
    public var customMirror: Mirror { Mirror(self, children: ["id": id, "name": name ?? ""]) }
  }

  /// A key by its id.
  ///
  /// - Parameter includesValue: whether the key itself is told.
  public func getAPIKey(id: String, includesValue: Bool = true) async throws(AWSError) -> APIKey {
    let target = "/apikeys/\(PercentEncoding.encode(id))\(includesValue ? "?includeValue=true" : "")"
    // Without the field the answer comes in HAL, another form of JSON.
    return try await core.rest("GetApiKey", .get, target, fields: [.accept: "application/json"]) {
      result throws(AWSError) in
      APIKey(
        id: try result.required("id"), name: try result.string("name"), value: try result.string("value"),
        isEnabled: try result.bool("enabled") ?? false)
    }
  }
}
