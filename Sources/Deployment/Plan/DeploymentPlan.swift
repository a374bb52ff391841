public import SDCore

/// What a configuration means: stacks in their order, with parameters, and releases with values.
///
/// Nothing here asks AWS for anything: what only a stack can tell stands as a reference to its output.
public struct DeploymentPlan: Sendable {
  /// A parameter or value that may not be known before a stack stands.
  public enum Value: Sendable, Hashable {
    case text(String)
    /// The output of a stack.
    case output(stack: String, name: String)

    /// The text, a reference being looked up; `nil` where the stack has no such output.
    public func resolved(_ outputs: [String: [String: String]]) -> String? {
      switch self {
      case .text(let text): text
      case .output(let stack, let name): outputs[stack]?[name]
      }
    }

    /// The text for people, a reference as `${STACK.Output}`.
    public var shown: String {
      switch self {
      case .text(let text): text
      case .output(let stack, let name): "${\(stack).\(name)}"
      }
    }
  }

  /// A stack to create or change.
  public struct Stack: Sendable, Hashable {
    public var name: String
    /// The template's file name in `infra/`.
    public var template: String
    /// By name; those that are left out have the template's defaults.
    public var parameters: [String: Value]
  }

  /// A Helm release.
  public struct Release: Sendable {
    public var name: String
    public var namespace: String
    /// A folder, or an `oci://` address.
    public var chart: String
    public var version: String?
    /// The repository of a chart that is named by a word.
    public var repository: String?
    /// Whether what comes after needs its pods.
    public var isNeededByOthers = false
    /// The values, what only a stack can tell being left to `outputs`.
    public var values: @Sendable (_ outputs: [String: [String: String]]) -> JSONObject
  }

  /// What it was made of.
  public let configuration: DeploymentConfiguration
  /// Where our images are.
  let images: ImageNames
  /// Which of them are needed.
  let neededImages: [String]

  /// The stack of the cluster, where one is made.
  public var cluster: Stack?
  /// The stack of topics, buckets and gateway.
  public var pipeline: Stack
  /// The optional stacks.
  public var extras: [Stack]
  /// One a runtime, in the order of the configuration.
  public var runtimes: [Stack]
  /// Those of the cluster's own charts, then one a runtime.
  public var releases: [Release]

  /// Every stack in the order in which they are made.
  public var stacks: [Stack] { [cluster].compactMap(\.self) + [pipeline] + extras + runtimes }
}

extension DeploymentPlan {
  /// What a configuration means in a region.
  ///
  /// - Parameters:
  ///   - assets: templates and charts.
  ///   - version: the tag of images for which none is configured.
  public init(_ configuration: DeploymentConfiguration, region: String, assets: DeploymentAssets, version: String)
    throws(SDError)
  {
    let names = StackNames(configuration)
    let images = try ImageNames(configuration.images, version: version)
    self.configuration = configuration
    self.images = images
    neededImages = ImageList(configuration).names
    let planner = StackPlanner(configuration: configuration, names: names, images: images)
    cluster = configuration.cluster.create ? planner.cluster : nil
    pipeline = planner.pipeline
    extras = planner.extras
    runtimes = configuration.runtimes.map(planner.runtime)
    let charts = try ClusterCharts(contentsOf: assets.charts)
    let values = ReleasePlanner(configuration: configuration, names: names, images: images, region: region)
    releases =
      (configuration.cluster.create ? charts.releases(values) : [])
      + configuration.runtimes.map { values.release($0, chart: assets.chart) }
  }
}

/// What the stacks are called.
struct StackNames: Sendable {
  let pipeline: String
  let cluster: String
  let efs: String
  let ebsThroughput: String

  init(_ configuration: DeploymentConfiguration) {
    pipeline = configuration.stackName
    cluster = "\(pipeline)-cluster"
    efs = "\(pipeline)-efs"
    ebsThroughput = "\(pipeline)-ebs-throughput"
  }

  func runtime(_ name: String) -> String { "\(pipeline)-\(name)" }
}
