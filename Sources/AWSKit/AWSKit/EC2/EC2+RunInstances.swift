extension EC2 {
  /// Instances to start.
  public struct RunInstancesInput: QueryOperation {
    static let action: String = "RunInstances"

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

  /// Starts instances; a repetition of the same input, client token included, starts nothing more.
  public func runInstances(_ input: RunInstancesInput) async throws(AWSError) -> [Instance] {
    var input = input
    if input.clientToken == nil { input.clientToken = IdempotencyToken.make() }
    return try await core.query(input)
  }
}
