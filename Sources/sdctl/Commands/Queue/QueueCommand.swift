import ArgumentParser
import SDCore
import SDRuntime

/// `sdctl queue`.
struct QueueCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue", abstract: "Look into queues, and empty them.",
    discussion: """
      Queues are those of a state directory, one a runtime, or any that has an address:

        sdctl queue stats --state ./state
        sdctl queue peek --state ./state --runtime sdruntime
        sdctl queue stats --queue https://sqs.us-west-2.amazonaws.com/123456789012/sdruntime
      """,
    subcommands: [QueueStatsCommand.self, QueuePeekCommand.self, QueuePurgeCommand.self],
    defaultSubcommand: QueueStatsCommand.self)
}

/// `sdctl queue stats`.
struct QueueStatsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Tell how full queues are.",
    discussion: """
      Examples:

        sdctl queue stats
        sdctl queue stats --state ./state --output json
        sdctl queue stats --queue sqs:sdruntime
      """)

  @OptionGroup var target: QueueTarget

  func run() async throws {
    try await CommandExit.reporting {
      var found: [(queue: OperatedQueue, stats: QueueStats)] = []
      for queue in try await target.queues() { found.append((queue, try await queue.queue.stats())) }
      target.output.show(.array(found.map { $0.stats.json(of: $0.queue) })) {
        var table = Table(["QUEUE", "RUNTIME", "WAITING", "IN FLIGHT", "DELAYED", "DEAD", "OLDEST"])
        for (queue, stats) in found {
          table.add([
            queue.queue.name, queue.runtime ?? "-", "\(stats.waiting)", "\(stats.inFlight)", "\(stats.delayed)",
            stats.dead.map { "\($0)" } ?? "-", stats.oldestAge?.shortSeconds ?? "-",
          ])
        }
        Terminal.print(table.text)
      }
    }
  }
}

/// `sdctl queue peek`.
struct QueuePeekCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "peek", abstract: "Show messages without taking them.",
    discussion: """
      On SQS there is no look but to receive: what is shown is hidden from workers for a moment, and its receives count.

      Examples:

        sdctl queue peek --runtime sdruntime
        sdctl queue peek --runtime sdruntime --limit 1 --output json
      """)

  @OptionGroup var target: QueueTarget
  @Option(name: .shortAndLong, help: "At most so many.") var limit = 10

  func validate() throws {
    guard (1...10_000).contains(limit) else { throw ValidationError("--limit is not from 1 to 10,000.") }
  }

  func run() async throws {
    try await CommandExit.reporting {
      let queue = try await target.queue()
      let messages = try await queue.peek(max: limit)
      if queue.operations.contains(.looksCount), !messages.isEmpty {
        Terminal.note("A look counts as a receive with this queue.")
      }
      target.output.show(.array(messages.map(\.json))) {
        guard !messages.isEmpty else { return Terminal.note("Queue \(queue.name) has nothing to show.") }
        var table = Table(["MESSAGE", "STATE", "RECEIVES", "AGE", "TASK", "BYTES"], flexible: ["TASK"])
        let now = Clocks.system.timestamp
        for message in messages {
          table.add([
            message.id, message.standing.rawValue, "\(message.receiveCount)",
            message.sentAt.map { (now - $0).seconds.age } ?? "-",
            Letter(message).task?.key.id ?? "-", "\(message.body.count)",
          ])
        }
        Terminal.print(table.text)
      }
    }
  }
}

/// `sdctl queue purge`.
struct QueuePurgeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "purge", abstract: "Remove all messages of a queue for good.",
    discussion: """
      Tasks that waited are cancelled, and that is announced. This needs to know where tasks are recorded and announced: \
      a state directory has all of it, other queues need --store and --events. Without them the tasks stay recorded as \
      queued, until they expire, are cancelled or submitted again. A task that a worker has is left to the worker. \
      Dead letters are not touched.

      Examples:

        sdctl queue purge --runtime sdruntime
        sdctl queue purge --queue sqs:sd-sdruntime --store s3://sd-output --events arn:aws:sns:us-west-2:123456789012:sd-output
      """)

  @OptionGroup var target: QueueTarget
  @OptionGroup var records: RecordOptions
  @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false

  func run() async throws {
    try await CommandExit.reporting {
      let composition = try target.composition(records.flags)
      let queue = try await target.queue(of: composition)
      let stats = try await queue.stats()
      let all = stats.waiting + stats.inFlight + stats.delayed
      try Terminal.confirm("Remove \(all) messages of queue \(queue.name) for good?", unless: yes)
      let purge = try await composition.purge(of: queue)
      let result: QueuePurge.Result
      if let purge { result = try await purge.run() } else { result = .init(removed: try await queue.purge()) }
      let (removed, cancelled) = (result.removed.map(JSONValue.int) ?? .null, JSONValue.int(result.cancelled))
      target.output.show([
        "queue": .string(queue.name), "removed": removed, "cancelled": purge == nil ? .null : cancelled,
      ]) {
        let told = purge == nil ? "" : ", \(result.cancelled) tasks cancelled"
        Terminal.print("\(queue.name): \(result.removed.map { "\($0) messages" } ?? "all messages") removed\(told)")
      }
      if purge == nil {
        Terminal.note("Their tasks stay recorded as queued: with --store and --events they would have been cancelled.")
      }
    }
  }
}
