import ArgumentParser
import SDClient
import SDCore

/// `sdctl tasks`.
struct TasksCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tasks", abstract: "List, show, cancel and reproduce tasks.",
    subcommands: [
      TasksListCommand.self, TasksShowCommand.self, TasksCancelCommand.self, TasksReproduceCommand.self,
    ],
    defaultSubcommand: TasksListCommand.self)
}

/// `sdctl tasks list`.
struct TasksListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List tasks, newest first.")

  @OptionGroup var options: ServerOptions
  @Option(
    help: ArgumentHelp(
      "Only those in a state; may be given several times. One of \(TaskState.allCases.map(\.rawValue).joined(separator: ", "))."
    ))
  var state: [String] = []
  @Option(help: "Only those of a runtime.") var runtime: String?
  @Option(name: .shortAndLong, help: "At most so many.") var limit = 50

  func validate() throws {
    if let unknown = state.first(where: { TaskState(rawValue: $0) == nil }) {
      throw ValidationError(
        "--state \(unknown) is none of \(TaskState.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
    guard (1...10_000).contains(limit) else { throw ValidationError("--limit is not from 1 to 10,000.") }
  }

  func run() async throws {
    try await CommandExit.reporting(options) {
      let client = try options.client()
      var tasks: [TaskView] = []
      var cursor: String?
      // Pages may be short or empty and not the last; an end is set to their number all the same.
      for _ in 0..<1000 where tasks.count < limit {
        let page = try await client.tasks(
          states: state.compactMap(TaskState.init), runtime: runtime, limit: min(1000, limit - tasks.count),
          cursor: cursor)
        tasks += page.tasks
        cursor = page.next
        if cursor == nil { break }
      }
      switch options.format {
      case .json: Terminal.print(JSONValue.array(tasks.map(\.json)).text)
      case .text:
        guard !tasks.isEmpty else { return Terminal.note("No tasks.") }
        var table = Table(TaskView.header)
        for task in tasks { table.add(task.row) }
        Terminal.print(table.text)
      }
    }
  }
}

/// `sdctl tasks show`.
struct TasksShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", abstract: "Show all that is known of a task.")

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
    discussion: "A queued task never runs. A running one is stopped; `sdctl watch` tells when it has.")

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
