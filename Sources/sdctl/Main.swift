import ArgumentParser
import SDRuntime

/// `sdctl`: the whole system on one machine, and the hand of its users and operators.
@main
struct Main: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sdctl",
    abstract: "Stable Diffusion on demand: run it, use it, look after it.",
    discussion: """
      Start the whole system on this machine, without an engine or anything else to install:
        sdctl dev

      Then, in another terminal:
        sdctl submit --prompt "a lighthouse" --wait --out .

      sdctl help COMMAND shows examples of each. SDCTL_SERVER names another server, SDCTL_API_KEY the key for it.

      \(CommandExit.help)
      """,
    version: Program.version,
    subcommands: [
      Dev.self, SubmitCommand.self, TasksCommand.self, WatchCommand.self, QueueCommand.self, DLQCommand.self,
      KeysCommand.self, ModelsCommand.self, SnapshotCommand.self, DeployCommand.self, SmokeCommand.self,
      CompletionCommand.self,
    ])

  /// Ends with the exit codes that `sdctl --help` documents, usage errors included.
  static func main() async { await CommandExit.main(Main.self) }
}
