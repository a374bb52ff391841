import AWSKit
import ArgumentParser
import SDCore
import Snapshots

/// `sdctl snapshot create`, which is what `sdctl snapshot IMAGES` means.
struct SnapshotCreateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create", abstract: "Pull images and make a snapshot of them.",
    discussion: """
      Images are separated by commas or spaces. Private ones in Amazon ECR are pulled with the instance's own role, in \
      any region and partition; others must be public.

      Examples:

        sdctl snapshot nginx:1.29,public.ecr.aws/docker/library/redis:8
        sdctl snapshot --size 100 --arch amd64,arm64 IMAGES
        sdctl snapshot --encrypt --kms-key alias/nodes IMAGES
        sdctl snapshot --if-changed --prune 3 --output-parameter /nodes/snapshot IMAGES
        sdctl snapshot --write-config config.yaml --runtime sdruntime IMAGES
        sdctl snapshot --dry-run IMAGES

      The id alone goes to standard output; how it goes is told on standard error. A run that was cut short is gone on \
      with by the same command and --resume, or removed by the next run.

      Exit status: 0 the snapshot is ready; 1 it was not made; 2 used wrongly; 3 AWS cannot be reached; 4 AWS refused; \
      5 it is ready, but something temporary could not be removed; 130 interrupted.
      """)

  @Argument(help: "The images.") var images: [String]
  @OptionGroup(title: "Account") var aws: AWSOptions
  @OptionGroup(title: "Snapshot") var what: SnapshotOptions
  @OptionGroup(title: "Instance") var instance: SnapshotInstanceOptions
  @OptionGroup(title: "Run") var run: SnapshotRunOptions
  @OptionGroup(title: "Afterwards") var afterwards: SnapshotAfterwardsOptions
  @OptionGroup var output: OutputOptions

  private func request() throws -> SnapshotRequest {
    let names = images.flatMap { $0.split(separator: ",").map { $0.trimmingSpaces } }.filter { !$0.isEmpty }
    var request = SnapshotRequest(try names.map { try ImageReference(String($0)) })
    try what.apply(to: &request)
    try instance.apply(to: &request)
    try request.validate()
    return request
  }

  func run() async throws {
    try await CommandExit.reporting {
      let request = try request()
      let config = try afterwards.config?.prepared()
      let client = try await aws.client()
      if run.dryRun { return show(try await SnapshotBuilder(client).plan(request)) }
      let display = SnapshotDisplay(request, isQuiet: run.quiet, region: client.configuration.region ?? "")
      let options = run.options(outputParameter: afterwards.outputParameter)
      let built = try await Interruption.guarding(
        "Interrupted: what is temporary is being removed. Once more leaves that to the next run."
      ) {
        defer { display.end() }
        return try await SnapshotBuilder(client) { display.show($0) }.build(request, options)
      }
      try await conclude(built, request, client, config)
    }
  }

  /// What comes after the snapshot: told of, written down, older ones deleted.
  private func conclude(
    _ built: BuiltSnapshot, _ request: SnapshotRequest, _ client: AWSClient, _ config: ConfigEdit?
  ) async throws {
    var json = built.json(region: client.configuration.region ?? "")
    if let config {
      try config.write(snapshot: built.id)
      tell("\(config.path): \(config.place) is \(built.id)")
    }
    if let keeping = afterwards.prune {
      let pruned = try await SnapshotCatalog(client).prune(name: request.name, keeping: keeping, kept: built.id)
      json["pruned"] = .strings(pruned.deleted)
      for id in pruned.deleted { tell("deleted \(id)") }
      for (id, reason) in pruned.failed.sorted(by: { $0.key < $1.key }) { Terminal.complain("\(id) stays: \(reason)") }
    }
    output.show(json) { Terminal.print(built.id) }
    if let leftOver = built.leftOver {
      Terminal.complain(leftOver)
      throw CommandExit.other
    }
  }

  private func tell(_ text: String) { if !run.quiet { Terminal.note(text) } }

  private func show(_ plan: SnapshotPlan) {
    output.show(plan.json) { Terminal.print(plan.text) }
  }
}
