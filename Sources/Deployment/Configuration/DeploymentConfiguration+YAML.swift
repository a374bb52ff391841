import FoundationEssentials
public import SDCore
import Yams

extension DeploymentConfiguration {
  /// The most bytes that a file may have.
  static let maximumBytes = 1 << 20

  /// The configuration that a file describes.
  ///
  /// - Throws: `.configuration` with every problem of the file, a line each.
  public init(contentsOf path: String) throws(SDError) {
    guard let data = try? Data(contentsOf: URL(filePath: path)) else {
      throw SDError(.configuration, "the configuration \(path) cannot be read")
    }
    guard data.count <= Self.maximumBytes, let text = String(bytes: data, encoding: .utf8) else {
      throw SDError(.configuration, "the configuration \(path) is larger than 1 MiB, or not UTF-8")
    }
    try self.init(yaml: text, path: path)
  }

  /// The configuration that a YAML text describes; the path is for messages.
  public init(yaml: String, path: String) throws(SDError) {
    let root: Node?
    do { root = try compose(yaml: yaml) } catch { throw SDError(.configuration, "\(path) is not YAML: \(error)") }
    let problems = ConfigurationProblems()
    let reader = ConfigurationReader(
      root: ConfigurationNode(node: root ?? Node([Node]()), path: "", problems: problems))
    guard let configuration = reader.read(), problems.all.isEmpty else {
      let list = problems.all.map { "\n  \($0)" }.joined()
      throw SDError(.configuration, "\(path) cannot be deployed:\(list)")
    }
    self = configuration
  }
}

/// Reads a configuration, noting whatever is wrong.
struct ConfigurationReader {
  let root: ConfigurationNode
  private typealias Configuration = DeploymentConfiguration

  private static let keys = [
    "stackName", "region", "modelBucketArn", "images", "cluster", "clusterComponents", "APIGW", "pipeline", "efs",
    "ebsThroughput", "modelsRuntime", "dynamicModelRuntime",
  ]
  static let addons = [
    "loadBalancerController", "ebsCsi", "efsCsi", "s3Csi", "containerInsights", "containerLogs", "fluentBit",
    "kubecost",
    "nvidiaDevicePlugin",
  ]

  func read() -> DeploymentConfiguration? {
    let members = root.members(Self.keys)
    guard let stack = members["stackName"] else {
      root.note("has no stackName")
      return nil
    }
    let name = stack.text(like: /[A-Za-z][A-Za-z0-9-]{0,29}/, "a letter, then letters, digits and -, up to 30") ?? ""
    var configuration = Configuration(stackName: name, runtimes: [])
    configuration.region = members["region"]?.text(like: /[a-z]{2}(?:-[a-z]+)+-[0-9]/, "a region, as us-west-2")
    configuration.modelBucketArn = members["modelBucketArn"]?.text(like: /arn:[^:]+:s3:::.+/, "a bucket's ARN")
    if let node = members["images"] { configuration.images = images(node) }
    if let node = members["cluster"] { configuration.cluster = cluster(node) }
    if let node = members["clusterComponents"] {
      let members = node.members(["instanceType", "desiredCount"])
      configuration.cluster.instanceType = members["instanceType"]?.text
      configuration.cluster.desiredCount = members["desiredCount"]?.count(1...450)
    }
    if let node = members["APIGW"] { configuration.api = api(node) }
    if let node = members["pipeline"] { configuration.pipeline = pipeline(node) }
    configuration.efs = members["efs"].flatMap(efs)
    configuration.ebsThroughput = members["ebsThroughput"].flatMap(ebsThroughput)
    readRuntimes(members, into: &configuration)
    check(configuration)
    return configuration
  }

  // MARK: Parts

  private func images(_ node: ConfigurationNode) -> DeploymentConfiguration.Images {
    let members = node.members(["registry", "tag", "digests"])
    var registry = members["registry"]?.text
    while registry?.hasSuffix("/") == true { registry?.removeLast() }
    return .init(registry: registry, tag: members["tag"]?.text, digests: members["digests"]?.text)
  }

  private func cluster(_ node: ConfigurationNode) -> DeploymentConfiguration.Cluster {
    let members = node.members([
      "create", "name", "kubernetesVersion", "zones", "vpcCidr", "endpointAccessCidrs", "administratorArn",
      "secretsKeyArn", "kedaRoleName", "nodeRoleName", "oidcProvider", "addons",
    ])
    var cluster = DeploymentConfiguration.Cluster()
    cluster.create = members["create"]?.truth ?? true
    cluster.name = members["name"]?.text
    cluster.kubernetesVersion = members["kubernetesVersion"]?.text(
      like: /1\.[0-9]{2}/, "a version in quotes, as \"1.35\"")
    cluster.zones = members["zones"]?.count(2...3)
    cluster.vpcCidr = members["vpcCidr"]?.text(like: /(?:[0-9]{1,3}\.){3}[0-9]{1,3}\/16/, "a /16, as 10.0.0.0/16")
    cluster.endpointAccessCidrs = members["endpointAccessCidrs"]?.items.compactMap(\.text) ?? []
    cluster.administratorArn = members["administratorArn"]?.text(like: /arn:[^:]+:iam::.+/, "a role's or user's ARN")
    cluster.secretsKeyArn = members["secretsKeyArn"]?.text(like: /arn:[^:]+:kms:.+/, "a KMS key's ARN")
    cluster.kedaRoleName = members["kedaRoleName"]?.text
    cluster.nodeRoleName = members["nodeRoleName"]?.text
    cluster.oidcProvider = members["oidcProvider"]?.text
    if let addons = members["addons"] { cluster.addons = addons.members(Self.addons).compactMapValues(\.truth) }
    if !cluster.create, cluster.name == nil { node.note("has create: false and no name: which cluster is it?") }
    return cluster
  }

  private func api(_ node: ConfigurationNode) -> DeploymentConfiguration.API {
    let members = node.members(["stageName", "throttle", "dailyQuota", "accessLogs"])
    let throttle = members["throttle"]?.members(["rateLimit", "burstLimit"]) ?? [:]
    return .init(
      stageName: members["stageName"]?.text(like: /[A-Za-z0-9_]{1,128}/, "letters, digits and _"),
      rateLimit: throttle["rateLimit"]?.count(1...Int.max), burstLimit: throttle["burstLimit"]?.count(1...Int.max),
      dailyQuota: members["dailyQuota"]?.count(0...Int.max), accessLogs: members["accessLogs"]?.truth)
  }

  private func pipeline(_ node: ConfigurationNode) -> DeploymentConfiguration.Pipeline {
    let members = node.members([
      "outputBucketName", "outputDays", "recordDays", "modelBucketName", "kmsKeyArn", "tracing", "otlpEndpoint",
      "logDays", "alarmEmail",
      "alarmTopicArn", "oldestTaskSeconds", "gateway",
    ])
    let gateway = members["gateway"]?.members(["memory", "concurrency", "architecture"]) ?? [:]
    var pipeline = DeploymentConfiguration.Pipeline()
    pipeline.outputBucketName = members["outputBucketName"]?.text
    pipeline.outputDays = members["outputDays"]?.count(0...Int.max)
    pipeline.recordDays = members["recordDays"]?.count(21...Int.max)
    pipeline.modelBucketName = members["modelBucketName"]?.text
    pipeline.kmsKeyArn = members["kmsKeyArn"]?.text(like: /arn:[^:]+:kms:.+/, "a KMS key's ARN")
    pipeline.tracing = members["tracing"]?.choice(DeploymentConfiguration.Tracing.self)
    pipeline.otlpEndpoint = members["otlpEndpoint"]?.text(like: /https?:\/\/.+/, "an http or https URL")
    if let days = pipeline.outputDays, (1...20).contains(days) {
      members["outputDays"]?.note(
        "must be 0, or 21 and more: records go with the images, and outlive the queues' messages")
    }
    if (pipeline.tracing == .otlp) != (pipeline.otlpEndpoint != nil) {
      (members["otlpEndpoint"] ?? members["tracing"])?.note("tracing: otlp and otlpEndpoint go together")
    }
    pipeline.logDays = members["logDays"]?.count(1...Int.max)
    pipeline.alarmEmail = members["alarmEmail"]?.text
    pipeline.alarmTopicArn = members["alarmTopicArn"]?.text(like: /arn:[^:]+:sns:.+/, "a topic's ARN")
    pipeline.oldestTaskSeconds = members["oldestTaskSeconds"]?.count(60...Int.max)
    pipeline.gatewayMemory = gateway["memory"]?.count(128...10_240)
    pipeline.gatewayConcurrency = gateway["concurrency"]?.count(0...Int.max)
    pipeline.gatewayArchitecture = gateway["architecture"]?.choice(DeploymentConfiguration.Architecture.self)
    return pipeline
  }

  private func efs(_ node: ConfigurationNode) -> DeploymentConfiguration.EFS? {
    let members = node.members(["enabled", "schedule", "prefix"])
    let efs = DeploymentConfiguration.EFS(schedule: members["schedule"]?.text, prefix: members["prefix"]?.text)
    return members["enabled"]?.truth == true ? efs : nil
  }

  private func ebsThroughput(_ node: ConfigurationNode) -> DeploymentConfiguration.EBSThroughput? {
    let members = node.members(["enabled", "seconds", "throughput", "iops"])
    let tuner = DeploymentConfiguration.EBSThroughput(
      seconds: members["seconds"]?.count(60...3600), throughput: members["throughput"]?.count(125...1000),
      iops: members["iops"]?.count(3000...16_000))
    return members["enabled"]?.truth == true ? tuner : nil
  }

  // MARK: Runtimes

  private func readRuntimes(_ members: [String: ConfigurationNode], into configuration: inout DeploymentConfiguration) {
    let isFirst = members["dynamicModelRuntime"] != nil
    let hasOurs = !Set(members.keys).isDisjoint(with: ["cluster", "pipeline", "efs", "ebsThroughput"])
    let isSecond = !hasOurs && (members["clusterComponents"] != nil || members["APIGW"] != nil)
    let routing: DeploymentConfiguration.Routing = isFirst ? .reference : isSecond ? .successor : .attributes
    guard let list = members["modelsRuntime"] else { return root.note("has no modelsRuntime") }
    let items = list.items
    if items.isEmpty { list.note("must name one runtime at least") }
    configuration.runtimes = items.compactMap { runtime($0, routing: routing, remarks: &configuration.remarks) }
    guard let node = members["dynamicModelRuntime"] else { return }
    let keys = node.members(["enabled", "namespace", "chartRepository", "chartVersion", "extraValues"])
    guard keys["enabled"]?.truth == true else { return }
    var dynamic = DeploymentConfiguration.Runtime(name: "dynamicsdruntime", engine: .sdwebui, routing: .reference)
    dynamic.namespace = keys["namespace"]?.text?.lowercased() ?? "default"
    dynamic.dynamicModel = true
    dynamic.extraValues = keys["extraValues"].map(values) ?? [:]
    configuration.runtimes.append(dynamic)
  }

  private func runtime(
    _ node: ConfigurationNode, routing: DeploymentConfiguration.Routing, remarks: inout [String]
  ) -> DeploymentConfiguration.Runtime? {
    let members = node.members([
      "name", "namespace", "type", "modelFilename", "dynamicModel", "routing", "priority", "inputBucketArns",
      "chartRepository", "chartVersion", "extraValues",
    ])
    for key in ["name", "type"] where members[key] == nil { node.note("has no \(key)") }
    let named = members["name"]?.text(
      like: /[A-Za-z0-9](?:[A-Za-z0-9-]{0,38}[A-Za-z0-9])?/, "letters, digits and - between them, up to 40")
    let typed = members["type"]?.choice(DeploymentConfiguration.Engine.self)
    guard let name = named, let engine = typed else { return nil }
    var runtime = DeploymentConfiguration.Runtime(
      name: name.lowercased(), engine: engine,
      routing: members["routing"]?.choice(DeploymentConfiguration.Routing.self) ?? routing)
    runtime.namespace =
      members["namespace"]?.text(
        like: /[A-Za-z0-9](?:[-A-Za-z0-9]{0,61}[A-Za-z0-9])?/, "letters, digits and - between them, up to 63")?
      .lowercased() ?? "default"
    runtime.modelFilename = members["modelFilename"]?.text
    runtime.dynamicModel = members["dynamicModel"]?.truth ?? false
    runtime.priority = members["priority"]?.truth ?? false
    runtime.inputBucketArns =
      members["inputBucketArns"]?.items.compactMap { $0.text(like: /arn:[^:]+:s3:::.+/, "an ARN of objects") } ?? []
    runtime.extraValues = members["extraValues"].map(values) ?? [:]
    readChart(members, of: &runtime, remarks: &remarks)
    if runtime.priority, runtime.routing != .attributes { node.note("has priority, which needs routing: attributes") }
    return runtime
  }

  /// The charts of the systems before cannot run our agents: ours takes their place.
  private func readChart(
    _ members: [String: ConfigurationNode], of runtime: inout DeploymentConfiguration.Runtime, remarks: inout [String]
  ) {
    guard let repository = members["chartRepository"]?.text else { return }
    if repository.hasSuffix("/stable-diffusion") || repository.hasPrefix("/") || repository.hasPrefix(".") {
      runtime.chartRepository = repository
      runtime.chartVersion = members["chartVersion"]?.text
    } else {
      remarks.append("\(runtime.name): the chart \(repository) is another system's; ours is used instead")
    }
  }

  private func values(_ node: ConfigurationNode) -> JSONObject {
    if case .object(let object) = node.json { return object }
    if case .null = node.json { return [:] }
    node.note("must be a mapping")
    return [:]
  }

  // MARK: The whole

  private func check(_ configuration: DeploymentConfiguration) {
    var seen: Set<String> = ["cluster", "efs", "ebs-throughput"]
    for runtime in configuration.runtimes where !seen.insert(runtime.name).inserted {
      root.note("has two stacks \(configuration.stackName)-\(runtime.name): rename the runtime \(runtime.name)")
    }
    if configuration.efs != nil, configuration.modelBucketArn == nil, configuration.pipeline.modelBucketName == nil {
      root.note("has efs and no modelBucketArn to copy models from")
    }
    if configuration.runtimes.filter({ $0.dynamicModel && $0.routing == .attributes }).count > 1 {
      root.note("has several runtimes with dynamicModel: tasks that name only a model would go to all of them")
    }
  }
}
