import ArgumentParser

/// `sdctl snapshot`.
struct SnapshotCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshot", abstract: "Make EBS snapshots of container images, for nodes that start with them.",
    discussion: """
      A temporary Bottlerocket instance pulls the images, its data volume becomes a snapshot, and all else is removed \
      again, also after a failure or Ctrl-C. A node whose data volume is made of the snapshot has its images at once.

        sdctl snapshot public.ecr.aws/bingjiao/sd-on-eks/sdwebui:latest,public.ecr.aws/bingjiao/sd-on-eks/queue-agent:latest
        sdctl snapshot list
        sdctl snapshot clean

      Credentials and region are found as the AWS CLI finds them. What the caller must be allowed is in \
      scripts/bottlerocket-images-cache/policy.json.
      """,
    subcommands: [
      SnapshotCreateCommand.self, SnapshotListCommand.self, SnapshotPruneCommand.self, SnapshotCleanCommand.self,
    ],
    defaultSubcommand: SnapshotCreateCommand.self)
}
