import ArgumentParser
import SDCore
import SDRuntime

/// `sdctl dlq`.
struct DLQCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dlq", abstract: "Handle dead letters: messages that could not be worked.",
    discussion: """
      See what is there and why, mend what was wrong, and send the letters back:

        sdctl dlq list --state ./state --runtime sdruntime
        sdctl dlq show LETTER --runtime sdruntime
        sdctl dlq redrive --all --runtime sdruntime

      A letter that is sent back opens the next run of its task; the record of the failed run stays. A redrive that is \
      killed half way loses nothing and doubles nothing: start it again.
      """,
    subcommands: [DLQListCommand.self, DLQShowCommand.self, DLQRedriveCommand.self, DLQDropCommand.self],
    defaultSubcommand: DLQListCommand.self)
}

/// `sdctl dlq list`.
struct DLQListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List dead letters with the reason and the task of each, the oldest first.",
    discussion: """
      Examples:

        sdctl dlq list --runtime sdruntime
        sdctl dlq list --runtime sdruntime --code poison --output json
      """)

  @OptionGroup var target: QueueTarget
  @Option(help: "Only those with this code.") var code: String?
  @Option(name: .shortAndLong, help: "At most so many.") var limit = 100

  func validate() throws {
    guard (1...100_000).contains(limit) else { throw ValidationError("--limit is not from 1 to 100,000.") }
  }

  func run() async throws {
    try await CommandExit.reporting {
      var found: [Letter] = []
      for queue in try await target.queues() {
        found += try await DeadLetters(of: queue.queue).list(max: limit).filter { [nil, $0.code].contains(code) }
      }
      target.output.show(.array(found.map(\.json))) {
        guard !found.isEmpty else { return Terminal.note("No dead letters.") }
        var table = Letter.table
        let now = Clocks.system.timestamp
        for letter in found { table.add(letter.row(at: now)) }
        Terminal.print(table.text)
      }
    }
  }
}

/// `sdctl dlq show`.
struct DLQShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show all of a dead letter.",
    discussion: """
      Examples:

        sdctl dlq show LETTER --runtime sdruntime
        sdctl dlq show LETTER --runtime sdruntime --body > letter.json

      The second prints the message's text and nothing else: mend it, and send it back with
      sdctl dlq redrive LETTER --body letter.json
      """)

  @OptionGroup var target: QueueTarget
  @Argument(help: "The letter's id.") var letter: String
  @Flag(help: "Print the message's text alone.") var body = false

  func run() async throws {
    try await CommandExit.reporting {
      for queue in try await target.queues() {
        let letters = try await DeadLetters(of: queue.queue).list(max: 100_000)
        guard let found = letters.first(where: { $0.id == letter }) else { continue }
        if body { return Terminal.print(found.message.body) }
        return target.output.show(found.json) { Terminal.print(found.text) }
      }
      throw CommandFailure(code: CommandExit.refused, message: "There is no dead letter \(letter).")
    }
  }
}
