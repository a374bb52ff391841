/// The CloudFormation template of what is temporary: the instance with its data volume, its role, its profile.
///
/// A stack, since CloudFormation then removes all of it in one step, whoever asks for that and whatever was left half
/// done.
enum SnapshotTemplate {
  /// The resource that is the instance, and the output with its id.
  static let instance = "Instance"
  /// The device of the data volume that Bottlerocket keeps containers' images on.
  static let dataDevice = "/dev/xvdb"

  static let text = #"""
    AWSTemplateFormatVersion: "2010-09-09"
    Description: Temporary instance on which sdctl snapshot pulls container images. Remove it with sdctl snapshot clean.
    Parameters:
      Run: {Type: String}
      MachineImage: {Type: String}
      InstanceType: {Type: String}
      Size: {Type: Number}
      Encrypted: {Type: String, AllowedValues: ["true", "false"]}
      KmsKey: {Type: String}
      Role: {Type: String, Description: An existing role by its name. One is made where this is empty.}
      Subnet: {Type: String}
      SecurityGroup: {Type: String}
      PublicIP: {Type: String, AllowedValues: ["true", "false"]}
      Repositories: {Type: CommaDelimitedList, Description: ARNs of the ECR repositories that are pulled from.}
    Conditions:
      MakesRole: !Equals [!Ref Role, ""]
      HasRepositories: !Not [!Equals [!Join ["", !Ref Repositories], ""]]
      ReadsRepositories: !And [!Condition MakesRole, !Condition HasRepositories]
      HasKey: !Not [!Equals [!Ref KmsKey, ""]]
      HasSubnet: !Not [!Equals [!Ref Subnet, ""]]
      HasSecurityGroup: !Not [!Equals [!Ref SecurityGroup, ""]]
    Resources:
      InstanceRole:
        Type: AWS::IAM::Role
        Condition: MakesRole
        Properties:
          AssumeRolePolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Principal: {Service: !Sub "ec2.${AWS::URLSuffix}"}
                Action: sts:AssumeRole
          ManagedPolicyArns: [!Sub "arn:${AWS::Partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"]
      RepositoryPolicy:
        Type: AWS::IAM::RolePolicy
        Condition: ReadsRepositories
        Properties:
          RoleName: !Ref InstanceRole
          PolicyName: pull
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: ecr:GetAuthorizationToken, Resource: "*"}
              - Effect: Allow
                Action: [ecr:BatchCheckLayerAvailability, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer]
                Resource: !Ref Repositories
      InstanceProfile:
        Type: AWS::IAM::InstanceProfile
        Properties:
          Roles: [!If [MakesRole, !Ref InstanceRole, !Ref Role]]
      Instance:
        Type: AWS::EC2::Instance
        Properties:
          ImageId: !Ref MachineImage
          InstanceType: !Ref InstanceType
          IamInstanceProfile: !Ref InstanceProfile
          InstanceInitiatedShutdownBehavior: stop
          PropagateTagsToVolumeOnCreation: true
          UserData:
            Fn::Base64: |
              [settings.host-containers.admin]
              enabled = true
          NetworkInterfaces:
            - DeviceIndex: "0"
              AssociatePublicIpAddress: !Ref PublicIP
              SubnetId: !If [HasSubnet, !Ref Subnet, !Ref AWS::NoValue]
              GroupSet: !If [HasSecurityGroup, [!Ref SecurityGroup], !Ref AWS::NoValue]
          BlockDeviceMappings:
            - DeviceName: /dev/xvdb
              Ebs:
                VolumeSize: !Ref Size
                VolumeType: gp3
                DeleteOnTermination: true
                Encrypted: !Ref Encrypted
                KmsKeyId: !If [HasKey, !Ref KmsKey, !Ref AWS::NoValue]
          Tags:
            - {Key: Name, Value: !Sub "sdctl snapshot ${Run}"}
            - {Key: sd-snapshot-run, Value: !Ref Run}
    Outputs:
      Instance: {Value: !Ref Instance}
    """#

  /// Its parameters for a request.
  static func parameters(_ request: SnapshotRequest, run: String, machineImage: String) -> [String: String] {
    [
      "Run": run, "MachineImage": machineImage, "InstanceType": request.instanceType, "Size": "\(request.size)",
      "Encrypted": "\(request.isEncrypted)", "KmsKey": request.kmsKeyID ?? "", "Role": request.instanceRole ?? "",
      "Subnet": request.subnetID ?? "", "SecurityGroup": request.securityGroupID ?? "",
      "PublicIP": "\(request.hasPublicIP)", "Repositories": repositories(of: request.images),
    ]
  }

  /// The repositories in private ECR registries, as far as a parameter can hold them: 4,096 characters.
  private static func repositories(of images: [ImageReference]) -> String {
    let all = Set(images.compactMap(\.repositoryARN)).sorted()
    let text = all.joined(separator: ",")
    guard text.utf8.count > 4096, let first = all.first else { return text }
    // More than a hundred long names: every repository, then; the role lives as long as the run.
    return "\(first.split(separator: ":").prefix(3).joined(separator: ":")):*:*:repository/*"
  }
}
