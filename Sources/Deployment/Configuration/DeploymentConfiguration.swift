public import SDCore

/// What is to be deployed: `config.yaml`, whose keys `infra/config.schema.json` describes.
///
/// Files of the two systems before are read as they are.
public struct DeploymentConfiguration: Sendable {
  /// The EKS cluster.
  public struct Cluster: Sendable {
    public var create = true
    public var name: String?
    public var kubernetesVersion: String?
    public var zones: Int?
    public var vpcCidr: String?
    public var endpointAccessCidrs: [String] = []
    public var administratorArn: String?
    public var secretsKeyArn: String?
    public var kedaRoleName: String?
    public var nodeRoleName: String?
    public var oidcProvider: String?
    /// Add-ons by their keys; those that are not there have the templates' defaults.
    public var addons: [String: Bool] = [:]
    public var instanceType: String?
    public var desiredCount: Int?
  }

  /// Our images.
  public struct Images: Sendable {
    public var registry: String?
    public var tag: String?
    /// The path of the file with digests.
    public var digests: String?
  }

  /// The HTTP API.
  public struct API: Sendable {
    public var stageName: String?
    public var rateLimit: Int?
    public var burstLimit: Int?
    public var dailyQuota: Int?
    public var accessLogs: Bool?
  }

  /// Topics, buckets, gateway.
  public struct Pipeline: Sendable {
    public var outputBucketName: String?
    public var outputDays: Int?
    public var recordDays: Int?
    public var modelBucketName: String?
    public var kmsKeyArn: String?
    public var tracing: Tracing?
    /// Where they go with `otlp`.
    public var otlpEndpoint: String?
    public var logDays: Int?
    public var alarmEmail: String?
    public var alarmTopicArn: String?
    public var oldestTaskSeconds: Int?
    public var gatewayMemory: Int?
    public var gatewayConcurrency: Int?
    public var gatewayArchitecture: Architecture?
  }

  /// Where the gateway's spans go.
  public enum Tracing: String, CaseIterable, Sendable { case xray, otlp, none }
  /// What a function's image is built for.
  public enum Architecture: String, CaseIterable, Sendable {
    case x86 = "x86_64"
    case arm = "arm64"
  }

  /// Models on a shared file system.
  public struct EFS: Sendable {
    public var schedule: String?
    public var prefix: String?
  }

  /// High throughput of the nodes' volumes for their start only.
  public struct EBSThroughput: Sendable {
    public var seconds: Int?
    public var throughput: Int?
    public var iops: Int?
  }

  /// Which tasks a queue subscribes to; see `infra/runtime.yaml`.
  public typealias Routing = RuntimeDescription.Routing

  /// An engine's API, as configuration files name it.
  public enum Engine: String, CaseIterable, Sendable {
    case sdwebui, comfyui, openai

    /// As agents and chart name it.
    public var kind: String { self == .sdwebui ? "webui" : rawValue }
  }

  /// One model, its queue, its pods.
  public struct Runtime: Sendable {
    /// What tasks call it, in lower case; also its release's name.
    public var name: String
    public var namespace = "default"
    public var engine: Engine
    public var modelFilename: String?
    public var dynamicModel = false
    public var routing: Routing
    public var priority = false
    public var inputBucketArns: [String] = []
    /// A chart in place of the one beside `sdctl`.
    public var chartRepository: String?
    public var chartVersion: String?
    /// Values of the chart, which go before the generated ones.
    public var extraValues: JSONObject = [:]
  }

  /// Name of the pipeline's stack; the others' names begin with it.
  public var stackName: String
  public var region: String?
  public var modelBucketArn: String?
  public var images = Images()
  public var cluster = Cluster()
  public var api = API()
  public var pipeline = Pipeline()
  /// `nil` where it is not wanted.
  public var efs: EFS?
  /// `nil` where it is not wanted.
  public var ebsThroughput: EBSThroughput?
  /// The runtimes, the dynamic one of the first system at the end.
  public var runtimes: [Runtime]
  /// What was read and has no effect any more, in words for people.
  public var remarks: [String] = []
}
