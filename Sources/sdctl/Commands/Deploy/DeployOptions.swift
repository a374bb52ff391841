import AWSKit
import ArgumentParser
import Deployment
import FoundationEssentials
import SDCore
import SDRuntime

/// What is deployed, and by what.
struct DeployOptions: ParsableArguments {
  @Option(
    name: .shortAndLong, help: "The file that says what is deployed.",
    completion: .file(extensions: ["yaml", "yml"]))
  var config = "config.yaml"
  @Option(
    help: ArgumentHelp(
      "The folder with infra/ and charts/.",
      discussion: "Default: share/stable-diffusion beside the program's folder, or the checkout that it lies in.",
      valueName: "dir"),
    completion: .directory)
  var assets: String?
  @Option(
    help: ArgumentHelp(
      "Where our images are, before images.registry.",
      discussion: "What `make images push REGISTRY=...` was given; files of earlier systems have no such key."))
  var registry: String?

  /// What a name of a registry stands for where nothing names one, and nothing is deployed.
  private static let placeholder = "${images.registry}"

  /// - Parameter deploys: whether images are taken from the registry, so that it must be known.
  func read(deploys: Bool) throws -> (configuration: DeploymentConfiguration, assets: DeploymentAssets) {
    var configuration = try DeploymentConfiguration(contentsOf: config)
    if let registry {
      configuration.images.registry = registry.last == "/" ? String(registry.dropLast()) : registry
    } else if configuration.images.registry == nil, !deploys {
      configuration.images.registry = Self.placeholder
    }
    return (configuration, try assets.map(DeploymentAssets.init(root:)) ?? DeploymentAssets.find(from: Self.program))
  }

  /// The path of this program.
  static var program: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
  }
}

/// How the cluster is entered; `helm` 3 or 4 is taken from `PATH`.
struct DeployClusterOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A kubeconfig to use.",
      discussion: "Default: one that is made for the cluster; its tokens come from `sdctl deploy token`."),
    completion: .file())
  var kubeconfig: String?
}

/// A configuration in an account: what the commands work with.
struct DeployTarget {
  let plan: DeploymentPlan
  let client: AWSClient
  let assets: DeploymentAssets
  let region: String
  let remarks: [String]
  private let profile: String?

  /// - Parameter deploys: whether what the configuration says is to be made, or only looked at.
  init(_ options: DeployOptions, _ aws: AWSOptions, deploys: Bool = false) async throws {
    let (configuration, assets) = try options.read(deploys: deploys)
    var aws = aws
    aws.region = aws.region ?? configuration.region
    client = try await aws.client()
    (self.assets, profile, remarks) = (assets, aws.profile, configuration.remarks)
    region = client.configuration.region ?? ""
    plan = try DeploymentPlan(configuration, region: region, assets: assets, version: Program.version)
  }

  func deployer(
    _ cluster: DeployClusterOptions? = nil, report: @escaping @Sendable (DeploymentEvent) -> Void = { _ in }
  ) throws -> Deployer {
    var command = [DeployOptions.program, "deploy", "token", "--region", region]
    if let profile { command += ["--profile", profile] }
    var tools = Deployer.Tools(tokenCommand: command) { $0.yaml }
    tools.kubeconfig = cluster?.kubeconfig
    return try Deployer(plan, assets: assets, client: client, tools: tools, report: report)
  }
}
