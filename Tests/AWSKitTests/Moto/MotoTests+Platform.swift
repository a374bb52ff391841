import FoundationEssentials
import Testing

@testable import AWSKit

extension MotoTests {
  @Test func ec2() async throws {
    let ec2 = try EC2(client)
    let image = try #require(try await ec2.describeImages(owners: ["amazon"]).first)
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
    try await ec2.deleteSnapshot(id: snapshot.id)
    let error = await #expect(throws: AWSError.self) { try await ec2.describeSnapshots(ids: [snapshot.id]) }
    #expect(error?.code == "InvalidSnapshot.NotFound" && error?.requestID != nil)
    #expect(try await ec2.terminateInstances(ids: [instance.id]).first?.current.isEmpty == false)
  }

  @Test func ssm() async throws {
    let (ssm, ec2) = (try SSM(client), try EC2(client))
    #expect(try await ssm.putParameter(name: "/\(name)", value: "v ü", overwrites: true) == 1)
    let parameter = try await ssm.getParameter(name: "/\(name)")
    #expect(parameter.value == "v ü" && parameter.type == "String" && parameter.lastModifiedDate != nil)
    let error = await #expect(throws: AWSError.self) { try await ssm.getParameter(name: "/none") }
    #expect(error?.code == "ParameterNotFound")
    let image = try #require(try await ec2.describeImages(owners: ["amazon"]).first)
    let instance = try #require(try await ec2.runInstances(.init(imageID: image.id, instanceType: "m5.large")).first)
    let command = try await ssm.sendCommand(.init(shellScript: ["true"], instanceIDs: [instance.id]))
    #expect(try await ssm.getCommandInvocation(commandID: command, instanceID: instance.id).status == "Success")
  }

  @Test func cloudFormation() async throws {
    let formation = try CloudFormation(client)
    let template = """
      {"Parameters":{"N":{"Type":"String"}},
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
    #expect(try await formation.getTemplate(name: name).contains("AWS::SQS::Queue"))
    #expect(try await formation.describeStacks().stacks.contains { $0.name == name })
    input.parameters["N"] = name + "x"
    _ = try await formation.createChangeSet(.init(stack: input, name: "set", kind: .update))
    #expect(try await formation.describeChangeSet(name: "set", stackName: name).status == "CREATE_COMPLETE")
    try await formation.executeChangeSet(name: "set", stackName: name)
    try await formation.deleteStack(name: name)
    let error = await #expect(throws: AWSError.self) { try await formation.describeStack(name: name) }
    #expect(error?.code == "ValidationError")
  }

  @Test func ecrEKSAndXRay() async throws {
    let token = try await ECR(client).getAuthorizationToken()
    #expect(token.user == "AWS" && !token.password.isEmpty && !"\(token)".contains(token.password))
    var error = await #expect(throws: AWSError.self) { try await ECR(client).describeImages(repository: name) }
    #expect(error?.code == "RepositoryNotFoundException")
    error = await #expect(throws: AWSError.self) { try await EKS(client).describeCluster(name: name) }
    #expect(error?.code == "ResourceNotFoundException" && error?.status == 404)
    let document =
      #"{"name":"n","id":"70de5b6f19ff9a0a","start_time":1.7E9,"end_time":1.7E9,"trace_id":"1-581cf771-a006649127e371903a2de979"}"#
    #expect(try await XRay(client).putTraceSegments(documents: [document]).isEmpty)
  }
}
