import ArgumentParser
import SDCore
import SDRuntime
import Snapshots

/// What the snapshot is to be like.
struct SnapshotOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What tells it from snapshots of another purpose, for --if-changed and --prune. (default: default)"))
  var name: String?
  @Option(
    name: [.customLong("arch"), .customShort("A")],
    help: "Processors: amd64, arm64, or both with a comma. (default: amd64)")
  var architectures: String?
  @Option(
    name: [.customLong("size"), .customLong("snapshot-size"), .customShort("s")],
    help: "GiB of the volume. (default: 50)")
  var size: Int?
  @Flag(name: .shortAndLong, help: "Encrypt it.") var encrypt = false
  @Option(
    name: [.customLong("kms-key"), .customLong("kms-id"), .customShort("k")],
    help: "Encrypt it with this KMS key: an id, an ARN, alias/NAME. (default: the account's key for EBS)")
  var kmsKey: String?
  @Option(
    name: .customLong("tag"), help: ArgumentHelp("A tag for it; may be given several times.", valueName: "key=value"))
  var tags: [String] = []
  @Option(
    help: ArgumentHelp(
      "Zones to hold it ready in (fast snapshot restore, which costs by the hour).", valueName: "zones"))
  var fastRestore: String?

  func apply(to request: inout SnapshotRequest) throws {
    if let name { request.name = name }
    if let architectures {
      request.architectures = try architectures.split(separator: ",").map { word in
        guard let architecture = Architecture(String(word)) else {
          throw CommandFailure.usage("--arch \(word) is neither amd64 nor arm64")
        }
        return architecture
      }
    }
    if let size { request.size = size }
    request.isEncrypted = encrypt
    request.kmsKeyID = kmsKey
    for tag in tags {
      let pair = tag.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard pair.count == 2, !pair[0].isEmpty else { throw CommandFailure.usage("--tag \(tag) is not KEY=VALUE") }
      request.tags[pair[0]] = pair[1]
    }
    request.fastRestoreZones = (fastRestore ?? "").split(separator: ",").map(String.init)
  }
}

/// What pulls.
struct SnapshotInstanceOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The machine image: an id, or the path of an SSM parameter. (default: \(SnapshotRequest.currentMachineImage))",
      valueName: "ami"))
  var ami: String?
  @Option(name: .shortAndLong, help: "Its type. (default: m5.large)") var instanceType: String?
  @Option(
    name: [.customLong("instance-role"), .customShort("R")],
    help:
      "An existing role for it, by name; it needs AmazonSSMManagedInstanceCore and, for ECR, leave to pull. (default: one for the run)"
  )
  var instanceRole: String?
  @Option(name: [.customLong("subnet"), .customLong("subnet-id")], help: "Its subnet. (default: the default VPC's)")
  var subnet: String?
  @Option(
    name: [.customLong("security-group"), .customLong("security-group-id")],
    help: "Its security group. (default: the VPC's default one)")
  var securityGroup: String?
  @Option(
    name: [.customLong("public-ip"), .customShort("p")],
    help: "Whether it gets a public address: true or false. Without one it needs NAT or VPC endpoints. (default: true)")
  var publicIP: Bool?
  @Option(help: "Images that it pulls at once. (default: 3)") var concurrency: Int?
  @Option(help: ArgumentHelp("The longest that one image may take, such as 90m. (default: 1h)", valueName: "time"))
  var pullTimeout: String?
  @Option(help: ArgumentHelp("The longest that EBS may take for the snapshot. (default: 3h)", valueName: "time"))
  var snapshotTimeout: String?

  func apply(to request: inout SnapshotRequest) throws {
    if let ami { request.machineImage = ami }
    if let instanceType { request.instanceType = instanceType }
    request.instanceRole = instanceRole
    request.subnetID = subnet
    request.securityGroupID = securityGroup
    if let publicIP { request.hasPublicIP = publicIP }
    if let concurrency { request.concurrency = concurrency }
    if let time = try duration(pullTimeout, "--pull-timeout") { request.pullTimeout = time }
    if let time = try duration(snapshotTimeout, "--snapshot-timeout") { request.snapshotTimeout = time }
  }

  private func duration(_ text: String?, _ flag: String) throws -> Duration? {
    guard let text else { return nil }
    guard let duration = Quantity.duration(text), duration >= .seconds(30), duration <= .seconds(48 * 3600) else {
      throw CommandFailure.usage("\(flag) \(text) is no time from 30s to 48h")
    }
    return duration
  }
}

/// How a run goes.
struct SnapshotRunOptions: ParsableArguments {
  @Flag(help: "Tell what would be done, and do nothing.") var dryRun = false
  @Flag(help: "Do nothing where a ready snapshot holds the same images, as registries have them now.")
  var ifChanged = false
  @Flag(help: "Go on with a run of the same command that was cut short; begin one where there is none.")
  var resume = false
  @Flag(help: "Leave the instance, to be looked at.") var keep = false
  @Flag(name: .shortAndLong, help: "Print the snapshot's id and nothing else.") var quiet = false

  func options(outputParameter: String?) -> SnapshotBuilder.Options {
    var options = SnapshotBuilder.Options()
    (options.keeps, options.resumes, options.onlyIfChanged) = (keep, resume, ifChanged)
    options.outputParameter = outputParameter
    return options
  }
}

/// What becomes of the id.
struct SnapshotAfterwardsOptions: ParsableArguments {
  @Option(
    name: [.customLong("output-parameter"), .customLong("output-parameter-name")],
    help: "An SSM parameter that gets the id.")
  var outputParameter: String?
  @Option(
    help: ArgumentHelp("A config.yaml whose runtimes are to use the snapshot.", valueName: "file"), completion: .file())
  var writeConfig: String?
  @Option(name: .customLong("runtime"), help: "With --write-config: the runtimes that use it. (default: all)")
  var runtimes: [String] = []
  @Option(help: ArgumentHelp("Delete older snapshots of the same name, and keep so many.", valueName: "n"))
  var prune: Int?

  func validate() throws {
    if let prune, prune < 1 { throw ValidationError("--prune keeps 1 or more.") }
    if writeConfig == nil, !runtimes.isEmpty { throw ValidationError("--runtime goes with --write-config.") }
  }

  var config: ConfigEdit? { writeConfig.map { ConfigEdit(path: $0, runtimes: runtimes) } }
}
