import ArgumentParser
import SDCore

/// Which letters a command is to handle.
struct LetterSelection: ParsableArguments {
  @Argument(help: "Letters by their ids.") var letters: [String] = []
  @Flag(help: "All letters there are.") var all = false
  @Option(help: "All letters with this code.") var code: String?

  func validate() throws {
    let ways = (letters.isEmpty ? 0 : 1) + (all ? 1 : 0) + (code == nil ? 0 : 1)
    guard ways == 1 else { throw ValidationError("Say which letters: their ids, --code, or --all.") }
  }

  var selection: DeadLetters.Selection {
    if !letters.isEmpty { return .ids(Set(letters)) }
    return code.map { .code($0) } ?? .all
  }

  /// In words, for questions.
  func words(_ stats: QueueStats) -> String {
    if !letters.isEmpty { return letters.count == 1 ? "the letter" : "\(letters.count) letters" }
    return code.map { "all letters with the code \($0)" } ?? "all \(stats.waiting + stats.inFlight) letters"
  }
}

/// `sdctl dlq redrive`.
struct DLQRedriveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "redrive", abstract: "Send dead letters back to the queue that they came from.",
    discussion: """
      Each letter opens the next run of its task; a poison message that was mended opens its first.

      Examples:

        sdctl dlq redrive --all --runtime sdruntime
        sdctl dlq redrive --code engine_failed --runtime sdruntime
        sdctl dlq redrive LETTER --body mended.json --runtime sdruntime
      """)

  @OptionGroup var target: QueueTarget
  @OptionGroup var selection: LetterSelection
  @Option(
    help: ArgumentHelp(
      "Send this text in place of what the letter holds; - for standard input. For one letter.", valueName: "file"),
    completion: .file())
  var body: String?

  func validate() throws {
    guard body == nil || selection.letters.count == 1 else { throw ValidationError("--body is for one letter.") }
  }

  func run() async throws {
    try await CommandExit.reporting {
      let queue = try await target.queue()
      let letters = try await DeadLetters(of: queue)
      let text = try body.map { try InputFile.read($0, limit: queue.capabilities.maximumBytes) }
      let report = LetterReport(target.output, verb: "redriven", to: queue.name)
      let result = try await letters.redrive(selection.selection, body: text) { report.done($0) }
      try report.end(result)
    }
  }
}

/// `sdctl dlq drop`.
struct DLQDropCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drop", abstract: "Remove dead letters for good.",
    discussion: """
      The records of their tasks stay.

      Examples:

        sdctl dlq drop LETTER --runtime sdruntime
        sdctl dlq drop --code poison --runtime sdruntime --yes
      """)

  @OptionGroup var target: QueueTarget
  @OptionGroup var selection: LetterSelection
  @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false

  func run() async throws {
    try await CommandExit.reporting {
      let queue = try await target.queue()
      let letters = try await DeadLetters(of: queue)
      let words = selection.words(try await letters.stats())
      try Terminal.confirm("Remove \(words) of \(letters.name) for good?", unless: yes)
      let report = LetterReport(target.output, verb: "dropped", to: nil)
      try report.end(try await letters.drop(selection.selection) { report.done($0) })
    }
  }
}

/// Tells what became of letters.
private struct LetterReport {
  let output: OutputOptions
  let verb: String
  let place: String?

  init(_ output: OutputOptions, verb: String, to place: String?) {
    (self.output, self.verb, self.place) = (output, verb, place)
  }

  func done(_ letter: Letter) {
    guard output.format == .text else { return }
    let task = letter.task.map { " (task \($0.key.id))" } ?? ""
    Terminal.print("\(Terminal.plain(letter.id))\(Terminal.plain(task)) \(verb)" + (place.map { " to \($0)" } ?? ""))
  }

  /// Prints what there is to say at the end; throws when not all was done.
  func end(_ result: DeadLetters.Result) throws {
    let failed = result.failed.sorted { $0.key < $1.key }
    if output.format == .json {
      Terminal.print(
        ([
          verb: .strings(result.done), "missing": .strings(result.missing.sorted()),
          "failed": .object(JSONObject(failed.map { ($0.key, .string($0.value)) })),
        ] as JSONValue).text)
    } else if result.done.isEmpty, failed.isEmpty, result.missing.isEmpty {
      Terminal.note("There are no such letters.")
    }
    for (id, reason) in failed { Terminal.complain("\(id) stays: \(reason)") }
    for id in result.missing.sorted() {
      Terminal.complain("\(id) was not met: there is no such letter, or somebody has it; try again in a minute")
    }
    if !failed.isEmpty || !result.missing.isEmpty { throw CommandExit.refused }
  }
}
