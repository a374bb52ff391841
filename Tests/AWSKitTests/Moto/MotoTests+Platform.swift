import FoundationEssentials
import Testing

@testable import AWSKit

extension MotoTests {
  @Test func ec2() async throws {
    let ec2 = try EC2(client)
    let image = try #require(try await ec2.describeImages(owners: ["amazon"]).elements.first)
    var input = EC2.RunInstancesInput(imageID: image.id, instanceType: "m5.large")
    input.tags = ["name": name]
    var device = EC2.RunInstancesInput.BlockDevice(deviceName: "/dev/xvdb")
    (device.size, device.volumeType) = (50, "gp3")
    input.blockDevices = [device]
    input.userData = "[settings]\n"
    let instance = try #require(try await ec2.runInstances(input).first)
    let found = try await ec2.describeInstances(filters: [.init("tag:name", [name])]).elements
    #expect(found.map(\.id) == [instance.id] && found.first?.tags == ["name": name])
    let volume = try #require(found.first?.volumes["/dev/xvdb"])
    #expect(try await ec2.describeVolumes(ids: [volume]).elements.first?.size == 50)
    #expect(try await ec2.stopInstances(ids: [instance.id]).first?.id == instance.id)
    #expect(try await ec2.startInstances(ids: [instance.id]).first?.id == instance.id)
    var change = EC2.ModifyVolumeInput(volumeID: volume)
    change.size = 60
    _ = try await ec2.modifyVolume(change)
    let snapshot = try await ec2.createSnapshot(volumeID: volume, description: "d", tags: ["a": "b"])
    #expect(snapshot.tags == ["a": "b"])
    try await ec2.createTags(resourceIDs: [snapshot.id], tags: ["c": "ü"])
    let again = try #require(try await ec2.describeSnapshots(ids: [snapshot.id]).elements.first)
    #expect(again.state == "completed" && again.tags == ["a": "b", "c": "ü"])
    try await ec2.deleteTags(resourceIDs: [snapshot.id], keys: ["c"])
    #expect(try await ec2.describeSnapshots(ids: [snapshot.id]).elements.first?.tags == ["a": "b"])
    let copy = try await ec2.copySnapshot(id: snapshot.id, sourceRegion: "eu-central-1", tags: ["e": "f"])
    #expect(try await ec2.describeSnapshots(ids: [copy]).elements.first?.tags == ["e": "f"])
    try await ec2.deleteSnapshot(id: snapshot.id)
    var error = await #expect(throws: AWSError.self) { try await ec2.describeSnapshots(ids: [snapshot.id]) }
    #expect(error?.code == "InvalidSnapshot.NotFound" && error?.requestID != nil)
    #expect(try await ec2.describeInstanceStatus(ids: [instance.id]).elements.first?.state == "running")
    #expect(try await ec2.getConsoleOutput(instanceID: instance.id).isEmpty == false)
    #expect(try await ec2.terminateInstances(ids: [instance.id]).first?.current.isEmpty == false)
    error = await #expect(throws: AWSError.self) { try await ec2.deleteVolume(id: "vol-0123456789abcdef0") }
    #expect(error?.code == "InvalidVolume.NotFound")
  }

  @Test func ec2Networks() async throws {
    let ec2 = try EC2(client)
    let zones = try await ec2.describeAvailabilityZones()
    #expect(zones.contains { $0.name == "eu-central-1a" && $0.state == "available" })
    let vpc = try #require(try await ec2.describeVPCs(filters: [.init("is-default", ["true"])]).elements.first)
    #expect(vpc.isDefault && vpc.cidrBlock == "172.31.0.0/16")
    let subnets = try await ec2.describeSubnets(filters: [.init("vpc-id", [vpc.id])]).elements
    #expect(Set(subnets.map(\.availabilityZone)) == Set(zones.map(\.name)) && subnets.allSatisfy(\.isDefault))
    let groups = try await ec2.describeSecurityGroups(filters: [.init("vpc-id", [vpc.id])]).elements
    #expect(groups.contains { $0.name == "default" && $0.vpcID == vpc.id })
  }

  /// moto does not have these: what it says to them is an error of the service, and read as one.
  @Test func ec2WhatMotoLacks() async throws {
    let ec2 = try EC2(client)
    for call in [
      { _ = try await ec2.enableFastSnapshotRestores(snapshotIDs: ["snap-1"], availabilityZones: ["eu-central-1a"]) },
      { _ = try await ec2.disableFastSnapshotRestores(snapshotIDs: ["snap-1"], availabilityZones: ["eu-central-1a"]) },
      { _ = try await ec2.describeFastSnapshotRestores() },
      { _ = try await ec2.describeVolumesModifications(volumeIDs: ["vol-1"]) },
    ] as [@Sendable () async throws -> Void] {
      let error = await #expect(throws: AWSError.self) { try await call() }
      #expect(error?.origin == .service)
    }
  }

  @Test func ssm() async throws {
    let (ssm, ec2) = (try SSM(client), try EC2(client))
    #expect(try await ssm.putParameter(.init(name: "/\(name)/a", value: "v ü")) == 1)
    let parameter = try await ssm.getParameter(name: "/\(name)/a")
    #expect(parameter.value == "v ü" && parameter.type == "String" && parameter.lastModifiedDate != nil)
    var secret = SSM.PutParameterInput(name: "/\(name)/b", value: "hidden", type: "SecureString")
    secret.tags = ["a": "b"]
    try await ssm.putParameter(secret)
    #expect(try await ssm.getParameter(name: "/\(name)/b", decrypts: true).value == "hidden")
    let several = try await ssm.getParameters(names: ["/\(name)/a", "/none"])
    #expect(several.parameters.map(\.value) == ["v ü"] && several.invalid == ["/none"])
    let page = try await ssm.getParametersByPath("/\(name)", maximum: 1)
    #expect(page.parameters.count == 1 && page.nextToken != nil)
    try await ssm.deleteParameter(name: "/\(name)/a")
    let error = await #expect(throws: AWSError.self) { try await ssm.getParameter(name: "/none") }
    #expect(error?.code == "ParameterNotFound")
    let image = try #require(try await ec2.describeImages(owners: ["amazon"]).elements.first)
    let instance = try #require(try await ec2.runInstances(.init(imageID: image.id, instanceType: "m5.large")).first)
    let command = try await ssm.sendCommand(.init(shellScript: ["true"], instanceIDs: [instance.id]))
    #expect(try await ssm.getCommandInvocation(commandID: command, instanceID: instance.id).status == "Success")
    for call in [
      { _ = try await ssm.describeInstanceInformation(instanceIDs: [instance.id]) },
      { try await ssm.cancelCommand(commandID: command) },
    ] as [@Sendable () async throws -> Void] {
      let error = await #expect(throws: AWSError.self) { try await call() }
      #expect(error?.origin == .service)
    }
  }

  @Test func cloudFormation() async throws {
    let formation = try CloudFormation(client)
    let template = """
      {"AWSTemplateFormatVersion":"2010-09-09","Parameters":{"N":{"Type":"String"}},
       "Resources":{"Queue":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":{"Ref":"N"}}}},
       "Outputs":{"URL":{"Value":{"Ref":"Queue"}}}}
      """
    try await formation.validateTemplate(.body(template))
    var input = CloudFormation.StackInput(name: name, template: .body(template), parameters: ["N": name])
    input.tags = ["a": "b"]
    _ = try await formation.createStack(input)
    let stack = try await formation.describeStack(name: name)
    #expect(
      stack.status == "CREATE_COMPLETE" && stack.tags == ["a": "b"] && stack.outputs["URL"]?.hasSuffix(name) == true)
    #expect(try await formation.describeStackEvents(name: name).events.isEmpty == false)
    #expect(try await formation.describeStackResources(name: name).map(\.logicalID) == ["Queue"])
    #expect(try await formation.listStackResources(name: name).resources.map(\.logicalID) == ["Queue"])
    let summary = try await formation.getTemplateSummary(.body(template))
    #expect(summary.parameters.map(\.name) == ["N"] && summary.resourceTypes == ["AWS::SQS::Queue"])
    #expect(try await formation.getTemplate(name: name).contains("AWS::SQS::Queue"))
    #expect(try await formation.describeStacks().stacks.contains { $0.name == name })
    input.parameters["N"] = name + "x"
    _ = try await formation.createChangeSet(.init(stack: input, name: "set", kind: .update))
    #expect(try await formation.describeChangeSet(name: "set", stackName: name).status == "CREATE_COMPLETE")
    try await formation.executeChangeSet(name: "set", stackName: name)
    input.parameters["N"] = name + "y"
    _ = try await formation.createChangeSet(.init(stack: input, name: "unused", kind: .update))
    try await formation.deleteChangeSet(name: "unused", stackName: name)
    _ = try await formation.updateStack(input)
    // moto does not have these.
    for call in [
      { try await formation.cancelUpdateStack(name: name) },
      { try await formation.continueUpdateRollback(name: name) },
      { try await formation.setTerminationProtection(stackName: name, to: false) },
    ] as [@Sendable () async throws -> Void] {
      let error = await #expect(throws: AWSError.self) { try await call() }
      #expect(error?.origin == .service)
    }
    try await formation.deleteStack(name: name)
    let error = await #expect(throws: AWSError.self) { try await formation.describeStack(name: name) }
    #expect(error?.code == "ValidationError")
  }

  @Test func ecrEKSAndXRay() async throws {
    let token = try await ECR(client).getAuthorizationToken()
    #expect(token.user == "AWS" && !token.password.isEmpty && !"\(token)".contains(token.password))
    var error = await #expect(throws: AWSError.self) { try await ECR(client).describeImages(repository: name) }
    #expect(error?.code == "RepositoryNotFoundException")
    error = await #expect(throws: AWSError.self) {
      try await ECR(client).batchGetImage(repository: name, ids: [.init(tag: "latest")])
    }
    #expect(error?.code == "RepositoryNotFoundException")
    error = await #expect(throws: AWSError.self) { try await APIGateway(client).getAPIKey(id: "none") }
    #expect(error?.code == "NotFoundException")
    error = await #expect(throws: AWSError.self) { try await EKS(client).describeCluster(name: name) }
    #expect(error?.code == "ResourceNotFoundException" && error?.status == 404)
    let document =
      #"{"name":"n","id":"70de5b6f19ff9a0a","start_time":1.7E9,"end_time":1.7E9,"trace_id":"1-581cf771-a006649127e371903a2de979"}"#
    #expect(try await XRay(client).putTraceSegments(documents: [document]).isEmpty)
  }
}
