public import FoundationEssentials

extension EC2 {
  /// Instances to start.
  public struct RunInstancesInput: QueryOperation {
    static let action: StaticString = "RunInstances"

    /// A volume of an instance.
    public struct BlockDevice: Sendable, Hashable {
      /// The device's name, `/dev/xvdb`.
      public var deviceName: String
      /// The snapshot that it is made of.
      public var snapshotID: String?
      /// GiB.
      public var size: Int?
      /// `gp3` and so on.
      public var volumeType: String?
      /// I/O operations a second.
      public var iops: Int?
      /// MiB a second.
      public var throughput: Int?
      /// Whether it is encrypted.
      public var isEncrypted: Bool?
      /// The key of KMS that it is encrypted with.
      public var kmsKeyID: String?
      /// Whether it goes with the instance.
      public var isDeletedOnTermination: Bool?
      /// MiB a second at which a snapshot is loaded.
      public var initializationRate: Int?
      /// A volume.
      public init(deviceName: String) { self.deviceName = deviceName }
    }

    /// The image.
    public var imageID: String?
    /// `m7i.large` and so on.
    public var instanceType: String?
    /// At least so many, or none.
    public var minimum: Int
    /// At most so many.
    public var maximum: Int
    /// The subnet.
    public var subnetID: String?
    /// The security groups.
    public var securityGroupIDs: [String] = []
    /// Whether it gets a public address; `nil`: what the subnet says.
    public var associatesPublicIP: Bool?
    /// Name or ARN of the instance profile.
    public var instanceProfile: String?
    /// What the instance reads at its start: the plain text, not base64.
    public var userData: String?
    /// The volumes.
    public var blockDevices: [BlockDevice] = []
    /// Tags of the instances.
    public var tags: [String: String] = [:]
    /// Tags of their volumes.
    public var volumeTags: [String: String] = [:]
    /// The zone.
    public var availabilityZone: String?
    /// Whether spot capacity is taken.
    public var isSpot = false
    /// Whether IMDSv2 is the only one.
    public var requiresIMDSv2 = true
    /// How many hops an answer of the metadata service goes.
    public var metadataHopLimit: Int?
    /// `stop` or `terminate`.
    public var shutdownBehavior: String?
    /// What makes a repetition start nothing more; made where there is none.
    public var clientToken: String?

    /// Instances to start.
    public init(imageID: String?, instanceType: String?, minimum: Int = 1, maximum: Int = 1) {
      (self.imageID, self.instanceType, self.minimum, self.maximum) = (imageID, instanceType, minimum, maximum)
    }

    func encode(to form: inout QueryForm) {
      form.add("BlockDeviceMapping", each: blockDevices.isEmpty ? nil : blockDevices) { form, prefix, device in
        form.add("\(prefix).DeviceName", device.deviceName)
        form.add("\(prefix).Ebs.SnapshotId", device.snapshotID)
        form.add("\(prefix).Ebs.VolumeSize", device.size)
        form.add("\(prefix).Ebs.VolumeType", device.volumeType)
        form.add("\(prefix).Ebs.Iops", device.iops)
        form.add("\(prefix).Ebs.Throughput", device.throughput)
        form.add("\(prefix).Ebs.Encrypted", device.isEncrypted)
        form.add("\(prefix).Ebs.KmsKeyId", device.kmsKeyID)
        form.add("\(prefix).Ebs.DeleteOnTermination", device.isDeletedOnTermination)
        form.add("\(prefix).Ebs.VolumeInitializationRate", device.initializationRate)
      }
      form.add("ImageId", imageID)
      form.add("InstanceType", instanceType)
      form.add("MinCount", minimum)
      form.add("MaxCount", maximum)
      if let associatesPublicIP {
        // An interface takes subnet and groups to itself.
        form.add("NetworkInterface.1.DeviceIndex", 0)
        form.add("NetworkInterface.1.AssociatePublicIpAddress", associatesPublicIP)
        form.add("NetworkInterface.1.SubnetId", subnetID)
        form.add("NetworkInterface.1.SecurityGroupId", list: securityGroupIDs.isEmpty ? nil : securityGroupIDs)
      } else {
        form.add("SubnetId", subnetID)
        form.add("SecurityGroupId", list: securityGroupIDs.isEmpty ? nil : securityGroupIDs)
      }
      if let instanceProfile {
        form.add("IamInstanceProfile.\(instanceProfile.hasPrefix("arn:") ? "Arn" : "Name")", instanceProfile)
      }
      form.add("UserData", base64: userData.map { Array($0.utf8) })
      form.add("Placement.AvailabilityZone", availabilityZone)
      if isSpot { form.add("InstanceMarketOptions.MarketType", "spot") }
      if requiresIMDSv2 { form.add("MetadataOptions.HttpTokens", "required") }
      form.add("MetadataOptions.HttpPutResponseHopLimit", metadataHopLimit)
      form.add("InstanceInitiatedShutdownBehavior", shutdownBehavior)
      form.add(tags: [("instance", tags), ("volume", volumeTags)])
      form.add("ClientToken", clientToken)
    }

    func decode(_ result: XMLElement) throws(AWSError) -> [Instance] {
      try result.list("instancesSet", of: "item") { item throws(AWSError) in try Instance(xml: item) }
    }
  }

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
      privateIP = item.string("privateIpAddress")
      publicIP = item.string("ipAddress")
      launchedAt = try item.date("launchTime")
      volumes = [:]
      if let devices = item["blockDeviceMapping"] {
        for device in devices.children {
          volumes[device.string("deviceName") ?? ""] = device["ebs"]?.string("volumeId")
        }
      }
      tags = try item.ec2Tags()
    }
  }

  struct DescribeInstances: QueryOperation {
    static let action: StaticString = "DescribeInstances"
    var ids: [String]
    var filters: [Filter]
    var nextToken: String?
    func encode(to form: inout QueryForm) {
      form.add(filters: filters)
      form.add("InstanceId", list: ids.isEmpty ? nil : ids)
      form.add("NextToken", nextToken)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> Page<Instance> {
      let reservations = try result.list("reservationSet", of: "item") { item throws(AWSError) in
        try item.list("instancesSet", of: "item") { item throws(AWSError) in try Instance(xml: item) }
      }
      return Page(elements: reservations.flatMap(\.self), nextToken: result.nextToken)
    }
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

  protocol ChangeKind: Sendable { static var action: StaticString { get } }
  enum StopKind: ChangeKind { static let action: StaticString = "StopInstances" }
  enum StartKind: ChangeKind { static let action: StaticString = "StartInstances" }
  enum TerminateKind: ChangeKind { static let action: StaticString = "TerminateInstances" }

  struct ChangeInstances<Kind: ChangeKind>: QueryOperation {
    static var action: StaticString { Kind.action }
    var ids: [String]
    var force: Bool?
    func encode(to form: inout QueryForm) {
      form.add("InstanceId", list: ids)
      form.add("Force", force)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> [InstanceStateChange] {
      try result.list("instancesSet", of: "item") { item throws(AWSError) in
        InstanceStateChange(
          id: try item.required("instanceId"), previous: item["previousState"]?.string("name") ?? "",
          current: item["currentState"]?.string("name") ?? "")
      }
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

  struct DescribeImages: QueryOperation {
    static let action: StaticString = "DescribeImages"
    var ids, owners: [String]
    var filters: [Filter]
    func encode(to form: inout QueryForm) {
      form.add("ImageId", list: ids.isEmpty ? nil : ids)
      form.add("Owner", list: owners.isEmpty ? nil : owners)
      form.add(filters: filters)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> [Image] {
      try result.list("imagesSet", of: "item") { item throws(AWSError) in
        Image(
          id: try item.required("imageId"), name: item.string("name"), architecture: item.string("architecture"),
          state: item.string("imageState"), createdAt: try item.date("creationDate"),
          rootDeviceName: item.string("rootDeviceName"), tags: try item.ec2Tags())
      }
    }
  }
}

extension XMLElement {
  /// `tagSet`, as every resource of EC2 has it.
  func ec2Tags() throws(AWSError) -> [String: String] { try self["tagSet"]?.map(entry: "item") ?? [:] }

  /// The next page's token; EC2 writes an empty one on the last page.
  var nextToken: String? { string("nextToken").flatMap { $0.isEmpty ? nil : $0 } }
}

extension QueryForm {
  mutating func add(filters: [EC2.Filter]) {
    add("Filter", each: filters.isEmpty ? nil : filters) { form, prefix, filter in
      form.add("\(prefix).Name", filter.name)
      form.add("\(prefix).Value", list: filter.values)
    }
  }

  mutating func add(tags: [(resource: String, tags: [String: String])]) {
    add("TagSpecification", each: tags.contains { !$0.tags.isEmpty } ? tags.filter { !$0.tags.isEmpty } : nil) {
      form, prefix, specification in
      form.add("\(prefix).ResourceType", specification.resource)
      form.add("\(prefix).Tag", map: specification.tags, key: "Key", value: "Value")
    }
  }
}
