public import FoundationEssentials

extension EC2 {
  /// An instance.
  public struct Instance: Sendable, Hashable {
    /// The id, `i-…`.
    public var id: String
    /// `pending`, `running`, `stopping`, `stopped`, `shutting-down`, `terminated`.
    public var state: String
    /// Why it came into its state.
    public var stateReason: String?
    /// The type.
    public var instanceType: String?
    /// The image.
    public var imageID: String?
    /// The zone.
    public var availabilityZone: String?
    /// The network.
    public var vpcID: String?
    /// The subnet.
    public var subnetID: String?
    /// The address within the network.
    public var privateIP: String?
    /// The public address.
    public var publicIP: String?
    /// When it was started.
    public var launchedAt: Date?
    /// The volumes' ids by device name.
    public var volumes: [String: String]
    /// The tags.
    public var tags: [String: String]

    init(xml item: XMLElement) throws(AWSError) {
      id = try item.required("instanceId")
      state = item["instanceState"]?.string("name") ?? ""
      stateReason = item["stateReason"]?.string("message")
      instanceType = item.string("instanceType")
      imageID = item.string("imageId")
      availabilityZone = item["placement"]?.string("availabilityZone")
      (vpcID, subnetID) = (item.string("vpcId"), item.string("subnetId"))
      privateIP = item.string("privateIpAddress")
      publicIP = item.string("ipAddress")
      launchedAt = try item.date("launchTime")
      volumes = [:]
      if let devices = item["blockDeviceMapping"] {
        for device in devices.children {
          guard let volume = device["ebs"]?.string("volumeId"), !volume.isEmpty else { continue }
          volumes[device.string("deviceName") ?? ""] = volume
        }
      }
      tags = try item.ec2Tags()
    }
  }

  /// One page of instances, by id or by filters.
  public func describeInstances(ids: [String] = [], filters: [Filter] = [], nextToken: String? = nil)
    async throws(AWSError) -> Page<Instance>
  {
    let reservations = try await describe(
      "DescribeInstances", "InstanceId", ids, filters, nextToken, in: "reservationSet"
    ) { item throws(AWSError) in
      try item.list("instancesSet", of: "item") { item throws(AWSError) in try Instance(xml: item) }
    }
    return Page(elements: reservations.elements.flatMap(\.self), nextToken: reservations.nextToken)
  }

  /// A change of an instance's state.
  public struct InstanceStateChange: Sendable, Hashable {
    /// The instance's id.
    public var id: String
    /// The state before.
    public var previous: String
    /// The state now.
    public var current: String
  }

  /// Stops instances; their volumes stay.
  public func stopInstances(ids: [String], force: Bool? = nil) async throws(AWSError) -> [InstanceStateChange] {
    try await change("StopInstances", ids) { $0.add("Force", force) }
  }

  /// Starts instances that were stopped.
  public func startInstances(ids: [String]) async throws(AWSError) -> [InstanceStateChange] {
    try await change("StartInstances", ids)
  }

  /// Ends instances; volumes that are marked so go with them.
  public func terminateInstances(ids: [String]) async throws(AWSError) -> [InstanceStateChange] {
    try await change("TerminateInstances", ids)
  }

  private func change(_ action: String, _ ids: [String], more: (inout QueryForm) -> Void = { _ in })
    async throws(AWSError) -> [InstanceStateChange]
  {
    try await core.query(action) { form in
      form.add("InstanceId", list: ids)
      more(&form)
    } read: { result throws(AWSError) in
      try result.list("instancesSet", of: "item") { item throws(AWSError) in
        InstanceStateChange(
          id: try item.required("instanceId"), previous: item["previousState"]?.string("name") ?? "",
          current: item["currentState"]?.string("name") ?? "")
      }
    }
  }

  /// How an instance is, as its host and EC2's checks see it.
  public struct InstanceStatus: Sendable, Hashable {
    /// The instance's id.
    public var id: String
    /// `pending`, `running` and so on.
    public var state: String
    /// `ok`, `impaired`, `initializing`: whether the system below the instance works.
    public var systemStatus: String?
    /// `ok`, `impaired`, `initializing`: whether the instance answers.
    public var instanceStatus: String?
    /// What is planned for it, `instance-retirement` and so on, in words.
    public var events: [String]
  }

  /// One page of how instances are.
  ///
  /// - Parameter includesAll: whether those are told too that are not running.
  public func describeInstanceStatus(
    ids: [String] = [], filters: [Filter] = [], includesAll: Bool? = nil, nextToken: String? = nil
  ) async throws(AWSError) -> Page<InstanceStatus> {
    try await describe(
      "DescribeInstanceStatus", "InstanceId", ids, filters, nextToken, in: "instanceStatusSet",
      more: { $0.add("IncludeAllInstances", includesAll) }
    ) { item throws(AWSError) in
      InstanceStatus(
        id: try item.required("instanceId"), state: item["instanceState"]?.string("name") ?? "",
        systemStatus: item["systemStatus"]?.string("status"), instanceStatus: item["instanceStatus"]?.string("status"),
        events: try item.list("eventsSet", of: "item") { event in
          [event.string("code"), event.string("description")].compactMap(\.self).joined(separator: ": ")
        })
    }
  }

  /// What an instance has written to its console, up to its last 64 KiB.
  ///
  /// - Parameter latest: whether it is read anew, which Nitro instances allow.
  public func getConsoleOutput(instanceID: String, latest: Bool? = nil) async throws(AWSError) -> String {
    try await core.query("GetConsoleOutput") { form in
      form.add("InstanceId", instanceID)
      form.add("Latest", latest)
    } read: { result throws(AWSError) in
      String(decoding: try result.base64("output") ?? [], as: UTF8.self)
    }
  }

  /// An image.
  public struct Image: Sendable, Hashable {
    /// The id, `ami-…`.
    public var id: String
    /// The name.
    public var name: String?
    /// `x86_64` or `arm64`.
    public var architecture: String?
    /// `available` and so on.
    public var state: String?
    /// When it was made.
    public var createdAt: Date?
    /// The root device's name.
    public var rootDeviceName: String?
    /// The tags.
    public var tags: [String: String]
  }

  /// One page of images, by id, owner or filters.
  public func describeImages(
    ids: [String] = [], owners: [String] = [], filters: [Filter] = [], nextToken: String? = nil
  ) async throws(AWSError) -> Page<Image> {
    try await describe(
      "DescribeImages", "ImageId", ids, filters, nextToken, in: "imagesSet",
      more: { $0.add("Owner", list: owners.isEmpty ? nil : owners) }
    ) { item throws(AWSError) in
      Image(
        id: try item.required("imageId"), name: item.string("name"), architecture: item.string("architecture"),
        state: item.string("imageState"), createdAt: try item.date("creationDate"),
        rootDeviceName: item.string("rootDeviceName"), tags: try item.ec2Tags())
    }
  }
}
