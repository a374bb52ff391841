import Foundation
import SDCore
import Testing
import Yams

@testable import Deployment

@Suite("A deployment's plan")
struct PlanTests {
  @Test("of the example has its stacks in order, what only a stack can tell left to it")
  func example() throws {
    let plan = try Samples.plan(Samples.example)
    #expect(plan.stacks.map(\.name) == ["sd-cluster", "sd", "sd-sdxl", "sd-comfy"])
    #expect(plan.cluster?.parameters["SystemAmiType"] == .text("BOTTLEROCKET_ARM_64"))
    #expect(
      plan.pipeline.parameters["GatewayImage"]
        == .text("123456789012.dkr.ecr.us-west-2.amazonaws.com/sd/sd-gateway:0.1.0"))
    let runtime = plan.runtimes[0].parameters
    #expect(runtime["InputTopicArn"] == .output(stack: "sd", name: "InputTopicArn"))
    #expect(runtime["ServiceAccountName"] == .text("sdxl-stable-diffusion"))
    #expect(runtime["AlarmTopicArn"] == .output(stack: "sd", name: "AlarmTopicArn"))
    #expect(plan.releases.map(\.name) == ["keda", "karpenter", "aws-load-balancer-controller", "sdxl", "comfy"])
  }

  @Test(
    "gives every template only parameters that it has, and those that it must have",
    arguments: [
      Samples.example, Samples.before("reference"), Samples.before("successor"),
    ])
  func parameters(path: String) throws {
    let plan = try Samples.plan(path)
    for stack in plan.stacks {
      let text = try Samples.assets().template(stack.template)
      let node = try #require(try compose(yaml: text)?["Parameters"]?.mapping)
      let known = Set(node.compactMap { $0.key.string })
      let required = Set(node.filter { $0.value["Default"] == nil }.compactMap { $0.key.string })
      #expect(Set(stack.parameters.keys).isSubset(of: known), "\(stack.name)")
      #expect(required.isSubset(of: stack.parameters.keys), "\(stack.name)")
    }
  }

  @Test("has the gateway's spans sent where they are to go")
  func traces() throws {
    let text = Samples.minimal("region: us-west-2\npipeline: {tracing: otlp, otlpEndpoint: 'https://c.example:4318'}\n")
    let configuration = try DeploymentConfiguration(yaml: text, path: "c")
    let plan = try DeploymentPlan(
      configuration, region: "us-west-2", assets: Samples.assets(), version: "0.1.0")
    #expect(plan.pipeline.parameters["Tracing"] == .text("otlp"))
    #expect(plan.pipeline.parameters["OtlpEndpoint"] == .text("https://c.example:4318"))
  }

  @Test("names only outputs that the templates have")
  func outputs() throws {
    let plan = try Samples.plan(Samples.example)
    let templates = Dictionary(uniqueKeysWithValues: plan.stacks.map { ($0.name, $0.template) })
    for case .output(let stack, let name) in plan.stacks.flatMap(\.parameters.values) {
      let text = try Samples.assets().template(try #require(templates[stack]))
      #expect(try compose(yaml: text)?["Outputs"]?[name] != nil, "\(stack).\(name)")
    }
  }

  @Test("fills values with what the stacks tell, and lets the configuration's go before")
  func values() throws {
    let plan = try Samples.plan(Samples.example)
    let outputs = [
      "sd-cluster": ["ClusterName": "sd-cluster-X", "NodeRoleName": "nodes"],
      "sd": ["OutputBucketName": "out", "OutputTopicArn": "arn:aws:sns:us-west-2:1:out"],
      "sd-sdxl": ["QueueUrl": "https://sqs.us-west-2.amazonaws.com/1/sd-sdxl"],
    ]
    let values = JSONValue.object(try #require(plan.releases.first { $0.name == "sdxl" }).values(outputs))
    #expect(values["queue"]?["url"] == "https://sqs.us-west-2.amazonaws.com/1/sd-sdxl")
    #expect(values["store"]?["uri"] == "s3://out")
    #expect(values["models"]?["s3"]?["bucket"] == "sd-models")
    #expect(values["models"]?["source"] == "s3")
    #expect(values["karpenter"]?["nodeClass"] == ["role": "nodes", "soci": true])
    #expect(values["engine"]?["image"]?["repository"] == "engine-forge")
    let comfy = JSONValue.object(try #require(plan.releases.last).values(outputs))
    #expect(comfy["agent"]?["image"]?["repository"] == "sd-job")
    #expect(comfy["engine"]?["kind"] == "comfyui")
    let keda = JSONValue.object(try #require(plan.releases.first).values(outputs))
    #expect(keda["clusterName"] == "sd-cluster-X")
  }

  @Test("leaves a foreign engine's image to its configuration")
  func foreignEngine() throws {
    let plan = try Samples.plan(Samples.before("reference"))
    let values = JSONValue.object(try #require(plan.releases.last).values([:]))
    #expect(values["sdWebuiInferenceApi"]?["queueAgent"]?["image"]?["tag"] == "latest")
    #expect(values["queue"]?["url"] == "${eksSd-sdruntime-snapshot.QueueUrl}")
  }

  @Test("gives a dynamic runtime the models that others have")
  func dynamic() throws {
    let text = """
      stackName: sd
      images: {registry: r/sd}
      cluster: {create: false, name: mine, kedaRoleName: keda}
      modelsRuntime:
        - {name: a, type: sdwebui, modelFilename: a.safetensors}
        - {name: b, type: sdwebui, modelFilename: b.safetensors}
        - {name: any, type: sdwebui, dynamicModel: true}
      """
    let plan = try DeploymentPlan(
      DeploymentConfiguration(yaml: text, path: "c"), region: "us-west-2", assets: Samples.assets(), version: "1")
    #expect(plan.runtimes[2].parameters["StaticModels"] == .text("a.safetensors,b.safetensors"))
    #expect(plan.cluster == nil)
    #expect(plan.runtimes[0].parameters["ClusterName"] == .text("mine"))
    #expect(plan.releases.map(\.name) == ["a", "b", "any"])
  }

  @Test("gives a runtime's pods its urgent queue, and no other runtime's")
  func urgentQueue() throws {
    let text = """
      stackName: sd
      images: {registry: r/sd}
      cluster: {create: false, name: mine, kedaRoleName: keda}
      modelsRuntime:
        - {name: a, type: comfyui, priority: true}
        - {name: b, type: comfyui}
      """
    let plan = try DeploymentPlan(
      DeploymentConfiguration(yaml: text, path: "c"), region: "us-west-2", assets: Samples.assets(), version: "1")
    #expect(plan.runtimes.map { $0.parameters["Priority"] } == [.text("true"), nil])
    let url = "https://sqs.us-west-2.amazonaws.com/1/sd-a-priority"
    let values = plan.releases.map { JSONValue.object($0.values(["sd-a": ["PriorityQueueUrl": url]])) }
    #expect(values[0]["queue"]?["priorityUrl"]?.string == url)
    #expect(values[1]["queue"]?["priorityUrl"] == nil)
  }

  @Test("says how to get images where no registry is named")
  func noRegistry() {
    let text = "stackName: sd\nmodelsRuntime: [{name: a, type: sdwebui}]\n"
    let error = #expect(throws: SDError.self) {
      try DeploymentPlan(
        DeploymentConfiguration(yaml: text, path: "c"), region: "us-west-2", assets: Samples.assets(), version: "1")
    }
    #expect(error?.message.contains("make images push REGISTRY=") == true)
  }

  @Test("can be written to a folder, for people to look at")
  func dryRun() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("deployment-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let plan = try Samples.plan(Samples.example)
    let paths = try DryRun(plan, assets: Samples.assets()).write(to: folder)
    #expect(paths.count == plan.stacks.count * 2 + plan.releases.count)
    for path in paths { #expect(FileManager.default.fileExists(atPath: path)) }
    let text = try String(contentsOfFile: "\(folder)/releases/sdxl/values.yaml", encoding: .utf8)
    let values = try #require(try compose(yaml: text))
    #expect(values["queue"]?["url"]?.string == "${sd-sdxl.QueueUrl}")
    #expect(values["scaling"]?["queueLength"]?.int == 10)
    #expect(values["models"]?["pull"]?["image"]?["tag"]?.string == "0.1.0")
    #expect(values["models"]?["pull"]?["image"]?["tag"]?.tag == Tag(.str))
  }
}
