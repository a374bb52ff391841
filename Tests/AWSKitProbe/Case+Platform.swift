import AWSKit

extension Case {
  func ssm(_ ssm: SSM) async throws -> Any {
    let p = params
    switch operation {
    case "GetParameter": return try await ssm.getParameter(name: p.text("Name"), decrypts: p["WithDecryption"].bool)
    case "GetParameters":
      return try await ssm.getParameters(names: p["Names"].texts, decrypts: p["WithDecryption"].bool)
    case "GetParametersByPath":
      return try await ssm.getParametersByPath(
        p.text("Path"), isRecursive: p["Recursive"].bool, decrypts: p["WithDecryption"].bool,
        maximum: p["MaxResults"].int, nextToken: p["NextToken"].text)
    case "PutParameter":
      var input = SSM.PutParameterInput(
        name: p.text("Name"), value: p.text("Value"), type: p["Type"].text, overwrites: p["Overwrite"].bool)
      (input.description, input.keyID, input.tier) = (p["Description"].text, p["KeyId"].text, p["Tier"].text)
      (input.dataType, input.allowedPattern) = (p["DataType"].text, p["AllowedPattern"].text)
      input.tags = p["Tags"].tags
      return try await ssm.putParameter(input)
    case "DeleteParameter": return try await ssm.deleteParameter(name: p.text("Name"))
    case "DescribeInstanceInformation":
      return try await ssm.describeInstanceInformation(instanceIDs: p["Filters"].list.first?["Values"].texts ?? [])
    case "SendCommand":
      var input = SSM.SendCommandInput(documentName: p.text("DocumentName"), instanceIDs: p["InstanceIds"].texts)
      if case .object(let parameters) = p["Parameters"] { input.parameters = parameters.mapValues(\.texts) }
      (input.documentVersion, input.comment) = (p["DocumentVersion"].text, p["Comment"].text)
      input.timeoutSeconds = p["TimeoutSeconds"].int
      (input.outputBucket, input.outputKeyPrefix) = (p["OutputS3BucketName"].text, p["OutputS3KeyPrefix"].text)
      input.outputLogGroup = p["CloudWatchOutputConfig"]["CloudWatchLogGroupName"].text
      (input.maximumConcurrency, input.maximumErrors) = (p["MaxConcurrency"].text, p["MaxErrors"].text)
      return try await ssm.sendCommand(input)
    case "GetCommandInvocation":
      return try await ssm.getCommandInvocation(
        commandID: p.text("CommandId"), instanceID: p.text("InstanceId"), step: p["PluginName"].text)
    case "CancelCommand":
      let ids = p["InstanceIds"]
      return try await ssm.cancelCommand(commandID: p.text("CommandId"), instanceIDs: ids.isNull ? nil : ids.texts)
    default: throw UnknownCall(name: operation)
    }
  }

  func ecr(_ ecr: ECR) async throws -> Any {
    let p = params
    let ids = p["imageIds"].list.map { ECR.ImageID(tag: $0["imageTag"].text, digest: $0["imageDigest"].text) }
    switch operation {
    case "GetAuthorizationToken": return try await ecr.getAuthorizationToken()
    case "DescribeImages":
      return try await ecr.describeImages(
        repository: p.text("repositoryName"), ids: p["imageIds"].isNull ? nil : ids, registryID: p["registryId"].text,
        maximum: p["maxResults"].int, nextToken: p["nextToken"].text)
    case "BatchGetImage":
      let types = p["acceptedMediaTypes"]
      return try await ecr.batchGetImage(
        repository: p.text("repositoryName"), ids: ids, acceptedMediaTypes: types.isNull ? nil : types.texts,
        registryID: p["registryId"].text)
    default: throw UnknownCall(name: operation)
    }
  }

  func eks(_ eks: EKS) async throws -> Any {
    switch operation {
    case "DescribeCluster": return try await eks.describeCluster(name: params.text("name"))
    case "token": return try await eks.token(cluster: params.text("name"))
    default: throw UnknownCall(name: operation)
    }
  }

  func cloudFormation(_ formation: CloudFormation) async throws -> Any {
    let (p, name, next) = (params, params.text("StackName"), params["NextToken"].text)
    switch operation {
    case "CreateStack": return try await formation.createStack(stack)
    case "UpdateStack": return try await formation.updateStack(stack)
    case "DeleteStack":
      return try await formation.deleteStack(
        name: name, retainedResources: p["RetainResources"].texts, roleARN: p["RoleARN"].text,
        forces: p["DeletionMode"].text == "FORCE_DELETE_STACK")
    case "CancelUpdateStack": return try await formation.cancelUpdateStack(name: name)
    case "ContinueUpdateRollback":
      return try await formation.continueUpdateRollback(
        name: name, skippedResources: p["ResourcesToSkip"].texts, roleARN: p["RoleARN"].text)
    case "UpdateTerminationProtection":
      return try await formation.setTerminationProtection(
        stackName: name, to: p["EnableTerminationProtection"].bool ?? false)
    case "DescribeStacks": return try await formation.describeStacks(nextToken: next)
    case "DescribeStackEvents": return try await formation.describeStackEvents(name: name, nextToken: next)
    case "DescribeStackResources": return try await formation.describeStackResources(name: name)
    case "ListStackResources": return try await formation.listStackResources(name: name, nextToken: next)
    case "GetTemplate": return try await formation.getTemplate(name: name)
    case "GetTemplateSummary": return try await formation.getTemplateSummary(template)
    case "ValidateTemplate": return try await formation.validateTemplate(template)
    case "CreateChangeSet":
      var input = CloudFormation.ChangeSetInput(
        stack: stack, name: p.text("ChangeSetName"), kind: .init(rawValue: p.text("ChangeSetType")) ?? .create)
      (input.description, input.includesNestedStacks) = (p["Description"].text, p["IncludeNestedStacks"].bool)
      return try await formation.createChangeSet(input)
    case "DescribeChangeSet":
      return try await formation.describeChangeSet(
        name: p.text("ChangeSetName"), stackName: p["StackName"].text,
        includesValues: p["IncludePropertyValues"].bool, nextToken: next)
    case "ExecuteChangeSet":
      return try await formation.executeChangeSet(name: p.text("ChangeSetName"), stackName: p["StackName"].text)
    case "DeleteChangeSet":
      return try await formation.deleteChangeSet(name: p.text("ChangeSetName"), stackName: p["StackName"].text)
    default: throw UnknownCall(name: operation)
    }
  }

  private var template: CloudFormation.Template {
    if let body = params["TemplateBody"].text { return .body(body) }
    return params["TemplateURL"].text.map { .url($0) } ?? .previous
  }

  private var stack: CloudFormation.StackInput {
    let p = params
    var input = CloudFormation.StackInput(name: p.text("StackName"), template: template)
    for parameter in p["Parameters"].list {
      if let value = parameter["ParameterValue"].text {
        input.parameters[parameter.text("ParameterKey")] = value
      } else {
        input.previousParameters.append(parameter.text("ParameterKey"))
      }
    }
    (input.capabilities, input.notificationARNs) = (p["Capabilities"].texts, p["NotificationARNs"].texts)
    (input.tags, input.roleARN) = (p["Tags"].tags, p["RoleARN"].text)
    input.onFailure = (p["OnFailure"].text ?? p["OnStackFailure"].text).flatMap { .init(rawValue: $0) }
    if let disables = p["DisableRollback"].bool { input.onFailure = disables ? .keep : .rollBack }
    (input.timeoutMinutes, input.isProtected) = (p["TimeoutInMinutes"].int, p["EnableTerminationProtection"].bool)
    return input
  }
}
