import SDCore

/// Makes parameters of the templates from a configuration. Templates hold the defaults: what is not configured is left out.
struct StackPlanner: Sendable {
  let configuration: DeploymentConfiguration
  let names: StackNames
  let images: ImageNames
  private typealias Value = DeploymentPlan.Value

  var cluster: DeploymentPlan.Stack {
    let cluster = configuration.cluster
    var parameters = Parameters()
    parameters["VpcCidr"] = cluster.vpcCidr
    parameters["ZoneCount"] = cluster.zones
    parameters["EndpointAccessCidrs"] = Self.list(cluster.endpointAccessCidrs)
    parameters["KubernetesVersion"] = cluster.kubernetesVersion
    parameters["AdministratorArn"] = cluster.administratorArn
    parameters["SecretsKeyArn"] = cluster.secretsKeyArn
    parameters["SystemInstanceType"] = cluster.instanceType
    parameters["SystemAmiType"] = cluster.instanceType.map(Self.amiType)
    parameters["SystemNodes"] = cluster.desiredCount
    for (key, name) in [
      "loadBalancerController": "LoadBalancerController", "ebsCsi": "EbsCsi", "efsCsi": "EfsCsi", "s3Csi": "S3Csi",
      "containerInsights": "ContainerInsights", "containerLogs": "ContainerLogs", "fluentBit": "FluentBit",
      "kubecost": "Kubecost",
    ] {
      parameters[name] = cluster.addons[key]
    }
    if configuration.efs != nil, cluster.addons["efsCsi"] == nil { parameters["EfsCsi"] = true }
    return .init(name: names.cluster, template: "cluster.yaml", parameters: parameters.all)
  }

  var pipeline: DeploymentPlan.Stack {
    let (pipeline, api) = (configuration.pipeline, configuration.api)
    var parameters = Parameters()
    parameters["GatewayImage"] = images.reference("sd-gateway")
    parameters["GatewayArchitecture"] = pipeline.gatewayArchitecture?.rawValue
    parameters["GatewayMemory"] = pipeline.gatewayMemory
    parameters["GatewayConcurrency"] = pipeline.gatewayConcurrency
    parameters["Tracing"] = pipeline.tracing?.rawValue
    parameters["OtlpEndpoint"] = pipeline.otlpEndpoint
    parameters["LogDays"] = pipeline.logDays
    parameters["StageName"] = api.stageName
    parameters["RateLimit"] = api.rateLimit
    parameters["BurstLimit"] = api.burstLimit
    parameters["DailyQuota"] = api.dailyQuota
    parameters["AccessLogs"] = api.accessLogs
    parameters["OutputBucketName"] = pipeline.outputBucketName
    parameters["OutputDays"] = pipeline.outputDays
    parameters["RecordDays"] = pipeline.recordDays
    parameters["ModelBucketName"] = pipeline.modelBucketName
    parameters["KmsKeyArn"] = pipeline.kmsKeyArn
    parameters["AlarmTopicArn"] = pipeline.alarmTopicArn
    parameters["AlarmEmail"] = pipeline.alarmEmail
    return .init(name: names.pipeline, template: "pipeline.yaml", parameters: parameters.all)
  }

  var extras: [DeploymentPlan.Stack] {
    var extras: [DeploymentPlan.Stack] = []
    if let efs = configuration.efs {
      var parameters = Parameters()
      for (name, output) in ["VpcId": "VpcId", "VpcCidr": "VpcCidr", "SubnetIds": "PrivateSubnetIds"] {
        parameters.all[name] = .output(stack: names.cluster, name: output)
      }
      parameters["SubnetCount"] = configuration.cluster.zones
      parameters.all["ModelBucketArn"] = modelBucket
      parameters["ModelPrefix"] = efs.prefix
      parameters["Schedule"] = efs.schedule
      extras.append(.init(name: names.efs, template: "efs.yaml", parameters: parameters.all))
    }
    if let tuner = configuration.ebsThroughput {
      var parameters = Parameters()
      parameters["PipelineStackName"] = names.pipeline
      parameters["Seconds"] = tuner.seconds
      parameters["Throughput"] = tuner.throughput
      parameters["Iops"] = tuner.iops
      extras.append(.init(name: names.ebsThroughput, template: "ebs-throughput.yaml", parameters: parameters.all))
    }
    return extras
  }

  func runtime(_ runtime: DeploymentConfiguration.Runtime) -> DeploymentPlan.Stack {
    var parameters = Parameters()
    parameters["RuntimeName"] = runtime.name
    parameters["ModelFilename"] = runtime.modelFilename
    parameters["DynamicModel"] = runtime.dynamicModel ? true : nil
    if runtime.dynamicModel {
      let others = configuration.runtimes.filter { !$0.dynamicModel }.compactMap(\.modelFilename)
      parameters["StaticModels"] = Self.list(others)
    }
    parameters["Routing"] = runtime.routing.rawValue
    parameters["Priority"] = runtime.priority ? true : nil
    parameters["InputBucketArns"] = Self.list(runtime.inputBucketArns)
    parameters["PipelineStackName"] = names.pipeline
    for (name, output) in [
      "InputTopicArn": "InputTopicArn", "OutputTopicArn": "OutputTopicArn", "OutputBucketArn": "OutputS3Bucket",
    ] {
      parameters.all[name] = .output(stack: names.pipeline, name: output)
    }
    parameters.all["ModelBucketArn"] = modelBucket
    if configuration.pipeline.alarmEmail != nil || configuration.pipeline.alarmTopicArn != nil {
      parameters.all["AlarmTopicArn"] = .output(stack: names.pipeline, name: "AlarmTopicArn")
      parameters["OldestTaskSeconds"] = configuration.pipeline.oldestTaskSeconds
    }
    parameters["KmsKeyArn"] = configuration.pipeline.kmsKeyArn
    let cluster = configuration.cluster
    if cluster.create {
      parameters.all["ClusterName"] = .output(stack: names.cluster, name: "ClusterName")
      parameters.all["KedaRoleName"] = .output(stack: names.cluster, name: "KedaRoleName")
    } else {
      parameters["ClusterName"] = cluster.name
      parameters["KedaRoleName"] = cluster.kedaRoleName
      parameters["OidcProvider"] = cluster.oidcProvider
    }
    parameters["Namespace"] = runtime.namespace
    parameters["ServiceAccountName"] = runtime.serviceAccount
    return .init(name: names.runtime(runtime.name), template: "runtime.yaml", parameters: parameters.all)
  }

  /// The bucket of models: the configured one, else the one that the pipeline's stack makes.
  private var modelBucket: DeploymentPlan.Value? {
    if let arn = configuration.modelBucketArn { return .text(arn) }
    guard configuration.pipeline.modelBucketName != nil else { return nil }
    return .output(stack: names.pipeline, name: "ModelBucketArn")
  }

  private static func list(_ values: [String]) -> String? { values.isEmpty ? nil : values.joined(separator: ",") }

  /// Graviton families have a `g` behind their generation: m7g, c6gn, t4g.
  private static func amiType(of instanceType: String) -> String {
    let family = instanceType.prefix { $0 != "." }
    let behind = family.drop { !$0.isNumber }.drop { $0.isNumber }
    return behind.contains("g") ? "BOTTLEROCKET_ARM_64" : "BOTTLEROCKET_x86_64"
  }
}

extension DeploymentConfiguration.Runtime {
  /// The service account of its pods: what the values say, else what the chart calls it.
  var serviceAccount: String {
    let configured =
      extraValues["serviceAccount"]?["name"] ?? extraValues["sdWebuiInferenceApi"]?["serviceAccountName"]
      ?? extraValues["runtime"]?["serviceAccountName"]
    if let name = configured?.string, !name.isEmpty { return name }
    // As Helm's charts do it: the chart's name is not said twice.
    return name.contains("stable-diffusion") ? name : "\(name)-stable-diffusion"
  }
}

/// Parameters that are set where there is something to set them to.
private struct Parameters {
  var all: [String: DeploymentPlan.Value] = [:]

  subscript(name: String) -> String? {
    get { nil }
    set { if let newValue { all[name] = .text(newValue) } }
  }
  subscript(name: String) -> Int? {
    get { nil }
    set { if let newValue { all[name] = .text("\(newValue)") } }
  }
  subscript(name: String) -> Bool? {
    get { nil }
    set { if let newValue { all[name] = .text("\(newValue)") } }
  }
}
