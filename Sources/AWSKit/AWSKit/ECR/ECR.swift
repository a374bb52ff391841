public import FoundationEssentials

/// Amazon Elastic Container Registry: tokens, and what is needed to look at images.
public struct ECR: Sendable {
  let core: ServiceClient

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

  /// A password for the registries in this region that the account may read.
  public func getAuthorizationToken() async throws(AWSError) -> Authorization {
    try await core.json("GetAuthorizationToken") { result throws(AWSError) in
      let found = try result.list("authorizationData") { data throws(AWSError) in
        guard let bytes = Data(base64Encoded: try data.required("authorizationToken")),
          let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
        else { throw AWSError(.malformedAnswer, "the answer's token is no user and password") }
        return Authorization(
          user: String(decoding: bytes[..<colon], as: UTF8.self),
          password: String(decoding: bytes[(colon + 1)...], as: UTF8.self),
          registryURL: try data.string("proxyEndpoint"), expiresAt: try data.date("expiresAt"))
      }
      guard let first = found.first else { throw AWSError(.malformedAnswer, "the answer has no token") }
      return first
    }
  }

  // MARK: Images

  /// An image of a repository.
  public struct Image: Sendable, Hashable {
    /// The digest, `sha256:…`; for several architectures that of their list.
    public var imageDigest: String?
    /// The tags.
    public var imageTags: [String]
    /// Compressed bytes.
    public var imageSizeInBytes: Int?
    /// When it was pushed.
    public var imagePushedAt: Date?
    /// The manifest's media type.
    public var imageManifestMediaType: String?
  }

  /// Which image of a repository.
  public struct ImageID: Sendable, Hashable {
    /// Its tag.
    public var tag: String?
    /// Its digest, `sha256:…`.
    public var digest: String?

    /// An image by its tag, its digest, or both.
    public init(tag: String? = nil, digest: String? = nil) { (self.tag, self.digest) = (tag, digest) }

    func add(to form: inout JSONForm) {
      form.add("imageTag", tag)
      form.add("imageDigest", digest)
    }
  }

  /// Images of a repository, by tag or digest.
  ///
  /// - Parameters:
  ///   - repository: the repository's name.
  ///   - tag: the image of this tag alone.
  ///   - digest: the image of this digest alone.
  ///   - registryID: the account, where it is another one.
  /// - Throws: `ImageNotFoundException`, `RepositoryNotFoundException`.
  public func describeImages(repository: String, tag: String? = nil, digest: String? = nil, registryID: String? = nil)
    async throws(AWSError) -> [Image]
  {
    let ids = tag == nil && digest == nil ? nil : [ImageID(tag: tag, digest: digest)]
    return try await describeImages(repository: repository, ids: ids, registryID: registryID).images
  }

  /// One page of images.
  public struct ImagePage: Sendable, Hashable {
    /// The images.
    public var images: [Image]
    /// What the next page is asked for with; `nil` on the last one.
    public var nextToken: String?
  }

  /// One page of the images of a repository.
  ///
  /// - Parameters:
  ///   - ids: up to a hundred, or `nil` for all; they come in no pages.
  ///   - maximum: the images of a page, 1 to 1,000.
  public func describeImages(
    repository: String, ids: [ImageID]?, registryID: String? = nil, maximum: Int? = nil, nextToken: String? = nil
  ) async throws(AWSError) -> ImagePage {
    try await core.json("DescribeImages") { form in
      form.add("registryId", registryID)
      form.add("repositoryName", repository)
      form.add("imageIds", each: ids) { $1.add(to: &$0) }
      form.add("maxResults", maximum)
      form.add("nextToken", nextToken)
    } read: { result throws(AWSError) in
      let images = try result.list("imageDetails") { image throws(AWSError) in
        Image(
          imageDigest: try image.string("imageDigest"), imageTags: try image.strings("imageTags"),
          imageSizeInBytes: try image.integer("imageSizeInBytes"), imagePushedAt: try image.date("imagePushedAt"),
          imageManifestMediaType: try image.string("imageManifestMediaType"))
      }
      return ImagePage(images: images, nextToken: try result.string("nextToken"))
    }
  }

  /// The manifest of an image.
  public struct Manifest: Sendable, Hashable {
    /// The digest of the image.
    public var digest: String?
    /// The tag that it was asked for by.
    public var tag: String?
    /// The manifest itself, in JSON: of one image, or a list with one a platform.
    public var text: String?
    /// Its media type.
    public var mediaType: String?
  }

  /// Why an image could not be had.
  public struct ImageFailure: Sendable, Hashable {
    /// The digest asked for.
    public var digest: String?
    /// The tag asked for.
    public var tag: String?
    /// `ImageNotFound` and so on.
    public var code: String?
    /// The service's words.
    public var reason: String?
  }

  /// The manifests of up to a hundred images, and why others could not be had.
  ///
  /// - Parameter acceptedMediaTypes: by default whatever the image was pushed as.
  public func batchGetImage(
    repository: String, ids: [ImageID], acceptedMediaTypes: [String]? = nil, registryID: String? = nil
  ) async throws(AWSError) -> (manifests: [Manifest], failures: [ImageFailure]) {
    try await core.json("BatchGetImage") { form in
      form.add("registryId", registryID)
      form.add("repositoryName", repository)
      form.add("imageIds", each: ids) { $1.add(to: &$0) }
      form.add("acceptedMediaTypes", list: acceptedMediaTypes)
    } read: { result throws(AWSError) in
      let manifests = try result.list("images") { image throws(AWSError) in
        Manifest(
          digest: try image["imageId"]?.string("imageDigest"), tag: try image["imageId"]?.string("imageTag"),
          text: try image.string("imageManifest"), mediaType: try image.string("imageManifestMediaType"))
      }
      let failures = try result.list("failures") { failure throws(AWSError) in
        ImageFailure(
          digest: try failure["imageId"]?.string("imageDigest"), tag: try failure["imageId"]?.string("imageTag"),
          code: try failure.string("failureCode"), reason: try failure.string("failureReason"))
      }
      return (manifests: manifests, failures: failures)
    }
  }
}
