public import FoundationEssentials

/// Amazon Elastic Container Registry: tokens, and what is needed to look at images.
public struct ECR: Sendable {
  let core: ServiceClient
  private static let target = "AmazonEC2ContainerRegistry_V20150921"

  /// A client of ECR.
  ///
  /// - Parameters:
  ///   - client: what it shares with the other services.
  ///   - region: goes before the client's; it must be the registry's.
  /// - Throws: ``AWSError/Code/invalidEndpoint`` without a region.
  public init(_ client: AWSClient, region: String? = nil) throws(AWSError) {
    core = try ServiceClient(.ecr, client, region: region, errorFormat: .json)
  }

  /// What a registry is logged into with.
  public struct Authorization: Sendable, CustomStringConvertible, CustomReflectable {
    /// The user, `AWS`.
    public var user: String
    /// The password.
    public var password: String
    /// The registry's URL.
    public var registryURL: String?
    /// When the password ends, twelve hours from its making.
    public var expiresAt: Date?

    /// The user and the registry; never the password.
    public var description: String { "\(user) at \(registryURL ?? "")" }
    /// The user and the registry; never the password.
    public var customMirror: Mirror { Mirror(self, children: ["user": user, "registryURL": registryURL ?? ""]) }
  }

  /// A password for the account's registry in this region.
  public func getAuthorizationToken() async throws(AWSError) -> Authorization {
    struct Output: Decodable {
      struct Data: Decodable {
        var authorizationToken: String
        var expiresAt: Date?
        var proxyEndpoint: String?
      }
      var authorizationData: [Data]
    }
    let output: Output = try await core.json("GetAuthorizationToken", target: Self.target, NoFields())
    guard let data = output.authorizationData.first, let bytes = Data(base64Encoded: data.authorizationToken),
      let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
    else {
      var error = AWSError(.malformedAnswer, "the answer has no token of user and password")
      error.operation = "ECR.GetAuthorizationToken"
      throw error
    }
    return Authorization(
      user: String(decoding: bytes[..<colon], as: UTF8.self),
      password: String(decoding: bytes[(colon + 1)...], as: UTF8.self), registryURL: data.proxyEndpoint,
      expiresAt: data.expiresAt)
  }

  /// An image of a repository.
  public struct Image: Sendable, Hashable, Decodable {
    /// The digest, `sha256:…`.
    public var imageDigest: String?
    /// The tags.
    public var imageTags: [String]?
    /// Compressed bytes.
    public var imageSizeInBytes: Int64?
    /// When it was pushed.
    public var imagePushedAt: Date?
    /// The manifest's media type.
    public var imageManifestMediaType: String?
  }

  /// Images of a repository, by tag or digest.
  ///
  /// - Parameters:
  ///   - repository: the repository's name.
  ///   - tag: the image of this tag alone.
  ///   - digest: the image of this digest alone.
  ///   - registryID: the account, where it is another one.
  public func describeImages(repository: String, tag: String? = nil, digest: String? = nil, registryID: String? = nil)
    async throws(AWSError) -> [Image]
  {
    struct Input: Encodable {
      struct ID: Encodable {
        var imageTag: String?
        var imageDigest: String?
      }
      var registryId: String?
      var repositoryName: String
      var imageIds: [ID]?
    }
    struct Output: Decodable { var imageDetails: [Image]? }
    let ids = tag == nil && digest == nil ? nil : [Input.ID(imageTag: tag, imageDigest: digest)]
    let output: Output = try await core.json(
      "DescribeImages", target: Self.target, Input(registryId: registryID, repositoryName: repository, imageIds: ids))
    return output.imageDetails ?? []
  }
}
