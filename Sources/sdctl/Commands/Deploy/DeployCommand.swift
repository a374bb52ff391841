import ArgumentParser

/// `sdctl deploy`.
struct DeployCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deploy", abstract: "Put the whole system on AWS, from one file.",
    discussion: """
      What config.yaml describes becomes CloudFormation stacks (cluster, API with topics and buckets, one a runtime) and \
      Helm releases (KEDA, Karpenter, one a runtime). Deploying again changes what is different, and goes on where an \
      earlier run was cut short.

        sdctl deploy --config config.yaml --dry-run out/   look at every template, parameter and value
        sdctl deploy --config config.yaml                  show the changes, ask, make them
        sdctl smoke --config config.yaml                   post a task, fetch the picture
        sdctl deploy status --config config.yaml
        sdctl deploy diff --config config.yaml
        sdctl deploy destroy --config config.yaml

      A commented file to begin with is infra/config.example.yaml; infra/config.schema.json has every key.
      """,
    subcommands: [
      DeployApplyCommand.self, DeployStatusCommand.self, DeployDiffCommand.self, DeployDestroyCommand.self,
      DeployTokenCommand.self,
    ],
    defaultSubcommand: DeployApplyCommand.self)
}
