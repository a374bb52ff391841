import ArgumentParser
import Glibc
import Logging
import SDCore
import SDRuntime

/// Which queue a command works on, and how it prints.
struct QueueTarget: ParsableArguments {
  @OptionGroup var options: QueueOptions
  @OptionGroup var output: OutputOptions

  /// The queues that are meant.
  ///
  /// Without a word about it they are those of `./.sd`, where `sdctl dev` keeps its state.
  func queues() async throws -> [OperatedQueue] { try await composition().operatedQueues() }

  /// What was configured, other flags of a command among it.
  func composition(_ more: [ConfigurationKey: String] = [:]) throws -> Composition {
    var configuration = try Configuration(
      flags: options.flags.merging(more) { _, new in new }, file: options.file, environment: Environment.all)
    if configuration[.state] == nil, configuration[.queue] == nil, configuration[.topic] == nil {
      guard StateFolder(".sd").isThere else {
        throw CommandFailure.usage(
          "Which queue? Say --state DIR for those of a system on this machine, or --queue with an address.")
      }
      try configuration.setDefaults([.state: ".sd"])
    }
    if let state = configuration.text(.state), options.flags[.queue] == nil {
      guard StateFolder(state).isThere else {
        throw CommandFailure(code: CommandExit.refused, message: "\(state) is no state directory of ours")
      }
    }
    var logger = Logger(label: "sdctl")
    logger.logLevel = .warning
    return try Composition(configuration, logger: logger)
  }

  /// The one queue that is meant.
  func queue(of composition: Composition? = nil) async throws -> any OperableQueue {
    let queues = try await (composition ?? self.composition()).operatedQueues()
    guard let one = queues.first, queues.count == 1 else {
      let names = queues.compactMap(\.runtime).joined(separator: ", ")
      throw CommandFailure.usage("There are several queues: say --runtime with one of \(names).")
    }
    return one.queue
  }
}

/// A directory that local plugins keep their state in.
private struct StateFolder {
  let path: String

  init(_ path: String) { self.path = path }

  var isThere: Bool { access(path + "/state.sqlite", F_OK) == 0 }
}
