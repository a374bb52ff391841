import ArgumentParser
import SDClient
import SDCore

/// `sdctl tasks`.
struct TasksCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tasks", abstract: "List, show, cancel, retry, reproduce and export tasks.",
    discussion: """
      Examples:

        sdctl tasks
        sdctl tasks show ID
        sdctl tasks retry --state failed --runtime sdruntime
      """,
    subcommands: [
      TasksListCommand.self, TasksShowCommand.self, TasksCancelCommand.self, TasksRetryCommand.self,
      TasksReproduceCommand.self, TasksExportCommand.self,
    ],
    defaultSubcommand: TasksListCommand.self)
}

/// `sdctl tasks list`.
struct TasksListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List tasks, newest first.",
    discussion: """
      Examples:

        sdctl tasks list
        sdctl tasks list --state failed --state expired --runtime sdruntime
        sdctl tasks list --limit 1000 --output json
      """)

  @OptionGroup var options: ServerOptions
  @OptionGroup var filter: TaskFilter
  @Option(name: .shortAndLong, help: "At most so many.") var limit = 50

  func validate() throws {
    guard (1...10_000).contains(limit) else { throw ValidationError("--limit is not from 1 to 10,000.") }
  }

  func run() async throws {
    try await CommandExit.reporting(options) {
      let client = try options.client()
      var tasks: [TaskView] = []
      try await filter.pages(of: client, limit: limit) { page in
        tasks += page
        return tasks.count < limit
      }
      options.show(.array(tasks.map(\.json))) {
        guard !tasks.isEmpty else { return Terminal.note("No tasks.") }
        var table = TaskView.table
        let now = Clocks.system.timestamp
        for task in tasks { table.add(task.row(at: now)) }
        Terminal.print(table.text)
      }
    }
  }
}

/// `sdctl tasks show`.
struct TasksShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show all that is known of a task.",
    discussion: """
      Examples:

        sdctl tasks show ID
        sdctl tasks show ID --run 1 --output json
      """)

  @OptionGroup var options: ServerOptions
  @Argument(help: "The task's id.") var id: String
  @Option(name: .customLong("run"), help: "Which run of it; the newest unless said.") var runNumber: Int?

  func run() async throws {
    try await CommandExit.reporting(options) {
      let task = try await options.client().task(id, run: runNumber)
      Terminal.print(options.format == .json ? task.json.text : task.text)
    }
  }
}

/// `sdctl tasks cancel`.
struct TasksCancelCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel", abstract: "Cancel a task.",
    discussion: """
      A queued task never runs. A running one is stopped; sdctl watch tells when it has.

      Example:

        sdctl tasks cancel ID
      """)

  @OptionGroup var options: ServerOptions
  @Argument(help: "The task's id.") var id: String

  func run() async throws {
    try await CommandExit.reporting(options) {
      let task = try await options.client().cancel(id)
      switch options.format {
      case .json: Terminal.print(task.json.text)
      case .text: Terminal.print(task.state == .cancelled ? "\(task.id) is cancelled" : "\(task.id) is being stopped")
      }
    }
  }
}
