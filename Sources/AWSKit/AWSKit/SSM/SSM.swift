/// AWS Systems Manager: parameters, and commands on instances.
public struct SSM: Sendable {
  let core: ServiceClient

  /// A client of SSM.
  ///
  /// - Parameters:
  ///   - client: what it shares with the other services.
  ///   - region: goes before the client's.
  /// - Throws: ``AWSError/Code/invalidEndpoint`` without a region.
  public init(_ client: AWSClient, region: String? = nil) throws(AWSError) {
    core = try ServiceClient(.ssm, client, region: region, errorFormat: .json)
  }

  /// An instance that Systems Manager knows.
  public struct InstanceInformation: Sendable, Hashable {
    /// The instance's id.
    public var instanceID: String
    /// `Online`, `ConnectionLost`, `Inactive`.
    public var pingStatus: String?
    /// The agent's version.
    public var agentVersion: String?
    /// The platform's name.
    public var platformName: String?
    /// The platform's version.
    public var platformVersion: String?
  }

  /// What Systems Manager knows of up to 50 instances.
  public func describeInstanceInformation(instanceIDs: [String]) async throws(AWSError) -> [InstanceInformation] {
    try await core.json("DescribeInstanceInformation") { form in
      form.add("Filters", each: [instanceIDs]) { form, ids in
        form.add("Key", "InstanceIds")
        form.add("Values", list: ids)
      }
      form.add("MaxResults", 50)
    } read: { result throws(AWSError) in
      try result.list("InstanceInformationList") { element throws(AWSError) in
        InstanceInformation(
          instanceID: try element.required("InstanceId"), pingStatus: try element.string("PingStatus"),
          agentVersion: try element.string("AgentVersion"), platformName: try element.string("PlatformName"),
          platformVersion: try element.string("PlatformVersion"))
      }
    }
  }
}
