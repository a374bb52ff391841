import ArgumentParser
import SDClient
import SDCore

/// `sdctl tasks retry`.
struct TasksRetryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry", abstract: "Run tasks again that failed, expired or were cancelled.",
    discussion: """
      Each gets its next run, with the same request; the record of the run before stays. A letter that a failed task \
      has in the dead-letter queue stays as well: drop it with sdctl dlq drop, or send that back instead.

      Examples:

        sdctl tasks retry ID
        sdctl tasks retry --state failed --runtime sdruntime
        sdctl tasks retry --state failed --code engine_failed --limit 1000 --yes
      """)

  @OptionGroup var options: ServerOptions
  @Argument(help: "Tasks by their ids.") var ids: [String] = []
  @OptionGroup var filter: TaskFilter
  @Option(help: "Only those that failed with this error code.") var code: String?
  @Option(name: .shortAndLong, help: "At most so many.") var limit = 100
  @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false

  private static let retryable: [TaskState] = [.failed, .expired, .cancelled]

  func validate() throws {
    guard ids.isEmpty == (filter.state.isEmpty == false) else {
      throw ValidationError("Say which tasks: their ids, or --state.")
    }
    guard ids.isEmpty || (filter.runtime == nil && code == nil) else {
      throw ValidationError("--runtime and --code go with --state.")
    }
    if let state = filter.states.first(where: { !Self.retryable.contains($0) }) {
      throw ValidationError("--state \(state.rawValue): only failed, expired and cancelled tasks are run again.")
    }
    guard (1...10_000).contains(limit) else { throw ValidationError("--limit is not from 1 to 10,000.") }
  }

  func run() async throws {
    try await CommandExit.reporting(options) {
      let client = try options.client()
      let tasks = try await chosen(client)
      guard !tasks.isEmpty else {
        return options.show(["retried": [], "failed": [:]]) { Terminal.note("No tasks.") }
      }
      if ids.isEmpty { try Terminal.confirm("Run \(tasks.count) tasks again?", unless: yes) }
      var (retried, failed): ([TaskView], [(String, SDClientError)]) = ([], [])
      for task in tasks {
        do {
          let run = try await client.retry(task.id, run: task.run)
          retried.append(run)
          if options.format == .text {
            Terminal.print("\(Terminal.plain(run.id)) is \(run.state.rawValue), run \(run.run)")
          }
        } catch let error as SDClientError where error.code == .refused {
          failed.append((task.id, error))
          Terminal.complain(Terminal.plain("\(task.id): \(error.message)"))
        }
      }
      if options.format == .json {
        let reasons = JSONObject(failed.map { ($0.0, .string($0.1.message)) })
        Terminal.print((["retried": .array(retried.map(\.json)), "failed": .object(reasons)] as JSONValue).text)
      }
      if !failed.isEmpty { throw CommandExit.refused }
    }
  }

  private func chosen(_ client: SDClient) async throws -> [TaskView] {
    guard ids.isEmpty else {
      var tasks: [TaskView] = []
      for id in ids { tasks.append(try await client.task(id)) }
      return tasks
    }
    var seen: Set<String> = []
    var tasks: [TaskView] = []
    try await filter.pages(of: client, limit: nil) { page in
      // Newest first: a task's older runs are followed by another already.
      for task in page where seen.insert(task.id).inserted && [nil, task.error?.code].contains(code) {
        tasks.append(task)
      }
      return tasks.count < limit
    }
    // A run that another follows is over and done with, however it ended.
    var newest: [TaskView] = []
    for task in tasks.prefix(limit) where try await client.task(task.id).run == task.run { newest.append(task) }
    return newest
  }
}
