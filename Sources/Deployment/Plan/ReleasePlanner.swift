import SDCore

/// Makes values of our chart from a configuration and the stacks' outputs.
struct ReleasePlanner: Sendable {
  let configuration: DeploymentConfiguration
  let names: StackNames
  let images: ImageNames
  let region: String

  func release(_ runtime: DeploymentConfiguration.Runtime, chart: String) -> DeploymentPlan.Release {
    .init(
      name: runtime.name, namespace: runtime.namespace, chart: runtime.chartRepository ?? chart,
      version: runtime.chartVersion, values: { outputs in values(of: runtime, outputs) })
  }

  /// Generated values below, those of the configuration above.
  private func values(of runtime: DeploymentConfiguration.Runtime, _ outputs: [String: [String: String]]) -> JSONObject
  {
    var values = ValuesBuilder(outputs: outputs)
    values["global.awsRegion"] = region
    values["global.stackName"] = names.pipeline
    values["global.runtime"] = runtime.name
    values["images.registry"] = images.registry
    for (path, image) in imagePaths(of: runtime) {
      values["\(path).repository"] = image
      for member in images.values(image).members { values.set("\(path).\(member.name)", member.value) }
    }
    let stack = names.runtime(runtime.name)
    values.set("queue.url", output: "QueueUrl", of: stack)
    if runtime.priority { values.set("queue.priorityUrl", output: "PriorityQueueUrl", of: stack) }
    values.set("store.uri", output: "OutputBucketName", of: names.pipeline, prefix: "s3://")
    values.set("events.topic", output: "OutputTopicArn", of: names.pipeline)
    values["engine.kind"] = runtime.engine.kind
    values["engine.model"] = runtime.modelFilename
    if runtime.dynamicModel { values.set("engine.dynamicModel", true) }
    if let arn = configuration.modelBucketArn {
      values["models.s3.bucket"] = arn.split(separator: ":").last.map(String.init)
    } else if let name = configuration.pipeline.modelBucketName {
      values["models.s3.bucket"] = name
    }
    if configuration.efs != nil {
      values.set("models.efs.fileSystemId", output: "FileSystemId", of: names.efs)
      values.set("models.efs.accessPointId", output: "AccessPointId", of: names.efs)
    }
    setNodes(&values)
    return values.object.overlaid(with: runtime.extraValues)
  }

  /// Nodes are bought for each runtime wherever we know the role that they take.
  private func setNodes(_ values: inout ValuesBuilder) {
    let cluster = configuration.cluster
    if cluster.create {
      values.set("karpenter.enabled", true)
      values.set("karpenter.clusterName", output: "ClusterName", of: names.cluster)
      values.set("karpenter.nodeClass.role", output: "NodeRoleName", of: names.cluster)
    } else if let role = cluster.nodeRoleName {
      values.set("karpenter.enabled", true)
      values["karpenter.clusterName"] = cluster.name
      values["karpenter.nodeClass.role"] = role
    }
  }

  /// Where in the values which of our images stands. An engine's image with a slash in its name is another's.
  private func imagePaths(of runtime: DeploymentConfiguration.Runtime) -> [(path: String, image: String)] {
    let isJob = runtime.extraValues["mode"]?.string == "job"
    var paths = [
      ("agent.image", isJob ? "sd-job" : "sd-agent"), ("models.pull.image", "sdctl"),
      ("networkPolicy.guard.image", "sd-guard"), ("gateway.image", "sd-gateway"),
    ]
    if let engine = runtime.engineImage { paths.append(("engine.image", engine)) }
    return paths
  }
}

/// Values by paths.
struct ValuesBuilder {
  let outputs: [String: [String: String]]
  private(set) var object: JSONObject = [:]

  init(outputs: [String: [String: String]]) { self.outputs = outputs }

  subscript(path: String) -> String? {
    get { nil }
    set { if let newValue { set(path, .string(newValue)) } }
  }

  mutating func set(_ path: String, _ value: JSONValue) {
    object = Self.setting(object, path.split(separator: ".").map(String.init)[...], value)
  }

  /// Sets the output of a stack, or, where it is not known, a text that names it.
  mutating func set(_ path: String, output: String, of stack: String, prefix: String = "") {
    let value = DeploymentPlan.Value.output(stack: stack, name: output)
    set(path, .string(prefix + (value.resolved(outputs) ?? value.shown)))
  }

  private static func setting(_ object: JSONObject, _ path: ArraySlice<String>, _ value: JSONValue) -> JSONObject {
    guard let name = path.first else { return object }
    var object = object
    if path.count == 1 {
      object[name] = value
    } else {
      var inner: JSONObject = [:]
      if case .object(let there)? = object[name] { inner = there }
      object[name] = .object(setting(inner, path.dropFirst(), value))
    }
    return object
  }
}

extension JSONObject {
  /// This object with another's members over it: mappings are merged, all else is replaced, as Helm does.
  func overlaid(with other: JSONObject) -> JSONObject {
    var result = self
    for member in other.members {
      if case .object(let below)? = result[member.name], case .object(let above) = member.value {
        result[member.name] = .object(below.overlaid(with: above))
      } else {
        result[member.name] = member.value
      }
    }
    return result
  }
}
