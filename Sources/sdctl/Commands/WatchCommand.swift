import ArgumentParser
import SDClient
import SDCore

/// `sdctl watch`.
struct WatchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Watch a task up to its end.",
    discussion: """
      Examples:

        sdctl watch ID
        sdctl watch ID --output json

      On a terminal a line shows how far it is; in a pipe each event is a line, with --output json a JSON object.

      Exit status: 0 the task succeeded; 1 it failed, was cancelled or expired; 3 the server cannot be reached; \
      4 the server refused.
      """)

  @OptionGroup var options: ServerOptions
  @Argument(help: "The task's id.") var id: String
  @Option(name: .customLong("run"), help: "Which run of it; the newest unless said.") var runNumber: Int?

  func run() async throws {
    try await CommandExit.reporting(options) {
      let task = try await TaskFollower(client: try options.client(), format: options.format, printsEvents: true)
        .follow(id, run: runNumber)
      switch options.format {
      case .json: Terminal.print((["event": "end", "data": task.json] as JSONValue).text)
      case .text: Terminal.print(task.text)
      }
      if task.state != .succeeded { throw CommandExit.taskFailed }
    }
  }
}
