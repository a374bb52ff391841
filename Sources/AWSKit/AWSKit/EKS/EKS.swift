import HTTPTypes

/// Amazon Elastic Kubernetes Service: where a cluster is.
public struct EKS: Sendable {
  let core: ServiceClient

  /// A client of EKS.
  ///
  /// - Parameters:
  ///   - client: what it shares with the other services.
  ///   - region: goes before the client's.
  /// - Throws: ``AWSError/Code/invalidEndpoint`` without a region.
  public init(_ client: AWSClient, region: String? = nil) throws(AWSError) {
    core = try ServiceClient(.eks, client, region: region, errorFormat: .json)
  }

  /// A cluster.
  public struct Cluster: Sendable, Hashable, Decodable {
    /// The certificate of a cluster's authority.
    public struct CertificateAuthority: Sendable, Hashable, Decodable {
      /// PEM, in base64.
      public var data: String?
    }
    /// Who issues tokens.
    public struct Identity: Sendable, Hashable, Decodable {
      /// An OpenID Connect issuer.
      public struct OIDC: Sendable, Hashable, Decodable {
        /// Its URL.
        public var issuer: String?
      }
      /// The OpenID Connect issuer.
      public var oidc: OIDC?
    }

    /// The name.
    public var name: String
    /// The ARN.
    public var arn: String?
    /// `CREATING`, `ACTIVE`, `DELETING`, `FAILED`, `UPDATING`, `PENDING`.
    public var status: String?
    /// The URL of the API server.
    public var endpoint: String?
    /// The version of Kubernetes, `1.33`.
    public var version: String?
    /// What the API server's certificate is verified with.
    public var certificateAuthority: CertificateAuthority?
    /// Who issues tokens.
    public var identity: Identity?
    /// The tags.
    public var tags: [String: String]?
  }

  /// A cluster by name.
  public func describeCluster(name: String) async throws(AWSError) -> Cluster {
    struct Output: Decodable { var cluster: Cluster }
    let output: Output = try await core.rest(
      "DescribeCluster", .get, "/clusters/\(PercentEncoding.encode(name))", NoFields?.none)
    return output.cluster
  }
}
