import ArgumentParser
import SDClient
import SDCore

/// `sdctl tasks export`.
struct TasksExportCommand: AsyncParsableCommand {
  enum Format: String, ExpressibleByArgument, CaseIterable {
    /// A task as the API tells it, one JSON object a line.
    case jsonl
    /// A line a task, for spreadsheets (RFC 4180).
    case csv
  }

  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Print all that is known of tasks, for other programs.",
    discussion: """
      One JSON object a line with everything that sdctl tasks show tells, or a CSV table. Tasks come newest first, page \
      by page, however many there are. With --outputs their pictures are downloaded as well, each task's into a \
      directory of its id; files that are there already, and whole, are left alone.

      Examples:

        sdctl tasks export > tasks.jsonl
        sdctl tasks export --state failed --since 2026-11-01T00:00:00Z
        sdctl tasks export --format csv --runtime sdruntime > tasks.csv
        sdctl tasks export --state succeeded --outputs ./pictures > tasks.jsonl
      """)

  @OptionGroup var server: ServerAddress
  @OptionGroup var filter: TaskFilter
  @Option(help: "Only those created at this time or later, as RFC 3339 writes it.") var since: String?
  @Option(help: "Only those created before this time.") var until: String?
  @Option(name: .shortAndLong, help: "At most so many.") var limit: Int?
  @Option(name: [.long, .customLong("output"), .customShort("o")], help: "How to print: jsonl or csv.")
  var format: Format = .jsonl
  @Option(
    help: ArgumentHelp("Download the outputs into directories below this one.", valueName: "dir"),
    completion: .directory)
  var outputs: String?

  func validate() throws {
    for (flag, text) in [("--since", since), ("--until", until)] {
      if let text, Timestamp(text) == nil {
        throw ValidationError("\(flag) \(text) is no time such as 2026-11-01T00:00:00Z.")
      }
    }
    if let limit, limit < 1 { throw ValidationError("--limit is 1 or more.") }
  }

  func run() async throws {
    try await CommandExit.reporting(server) {
      let client = try server.client()
      let (first, end) = (since.flatMap(Timestamp.init), until.flatMap(Timestamp.init))
      if let outputs { try Directory.make(outputs) }
      if format == .csv { Terminal.print(CSV.line(TaskView.columns)) }
      var count = 0
      try await filter.pages(of: client, limit: nil) { page in
        for task in page {
          if let end, task.createdAt >= end { continue }
          if let first, task.createdAt < first { return false }
          if let limit, count >= limit { return false }
          count += 1
          try await fetch(task, client)
          Terminal.print(format == .csv ? CSV.line(task.cells) : task.json.text)
        }
        return true
      }
    }
  }

  private func fetch(_ task: TaskView, _ client: SDClient) async throws {
    guard let outputs, !task.outputs.isEmpty else { return }
    let folder = "\(outputs)/\(task.run == 1 ? task.id : "\(task.id)-r\(task.run)")"
    try Directory.make(folder)
    for output in task.outputs {
      let path = "\(folder)/\(output.fileName)"
      if InputFile.size(of: path) == output.bytes { continue }
      do { try await client.download(output, to: path) } catch let error as SDClientError where error.code == .refused {
        Terminal.complain(Terminal.plain("\(task.id), output \(output.number): \(error.message)"))
      }
    }
  }
}

extension TaskView {
  fileprivate static let columns = [
    "id", "run", "state", "type", "runtime", "model", "created_at", "started_at", "finished_at", "attempts", "outputs",
    "error_code", "error_message",
  ]

  fileprivate var cells: [String] {
    [
      id, "\(run)", state.rawValue, type.rawValue, runtime ?? "", model ?? "", createdAt.description,
      startedAt?.description ?? "", finishedAt?.description ?? "", "\(attempts)",
      outputs.map(\.uri).joined(separator: " "), error.map { "\($0.code)" } ?? "", error?.message ?? "",
    ]
  }
}

/// Comma-separated values as RFC 4180 has them.
private enum CSV {
  static func line(_ cells: [String]) -> String {
    cells.map { cell in
      // A spreadsheet would take these for formulas.
      let text = cell.first.map { "=+-@\t".contains($0) } == true ? "'" + cell : cell
      let isPlain = text.utf8.allSatisfy { ![0x22, 0x2C, 0x0A, 0x0D].contains($0) }
      return isPlain ? text : "\"" + text.replacing("\"", with: "\"\"") + "\""
    }.joined(separator: ",")
  }
}
