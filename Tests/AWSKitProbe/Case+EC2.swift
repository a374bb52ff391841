import AWSKit

extension Case {
  func ec2(_ ec2: EC2) async throws -> Any {
    let p = params
    let (filters, next) = (
      p["Filters"].list.map { EC2.Filter($0.text("Name"), $0["Values"].texts) }, p["NextToken"].text
    )
    let tags = p["TagSpecifications"].list.first?["Tags"].tags ?? [:]
    func ids(_ name: String) -> [String] { p[name].texts }
    switch operation {
    case "RunInstances": return try await ec2.runInstances(run)
    case "DescribeInstances":
      return try await ec2.describeInstances(ids: ids("InstanceIds"), filters: filters, nextToken: next)
    case "DescribeInstanceStatus":
      return try await ec2.describeInstanceStatus(
        ids: ids("InstanceIds"), filters: filters, includesAll: p["IncludeAllInstances"].bool, nextToken: next)
    case "StopInstances": return try await ec2.stopInstances(ids: ids("InstanceIds"), force: p["Force"].bool)
    case "StartInstances": return try await ec2.startInstances(ids: ids("InstanceIds"))
    case "TerminateInstances": return try await ec2.terminateInstances(ids: ids("InstanceIds"))
    case "GetConsoleOutput":
      return try await ec2.getConsoleOutput(instanceID: p.text("InstanceId"), latest: p["Latest"].bool)
    case "DescribeImages":
      return try await ec2.describeImages(
        ids: ids("ImageIds"), owners: ids("Owners"), filters: filters, nextToken: next)
    case "DescribeVolumes":
      return try await ec2.describeVolumes(ids: ids("VolumeIds"), filters: filters, nextToken: next)
    case "DescribeVolumesModifications":
      return try await ec2.describeVolumesModifications(volumeIDs: ids("VolumeIds"), filters: filters, nextToken: next)
    case "ModifyVolume":
      var input = EC2.ModifyVolumeInput(volumeID: p.text("VolumeId"))
      (input.size, input.volumeType) = (p["Size"].int, p["VolumeType"].text)
      (input.iops, input.throughput) = (p["Iops"].int, p["Throughput"].int)
      return try await ec2.modifyVolume(input) as Any
    case "DeleteVolume": return try await ec2.deleteVolume(id: p.text("VolumeId"))
    case "CreateSnapshot":
      return try await ec2.createSnapshot(
        volumeID: p.text("VolumeId"), description: p["Description"].text, tags: tags)
    case "CopySnapshot":
      return try await ec2.copySnapshot(
        id: p.text("SourceSnapshotId"), sourceRegion: p.text("SourceRegion"), description: p["Description"].text,
        isEncrypted: p["Encrypted"].bool, kmsKeyID: p["KmsKeyId"].text, tags: tags)
    case "DescribeSnapshots":
      return try await ec2.describeSnapshots(
        ids: ids("SnapshotIds"), owners: ids("OwnerIds"), filters: filters, nextToken: next)
    case "DeleteSnapshot": return try await ec2.deleteSnapshot(id: p.text("SnapshotId"))
    case "EnableFastSnapshotRestores":
      return try await ec2.enableFastSnapshotRestores(
        snapshotIDs: ids("SourceSnapshotIds"), availabilityZones: ids("AvailabilityZones"))
    case "DisableFastSnapshotRestores":
      return try await ec2.disableFastSnapshotRestores(
        snapshotIDs: ids("SourceSnapshotIds"), availabilityZones: ids("AvailabilityZones"))
    case "DescribeFastSnapshotRestores":
      return try await ec2.describeFastSnapshotRestores(filters: filters, nextToken: next)
    case "CreateTags": return try await ec2.createTags(resourceIDs: ids("Resources"), tags: p["Tags"].tags)
    case "DeleteTags":
      return try await ec2.deleteTags(resourceIDs: ids("Resources"), keys: p["Tags"].list.map { $0.text("Key") })
    case "DescribeAvailabilityZones":
      return try await ec2.describeAvailabilityZones(names: ids("ZoneNames"), filters: filters)
    case "DescribeVpcs": return try await ec2.describeVPCs(ids: ids("VpcIds"), filters: filters, nextToken: next)
    case "DescribeSubnets":
      return try await ec2.describeSubnets(ids: ids("SubnetIds"), filters: filters, nextToken: next)
    case "DescribeSecurityGroups":
      return try await ec2.describeSecurityGroups(ids: ids("GroupIds"), filters: filters, nextToken: next)
    default: throw UnknownCall(name: operation)
    }
  }

  private var run: EC2.RunInstancesInput {
    let p = params
    var input = EC2.RunInstancesInput(
      imageID: p["ImageId"].text, instanceType: p["InstanceType"].text, minimum: p["MinCount"].int ?? 0,
      maximum: p["MaxCount"].int ?? 0)
    let interface = p["NetworkInterfaces"].list.first
    input.subnetID = (interface ?? p)["SubnetId"].text
    input.securityGroupIDs = interface.map { $0["Groups"].texts } ?? p["SecurityGroupIds"].texts
    input.associatesPublicIP = interface?["AssociatePublicIpAddress"].bool
    input.instanceProfile = p["IamInstanceProfile"]["Arn"].text ?? p["IamInstanceProfile"]["Name"].text
    input.userData = p["UserData"].text
    input.blockDevices = p["BlockDeviceMappings"].list.map { p in
      var device = EC2.RunInstancesInput.BlockDevice(deviceName: p.text("DeviceName"))
      let ebs = p["Ebs"]
      (device.snapshotID, device.size) = (ebs["SnapshotId"].text, ebs["VolumeSize"].int)
      (device.volumeType, device.iops) = (ebs["VolumeType"].text, ebs["Iops"].int)
      (device.throughput, device.isEncrypted) = (ebs["Throughput"].int, ebs["Encrypted"].bool)
      (device.kmsKeyID, device.isDeletedOnTermination) = (ebs["KmsKeyId"].text, ebs["DeleteOnTermination"].bool)
      device.initializationRate = ebs["VolumeInitializationRate"].int
      return device
    }
    for specification in p["TagSpecifications"].list {
      switch specification.text("ResourceType") {
      case "instance": input.tags = specification["Tags"].tags
      default: input.volumeTags = specification["Tags"].tags
      }
    }
    input.availabilityZone = p["Placement"]["AvailabilityZone"].text
    input.isSpot = p["InstanceMarketOptions"]["MarketType"].text == "spot"
    input.requiresIMDSv2 = p["MetadataOptions"]["HttpTokens"].text == "required"
    input.metadataHopLimit = p["MetadataOptions"]["HttpPutResponseHopLimit"].int
    input.shutdownBehavior = p["InstanceInitiatedShutdownBehavior"].text
    input.clientToken = p["ClientToken"].text
    return input
  }
}
