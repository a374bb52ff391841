extension EC2 {
  /// A zone of a region.
  public struct AvailabilityZone: Sendable, Hashable {
    /// The name in this account, `eu-central-1a`.
    public var name: String
    /// The id that all accounts know it by, `euc1-az2`.
    public var id: String?
    /// `available` and so on.
    public var state: String?
    /// `availability-zone`, `local-zone`, `wavelength-zone`.
    public var type: String?
  }

  /// The zones of the region that the account has.
  public func describeAvailabilityZones(names: [String] = [], filters: [Filter] = []) async throws(AWSError)
    -> [AvailabilityZone]
  {
    try await describe("DescribeAvailabilityZones", "ZoneName", names, filters, in: "availabilityZoneInfo") {
      item throws(AWSError) in
      AvailabilityZone(
        name: try item.required("zoneName"), id: item.string("zoneId"), state: item.string("zoneState"),
        type: item.string("zoneType"))
    }.elements
  }

  /// A network.
  public struct VPC: Sendable, Hashable {
    /// The id, `vpc-…`.
    public var id: String
    /// `pending`, `available`.
    public var state: String?
    /// The first of its IPv4 ranges.
    public var cidrBlock: String?
    /// Whether instances without a subnet go into it.
    public var isDefault: Bool
    /// The tags.
    public var tags: [String: String]
  }

  /// One page of networks, by id or by filters.
  public func describeVPCs(ids: [String] = [], filters: [Filter] = [], nextToken: String? = nil)
    async throws(AWSError) -> Page<VPC>
  {
    try await describe("DescribeVpcs", "VpcId", ids, filters, nextToken, in: "vpcSet") { item throws(AWSError) in
      VPC(
        id: try item.required("vpcId"), state: item.string("state"), cidrBlock: item.string("cidrBlock"),
        isDefault: try item.bool("isDefault") ?? false, tags: try item.ec2Tags())
    }
  }

  /// A part of a network, in one zone.
  public struct Subnet: Sendable, Hashable {
    /// The id, `subnet-…`.
    public var id: String
    /// The network.
    public var vpcID: String?
    /// The zone.
    public var availabilityZone: String?
    /// `pending`, `available`.
    public var state: String?
    /// Its IPv4 range.
    public var cidrBlock: String?
    /// How many addresses are free.
    public var availableAddresses: Int?
    /// Whether it is its zone's default.
    public var isDefault: Bool
    /// Whether instances in it get public addresses.
    public var assignsPublicIP: Bool
    /// The tags.
    public var tags: [String: String]
  }

  /// One page of subnets, by id or by filters.
  public func describeSubnets(ids: [String] = [], filters: [Filter] = [], nextToken: String? = nil)
    async throws(AWSError) -> Page<Subnet>
  {
    try await describe("DescribeSubnets", "SubnetId", ids, filters, nextToken, in: "subnetSet") {
      item throws(AWSError) in
      Subnet(
        id: try item.required("subnetId"), vpcID: item.string("vpcId"),
        availabilityZone: item.string("availabilityZone"), state: item.string("state"),
        cidrBlock: item.string("cidrBlock"), availableAddresses: try item.integer("availableIpAddressCount"),
        isDefault: try item.bool("defaultForAz") ?? false,
        assignsPublicIP: try item.bool("mapPublicIpOnLaunch") ?? false, tags: try item.ec2Tags())
    }
  }

  /// Who may talk to instances.
  public struct SecurityGroup: Sendable, Hashable {
    /// The id, `sg-…`.
    public var id: String
    /// The name.
    public var name: String?
    /// What its maker wrote.
    public var description: String?
    /// The network.
    public var vpcID: String?
    /// The tags.
    public var tags: [String: String]
  }

  /// One page of security groups, by id or by filters.
  public func describeSecurityGroups(ids: [String] = [], filters: [Filter] = [], nextToken: String? = nil)
    async throws(AWSError) -> Page<SecurityGroup>
  {
    try await describe("DescribeSecurityGroups", "GroupId", ids, filters, nextToken, in: "securityGroupInfo") {
      item throws(AWSError) in
      SecurityGroup(
        id: try item.required("groupId"), name: item.string("groupName"),
        description: item.string("groupDescription"), vpcID: item.string("vpcId"), tags: try item.ec2Tags())
    }
  }
}
