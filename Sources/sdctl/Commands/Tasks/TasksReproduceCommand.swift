import ArgumentParser
import SDClient
import SDCore

/// `sdctl tasks reproduce`.
struct TasksReproduceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reproduce", abstract: "Make the pictures of a task again.",
    discussion: """
      Submits what the manifest of the task says as a new task: the same request with the seed that was used, images by \
      the same references, for the same runtime. With --wait the new outputs are compared with the old ones, byte by byte:

        sdctl tasks reproduce 307 --wait

      The same engine with the same model makes the same bytes where it is deterministic; most GPUs are so on one kind \
      of card only.

      Exit status: 0 submitted, and with --wait made again with the same bytes; 1 the task failed or an output differs; \
      2 used wrongly; 3 the server cannot be reached; 4 the server refused; 5 another failure.
      """)

  @OptionGroup var options: ServerOptions
  @Argument(help: "The id of a task that has succeeded.") var id: String
  @Option(name: .customLong("run"), help: "Which run of it; the newest unless said.") var runNumber: Int?
  @Option(name: .customLong("as"), help: ArgumentHelp("An id for the new task.", valueName: "id")) var newID: String?
  @Flag(help: "Wait for the end, and compare.") var wait = false

  func run() async throws {
    try await CommandExit.reporting(options) {
      let client = try options.client()
      let manifest = try await client.manifest(of: id, run: runNumber)
      guard let request = manifest["request"] else {
        throw CommandFailure(
          code: CommandExit.refused, message: "the manifest of \(id) does not say what was asked for")
      }
      var submission = try TaskSubmission(json: request)
      submission.id = newID
      let task = try await client.submit(submission)
      guard wait else {
        return Terminal.print(options.format == .json ? task.json.text : task.id)
      }
      let done = try await TaskFollower(client: client, format: options.format, printsEvents: false)
        .follow(task.id, run: task.run)
      let comparison = Comparison(of: done, with: manifest)
      show(done, comparison)
      guard done.state == .succeeded else {
        let why = done.error.map { ": \(Terminal.plain($0.message))" } ?? ""
        throw CommandFailure(code: CommandExit.taskFailed, message: "task \(done.id) \(done.state.ending)\(why)")
      }
      guard comparison.isSame else {
        throw CommandFailure(code: CommandExit.taskFailed, message: "task \(done.id) made other bytes than \(id)")
      }
    }
  }

  private func show(_ task: TaskView, _ comparison: Comparison) {
    switch options.format {
    case .json:
      var json = task.json
      json["same"] = .bool(comparison.isSame)
      Terminal.print(json.text)
    case .text:
      Terminal.print(task.id)
      for line in comparison.lines { Terminal.print(line) }
    }
  }

  /// What was made then and now, output by output.
  private struct Comparison {
    private(set) var lines: [String] = []
    private(set) var isSame: Bool

    init(of task: TaskView, with manifest: JSONValue) {
      let before = (manifest["outputs"]?.array ?? []).map { $0["sha256"]?.string }
      isSame = before.count == task.outputs.count && task.state == .succeeded
      for (output, digest) in zip(task.outputs, before) {
        let matches = output.sha256 == digest
        isSame = isSame && matches
        lines.append("output \(output.number): \(matches ? "the same" : "differs")")
      }
      if before.count != task.outputs.count {
        lines.append("outputs: \(before.count) then, \(task.outputs.count) now")
      }
    }
  }
}
