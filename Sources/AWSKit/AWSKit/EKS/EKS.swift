import FoundationEssentials
import HTTPTypes

/// Amazon Elastic Kubernetes Service: where a cluster is, and what it is entered with.
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
  public struct Cluster: Sendable, Hashable {
    /// The certificate of a cluster's authority.
    public struct CertificateAuthority: Sendable, Hashable {
      /// PEM, in base64.
      public var data: String?
    }
    /// Who issues tokens.
    public struct Identity: Sendable, Hashable {
      /// An OpenID Connect issuer.
      public struct OIDC: Sendable, Hashable {
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
    /// The version of EKS's own parts.
    public var platformVersion: String?
    /// The role that the cluster takes.
    public var roleARN: String?
    /// What the API server's certificate is verified with.
    public var certificateAuthority: CertificateAuthority?
    /// Who issues tokens.
    public var identity: Identity?
    /// The network.
    public var vpcID: String?
    /// The subnets of the control plane.
    public var subnetIDs: [String]
    /// The security group of control plane and nodes.
    public var clusterSecurityGroupID: String?
    /// `API`, `CONFIG_MAP`, `API_AND_CONFIG_MAP`: where it looks up who may enter.
    public var authenticationMode: String?
    /// The tags.
    public var tags: [String: String]

    init(json cluster: JSONElement) throws(AWSError) {
      name = try cluster.required("name")
      arn = try cluster.string("arn")
      status = try cluster.string("status")
      endpoint = try cluster.string("endpoint")
      version = try cluster.string("version")
      platformVersion = try cluster.string("platformVersion")
      roleARN = try cluster.string("roleArn")
      certificateAuthority = try cluster["certificateAuthority"].map { authority throws(AWSError) in
        CertificateAuthority(data: try authority.string("data"))
      }
      identity = try cluster["identity"].map { identity throws(AWSError) in
        Identity(oidc: try identity["oidc"].map { oidc throws(AWSError) in .init(issuer: try oidc.string("issuer")) })
      }
      let network = cluster["resourcesVpcConfig"]
      vpcID = try network?.string("vpcId")
      subnetIDs = try network?.strings("subnetIds") ?? []
      clusterSecurityGroupID = try network?.string("clusterSecurityGroupId")
      authenticationMode = try cluster["accessConfig"]?.string("authenticationMode")
      tags = try cluster.map("tags")
    }
  }

  /// A cluster by name.
  public func describeCluster(name: String) async throws(AWSError) -> Cluster {
    try await core.rest("DescribeCluster", .get, "/clusters/\(PercentEncoding.encode(name))") {
      result throws(AWSError) in
      guard let cluster = result["cluster"] else { throw AWSError(.malformedAnswer, "the answer has no cluster") }
      return try Cluster(json: cluster)
    }
  }

  /// A token that a cluster's API server takes as `Authorization: Bearer` for a quarter of an hour, as
  /// `aws eks get-token` makes it: a presigned call of STS that only this cluster can make.
  ///
  /// - Parameter cluster: the cluster's name.
  public func token(cluster: String) async throws(AWSError) -> String {
    let sts = try ServiceClient(.sts, core.client, region: core.region, errorFormat: .query)
    try S3.ObjectSettings.check(cluster, HTTPField.Name.clusterID.rawName)
    let url = try await sts.presignedURL(
      query: "Action=GetCallerIdentity&Version=\(Service.sts.apiVersion)", fields: [.clusterID: cluster],
      lifetime: .seconds(60))
    let base64 = Data(url.utf8).base64EncodedString()
    // RFC 4648's alphabet for URLs, without padding.
    let text = base64.utf8.compactMap { byte -> UInt8? in
      switch byte {
      case UInt8(ascii: "+"): UInt8(ascii: "-")
      case UInt8(ascii: "/"): UInt8(ascii: "_")
      case UInt8(ascii: "="): nil
      default: byte
      }
    }
    return "k8s-aws-v1." + String(decoding: text, as: UTF8.self)
  }
}

extension HTTPField.Name {
  fileprivate static let clusterID = HTTPField.Name("x-k8s-aws-id")!
}
