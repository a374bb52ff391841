import AWSKit
import ArgumentParser
import Deployment
import SDCore

/// `sdctl deploy status`.
struct DeployStatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show how stacks and releases stand.",
    discussion: """
      Examples:

        sdctl deploy status --config config.yaml
        sdctl deploy status --config config.yaml --stacks-only --output json

      Exit status: 0 all of it is there and well; 1 something is not.
      """)

  @OptionGroup(title: "What") var what: DeployOptions
  @OptionGroup(title: "Account") var aws: AWSOptions
  @OptionGroup(title: "Cluster") var cluster: DeployClusterOptions
  @Flag(help: "Leave the releases out.") var stacksOnly = false
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await CommandExit.reporting {
      let deployer = try await DeployTarget(what, aws).deployer(cluster)
      let stacks = try await deployer.stacks()
      let releases = stacksOnly ? [] : try await deployer.releases()
      output.show(["stacks": .array(stacks.map(\.json)), "releases": .array(releases.map(\.json))]) {
        var table = Table(["STACK", "STATUS", "CHANGED"])
        for stack in stacks {
          table.add([stack.name, stack.status ?? "not there", stack.updatedAt?.description ?? "-"])
        }
        Terminal.print(table.text)
        if !releases.isEmpty {
          var table = Table(["RELEASE", "NAMESPACE", "STATUS", "CHART"])
          for release in releases {
            table.add([
              release.name, release.namespace ?? "", release.status ?? "not there", release.details["chart"] ?? "-",
            ])
          }
          Terminal.print("\n" + table.text)
        }
      }
      guard (stacks + releases).allSatisfy(\.isWell) else { throw ExitCode(1) }
    }
  }
}

/// `sdctl deploy diff`.
struct DeployDiffCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Show what deploying would change, and change nothing.",
    discussion: """
      Change sets are made, shown and deleted again; values of releases are compared with those that they have.

      Example:

        sdctl deploy diff --config config.yaml

      Exit status: 0 nothing would change; 1 something would.
      """)

  @OptionGroup(title: "What") var what: DeployOptions
  @OptionGroup(title: "Account") var aws: AWSOptions
  @OptionGroup(title: "Cluster") var cluster: DeployClusterOptions
  @Flag(help: "Leave the releases out.") var stacksOnly = false
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await CommandExit.reporting {
      let target = try await DeployTarget(what, aws, deploys: true)
      let deployer = try target.deployer(cluster) { if case .notice(let text) = $0 { Terminal.note(text) } }
      let changes = try await Interruption.guarding("Interrupted.") {
        let changes = try await deployer.prepare()
        await deployer.discard(changes)
        return changes
      }
      let releases = stacksOnly ? [] : try await deployer.differences()
      output.show([
        "stacks": .array(changes.map(\.json)),
        "releases": .array(
          releases.map { release, values in
            ["name": .string(release.name), "new": .bool(values == nil), "values": .array((values ?? []).map(\.json))]
          }),
      ]) {
        Terminal.print(changes.flatMap { DeployText.lines(of: $0) }.map(Terminal.plain).joined(separator: "\n"))
        for (release, values) in releases {
          let words = values.map { $0.isEmpty ? "as it is to be" : "has other values" } ?? "to be installed"
          Terminal.print("  \(release.name)  \(words)")
          for difference in values ?? [] { Terminal.print(Terminal.plain(DeployText.line(of: difference))) }
        }
      }
      let isSame = changes.allSatisfy { $0.action == .keep } && releases.allSatisfy { $0.values?.isEmpty == true }
      guard isSame else { throw ExitCode(1) }
    }
  }
}

/// `sdctl deploy destroy`.
struct DeployDestroyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "destroy", abstract: "Remove releases and stacks. Buckets stay, with what is in them.",
    discussion: """
      Releases go first, so that Karpenter removes its nodes while it is still there; then the stacks, the last first. \
      Tasks that still wait are lost with their queues.

      Examples:

        sdctl deploy destroy --config config.yaml
        sdctl deploy destroy --config config.yaml --stacks-only   where the cluster is gone already

      Exit status: 0 all of it is gone; 1 something stays; 4 you said no.
      """)

  @OptionGroup(title: "What") var what: DeployOptions
  @OptionGroup(title: "Account") var aws: AWSOptions
  @OptionGroup(title: "Cluster") var cluster: DeployClusterOptions
  @Flag(help: "Leave the releases: the cluster is gone, or somebody else's.") var stacksOnly = false
  @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await CommandExit.reporting {
      let target = try await DeployTarget(what, aws)
      let display = DeployDisplay()
      let deployer = try target.deployer(cluster) { display.show($0) }
      let there = try await deployer.stacks().filter { $0.status != nil }
      guard !there.isEmpty else {
        display.end()
        output.show(["removed": []]) {}
        return Terminal.note("None of the stacks of \(what.config) is in \(target.region).")
      }
      let releases = stacksOnly ? "" : "releases \(target.plan.releases.map(\.name).joined(separator: ", ")) and "
      try Terminal.confirm(
        "Remove \(releases)stacks \(there.map(\.name).joined(separator: ", ")) from \(target.region)?", unless: yes)
      try await Interruption.guarding("Interrupted: CloudFormation goes on with what it has begun.") {
        defer { display.end() }
        try await deployer.destroy(stacksOnly: stacksOnly)
      }
      let buckets = there.compactMap { $0.details["OutputBucketName"] }
      output.show(["removed": .strings(there.map(\.name)), "buckets": .strings(buckets)]) {}
      for bucket in buckets {
        Terminal.note("The bucket \(bucket) stays, with its pictures. Without them: aws s3 rb --force s3://\(bucket)")
      }
    }
  }
}

/// `sdctl deploy token`, which a kubeconfig names.
struct DeployTokenCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token", abstract: "Print a token for a cluster's API, as kubectl and helm ask for it.",
    shouldDisplay: false)

  @Argument(help: "The cluster's name.") var cluster: String
  @OptionGroup var aws: AWSOptions

  func run() async throws {
    try await CommandExit.reporting {
      let client = try await aws.client()
      let token = try await EKS(client).token(cluster: cluster)
      // EKS takes it for a quarter of an hour.
      let end = Timestamp(client.time.now()) + .seconds(14 * 60)
      Terminal.print(ClusterAccess.credential(token: token, expiresAt: end).text)
    }
  }
}

extension Deployer.Standing {
  /// Whether it is there and nothing is the matter with it.
  fileprivate var isWell: Bool {
    guard let status else { return false }
    return status == "deployed" || status.hasSuffix("_COMPLETE") && !status.contains("ROLLBACK")
      || status == "UPDATE_ROLLBACK_COMPLETE"
  }

  /// As programs read it.
  fileprivate var json: JSONValue {
    var json: JSONValue = ["name": .string(name), "details": DeployText.json(details)]
    json["status"] = status.map(JSONValue.string)
    json["namespace"] = namespace.map(JSONValue.string)
    json["updated_at"] = updatedAt.map { .string($0.description) }
    return json
  }
}

extension ValueDifference {
  /// As programs read it.
  fileprivate var json: JSONValue {
    ["path": .string(path), "before": before ?? .null, "after": after ?? .null]
  }
}
