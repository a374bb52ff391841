/// Where a service is reached, and what its requests are signed for.
public struct Endpoint: Sendable, Hashable {
  /// `https` or `http`.
  public var scheme: String
  /// Host, and a port that is not the scheme's own.
  public var authority: String
  /// What precedes the operation's path, percent-encoded: empty or `/prefix`.
  public var path: String
  /// The name that requests are signed for, where it is not the service's own.
  public var signingName: String?
  /// The region that requests are signed for, where it is not the client's own.
  public var signingRegion: String?

  /// An endpoint from its parts.
  public init(scheme: String = "https", authority: String, path: String = "") {
    (self.scheme, self.authority, self.path) = (scheme, authority, path)
  }

  /// An endpoint from a URL, as users configure one: `http://localhost:4566`.
  ///
  /// - Throws: ``AWSError/Code/invalidEndpoint`` for what is no absolute http or https URL, or has a user or a query.
  public init(url: String) throws(AWSError) {
    func fail(_ reason: String) -> AWSError { AWSError(.invalidEndpoint, "an endpoint URL \(reason)") }
    guard let colon = url.utf8.firstIndex(of: UInt8(ascii: ":")), url[colon...].hasPrefix("://") else {
      throw fail("has no scheme")
    }
    scheme = url[..<colon].lowercased()
    guard scheme == "http" || scheme == "https" else { throw fail("is neither http nor https") }
    let rest = url[url.utf8.index(colon, offsetBy: 3)...]
    let slash = rest.utf8.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
    var host = Array(rest[..<slash].utf8)
    guard !rest.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") })
    else { throw fail("has a query, a fragment or white space") }
    guard !host.isEmpty else { throw fail("has no host") }
    guard !host.contains(UInt8(ascii: "@")) else { throw fail("has a user") }
    let defaultPort = Array((scheme == "http" ? ":80" : ":443").utf8)
    if host.count > defaultPort.count, host.suffix(defaultPort.count).elementsEqual(defaultPort) {
      host.removeLast(defaultPort.count)
    }
    authority = String(decoding: host.map(lowercased), as: UTF8.self)
    path = String(rest[slash...])
    while path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
  }

  /// The endpoint as a URL.
  public var url: String { "\(scheme)://\(authority)\(path)" }

  /// The authority without its port.
  var host: Substring {
    if authority.hasPrefix("[") { return authority.prefix { $0 != "]" }.dropFirst() }
    return authority.prefix { $0 != ":" }
  }

  /// Whether the host is a numeric address.
  var isNumeric: Bool {
    if authority.hasPrefix("[") { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
  }
}

/// Which endpoints are asked.
public struct EndpointSettings: Sendable, Hashable {
  /// An endpoint that stands for every service.
  public var url: String?
  /// Endpoints of single services, by ``Service/id``.
  public var serviceURLs: [String: String] = [:]
  /// FIPS 140 validated endpoints.
  public var usesFIPS = false
  /// Endpoints that answer over IPv6 too.
  public var usesDualStack = false
  /// STS's single endpoint for the older regions instead of each region's own.
  public var usesGlobalSTS = false

  /// AWS's own endpoints.
  public init() {}
}

/// A service of AWS, as far as endpoints and signatures go.
public struct Service: Sendable, Hashable {
  /// The id in configurations: `sqs` in `AWS_ENDPOINT_URL_SQS` and `services` sections.
  public let id: String
  /// What hosts begin with.
  let hostPrefix: String
  /// The name in credential scopes.
  let signingName: String
  /// The name in messages, `SQS`.
  let displayName: String
  /// What calls of the query protocol give as their `Version`; empty for other protocols.
  let apiVersion: String
  /// What operations of AWS JSON are prefixed with in `X-Amz-Target`; empty for other protocols.
  let jsonTarget: String
  /// GovCloud's regular endpoints are FIPS endpoints and have no name of their own.
  private let govIsFIPS: Bool

  init(
    _ id: String, _ displayName: String, host: String? = nil, signingName: String? = nil, apiVersion: String = "",
    jsonTarget: String = "", govIsFIPS: Bool = false
  ) {
    (self.id, self.displayName, hostPrefix) = (id, displayName, host ?? id)
    self.signingName = signingName ?? id
    (self.apiVersion, self.jsonTarget, self.govIsFIPS) = (apiVersion, jsonTarget, govIsFIPS)
  }

  static let s3 = Service("s3", "S3")
  static let sqs = Service("sqs", "SQS", apiVersion: "2012-11-05", govIsFIPS: true)
  static let sns = Service("sns", "SNS", apiVersion: "2010-03-31")
  static let sts = Service("sts", "STS", apiVersion: "2011-06-15", govIsFIPS: true)
  static let ec2 = Service("ec2", "EC2", apiVersion: "2016-11-15", govIsFIPS: true)
  static let ssm = Service("ssm", "SSM", jsonTarget: "AmazonSSM", govIsFIPS: true)
  static let cloudFormation = Service(
    "cloudformation", "CloudFormation", apiVersion: "2010-05-15", govIsFIPS: true)
  static let ecr = Service("ecr", "ECR", host: "api.ecr", jsonTarget: "AmazonEC2ContainerRegistry_V20150921")
  static let eks = Service("eks", "EKS", govIsFIPS: true)
  static let xray = Service("xray", "XRay")
  static let apiGateway = Service(
    "api_gateway", "APIGateway", host: "apigateway", signingName: "apigateway")
  static let sso = Service("sso", "SSO", host: "portal.sso", signingName: "awsssoportal", govIsFIPS: true)
  static let ssoOIDC = Service("sso_oidc", "SSOOIDC", host: "oidc", signingName: "sso-oauth", govIsFIPS: true)

  /// Those that this library speaks to.
  static let all = [s3, sqs, sns, sts, ec2, ssm, cloudFormation, ecr, eks, xray, apiGateway, sso, ssoOIDC]

  /// The regions that STS's global endpoint once stood for.
  private static let globalSTSRegions: Set<String> = [
    "ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "aws-global", "ca-central-1", "eu-central-1",
    "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1",
    "us-west-2",
  ]

  /// The endpoint of the service in a region.
  ///
  /// S3's depends on the bucket as well: see ``S3Endpoint``.
  func endpoint(region: String, settings: EndpointSettings) throws(AWSError) -> Endpoint {
    // A configured URL stands as it is: FIPS and dual-stack choose among AWS's own endpoints.
    if let url = settings.serviceURLs[id] ?? settings.url { return try Endpoint(url: url) }
    guard Self.isHostLabel(region) else {
      throw AWSError(.invalidEndpoint, "\(displayName) cannot be reached: \(region.debugDescription) is no region")
    }
    let partition = Partition.of(region: region)
    let (fips, dual) = (settings.usesFIPS, settings.usesDualStack)
    if id == "sts", !fips, !dual,
      region == "aws-global" || (settings.usesGlobalSTS && Self.globalSTSRegions.contains(region))
    {
      var endpoint = Endpoint(authority: "sts.amazonaws.com")
      endpoint.signingRegion = "us-east-1"
      return endpoint
    }
    var prefix = hostPrefix
    if id == "ecr" { prefix = dual ? "ecr" : "api.ecr" }
    if fips {
      switch (id, partition.id, dual) {
      case (_, "aws-us-gov", false) where govIsFIPS: break
      case ("sns", _, false) where region == "us-gov-east-1" || region == "us-gov-west-1": break
      case ("eks", "aws", false): prefix = "fips.eks"
      default: prefix += "-fips"
      }
    }
    return Endpoint(authority: "\(prefix).\(region).\(dual ? partition.dualStackDNSSuffix : partition.dnsSuffix)")
  }

  /// Whether a text may stand between two dots of a host name.
  static func isHostLabel(_ text: some StringProtocol) -> Bool {
    let bytes = text.utf8
    return (1...63).contains(bytes.count) && bytes.first != UInt8(ascii: "-") && !text.hasSuffix("-")
      && bytes.allSatisfy(isHostLabelByte)
  }

  /// Whether a byte is a letter, a digit or a hyphen.
  static func isHostLabelByte(_ byte: UInt8) -> Bool {
    (lowercased(byte) >= UInt8(ascii: "a") && lowercased(byte) <= UInt8(ascii: "z"))
      || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")) || byte == UInt8(ascii: "-")
  }
}
