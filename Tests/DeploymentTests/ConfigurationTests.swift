import SDCore
import Testing

@testable import Deployment

@Suite("A deployment's configuration")
struct ConfigurationTests {
  @Test("of the first system is read as it is")
  func first() throws {
    let configuration = try DeploymentConfiguration(contentsOf: Samples.before("reference"))
    #expect(configuration.stackName == "eksSd")
    let runtime = try #require(configuration.runtimes.first)
    #expect(configuration.runtimes.count == 1)
    #expect((runtime.name, runtime.namespace, runtime.engine) == ("sdruntime-snapshot", "sdruntime", .sdwebui))
    #expect(runtime.routing == .reference)
    #expect(runtime.chartRepository == nil)
    #expect(configuration.remarks.first?.contains("eks-keda-sd is another system's") == true)
    #expect(runtime.extraValues["sdWebuiInferenceApi"]?["scaling"]?["queueLength"] == 20)
  }

  @Test("of the second system is read as it is")
  func second() throws {
    let configuration = try DeploymentConfiguration(contentsOf: Samples.before("successor"))
    #expect(configuration.runtimes.map(\.routing) == [.successor])
    #expect(configuration.api.stageName == "dev")
    #expect((configuration.api.rateLimit, configuration.api.burstLimit) == (30, 50))
    #expect(configuration.cluster.instanceType == "m7g.large")
    #expect(configuration.remarks.isEmpty)
  }

  @Test("keeps the second system's routing when the registry of images is added")
  func migration() throws {
    let text = "APIGW: {stageName: dev}\nregion: us-west-2\n"
    #expect(try DeploymentConfiguration(yaml: Samples.minimal(text), path: "c").runtimes[0].routing == .successor)
    let ours = try DeploymentConfiguration(yaml: Samples.minimal(text + "pipeline: {outputDays: 30}\n"), path: "c")
    #expect(ours.runtimes[0].routing == .attributes)
  }

  @Test("of the first system has a runtime for all other models where that is enabled")
  func dynamic() throws {
    let text = Samples.minimal("dynamicModelRuntime: {enabled: true, namespace: Dynamic}\n")
    let runtime = try #require(try DeploymentConfiguration(yaml: text, path: "c").runtimes.last)
    #expect((runtime.name, runtime.namespace, runtime.dynamicModel) == ("dynamicsdruntime", "dynamic", true))
  }

  @Test("is refused with every problem at once, each with its line")
  func problems() throws {
    let text = """
      stackName: 1sd
      modelBucketArn: models
      modelRuntimes: []
      APIGW: {throttle: {rateLimit: "30"}}
      cluster: {create: false}
      pipeline: {tracing: otlp, outputDays: 7}
      modelsRuntime:
        - {name: efs, type: sdwebui}
        - {type: invokeai}
        - {name: a, type: comfyui, priority: true, routing: successor}
      """
    let error = #expect(throws: SDError.self) { try DeploymentConfiguration(yaml: text, path: "config.yaml") }
    let message = try #require(error?.message)
    for words in [
      "line 1: stackName", "line 2: modelBucketArn", "modelRuntimes is no key", "rateLimit must be a whole number",
      "cluster has create: false and no name", "tracing: otlp and otlpEndpoint go together",
      "outputDays must be 0, or 21", "two stacks -efs",
      "has no name", "one of sdwebui, comfyui, openai", "priority, which needs routing: attributes",
    ] {
      #expect(message.contains(words), "\(words) in \(message)")
    }
    #expect(error?.code == .configuration)
  }

  @Test(
    "is refused where it is no YAML, empty, or nests what has no end",
    arguments: ["a: [", "", "- a", "stackName: {a: b}"])
  func nonsense(text: String) {
    #expect(throws: SDError.self) { try DeploymentConfiguration(yaml: text, path: "c") }
  }
}
