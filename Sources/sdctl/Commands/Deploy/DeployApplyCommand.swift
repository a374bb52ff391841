import ArgumentParser
import Deployment
import SDCore

/// `sdctl deploy apply`, which is what `sdctl deploy` means.
struct DeployApplyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "Show the changes, ask, make them.",
    discussion: """
      Change sets are made and shown; nothing is changed before you agree. Stacks that do not wait for each other are \
      made at once, with their events as they come. Then Helm installs the releases, with values made of the stacks' \
      outputs and of extraValues.

      Examples:

        sdctl deploy --config config.yaml
        sdctl deploy --config config.yaml --dry-run out/
        sdctl deploy --config config.yaml --yes --output json
        sdctl deploy --config config.yaml --stacks-only

      Ctrl-C stops the looking on; what CloudFormation has begun it goes on with, and the next run takes it up.

      Exit status: 0 everything is as configured; 1 a stack or release failed, or an image is missing; 2 used wrongly or \
      config.yaml cannot be deployed; 3 AWS cannot be reached; 4 AWS refused, or you did; 130 interrupted.
      """)

  @OptionGroup(title: "What") var what: DeployOptions
  @OptionGroup(title: "Account") var aws: AWSOptions
  @OptionGroup(title: "Cluster") var cluster: DeployClusterOptions
  @Option(
    help: ArgumentHelp(
      "Write templates, parameters and values into this folder, and do nothing else.", valueName: "dir"),
    completion: .directory)
  var dryRun: String?
  @Flag(help: "Deploy no charts: somebody else does, or the cluster cannot be reached from here.") var stacksOnly =
    false
  @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await CommandExit.reporting {
      if let dryRun { return try write(to: dryRun) }
      let target = try await DeployTarget(what, aws, deploys: true)
      for remark in target.remarks { Terminal.note(remark) }
      let display = DeployDisplay()
      let deployer = try target.deployer(cluster) { display.show($0) }
      let outputs = try await Interruption.guarding(
        "Interrupted: CloudFormation goes on with what it has begun; the next run takes it up."
      ) {
        defer { display.end() }
        try await deployer.check(stacksOnly: stacksOnly)
        let changes = try await deployer.prepare()
        Terminal.note(DeployText.plan(changes, stacksOnly ? [] : target.plan.releases, region: target.region))
        try await agree(changes, deployer)
        let outputs = try await deployer.apply(changes) { change in
          Terminal.note(DeployText.lines(of: change).joined(separator: "\n"))
          try Terminal.confirm("Stack \(change.stack.name) loses these. Go on?", unless: yes)
        }
        if !stacksOnly { try await deployer.install(outputs) }
        return outputs
      }
      conclude(outputs, target)
    }
  }

  private func agree(_ changes: [StackChange], _ deployer: Deployer) async throws {
    do { try Terminal.confirm("Deploy this?", unless: yes) } catch {
      await deployer.discard(changes)
      throw error
    }
  }

  private func conclude(_ outputs: [String: [String: String]], _ target: DeployTarget) {
    let pipeline = outputs[target.plan.pipeline.name] ?? [:]
    output.show(.object(JSONObject(outputs.sorted { $0.key < $1.key }.map { ($0.key, DeployText.json($0.value)) }))) {
      var lines = ["FrontApiEndpoint", "GetAPIKeyCommand", "OutputS3Bucket"].compactMap { name in
        pipeline[name].map { (name: name, value: $0) }
      }
      if let command = target.plan.cluster.flatMap({ outputs[$0.name]?["ConfigCommand"] }) {
        lines.append((name: "ConfigCommand", value: command))
      }
      Terminal.print(Columns(lines).text)
      Terminal.note("Next: sdctl smoke --config \(what.config)")
    }
  }

  /// Without an account: what only a stack can tell is named.
  private func write(to folder: String) throws {
    let (configuration, assets) = try what.read(deploys: false)
    for remark in configuration.remarks { Terminal.note(remark) }
    guard
      let region = aws.region ?? configuration.region ?? Environment["AWS_REGION"] ?? Environment["AWS_DEFAULT_REGION"]
    else { throw CommandFailure.usage("Which region? Say --region, or write region: into \(what.config).") }
    let plan = try DeploymentPlan(configuration, region: region, assets: assets, version: Main.configuration.version)
    let paths = try DryRun(plan, assets: assets).write(to: folder)
    output.show(["files": .strings(paths)]) { Terminal.print(paths.joined(separator: "\n")) }
  }
}
