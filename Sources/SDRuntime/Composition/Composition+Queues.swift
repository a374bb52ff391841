public import SDCore

/// A queue as an operator meets it.
public struct OperatedQueue: Sendable {
  /// The runtime that it feeds, where that is known.
  public let runtime: String?
  /// The queue.
  public let queue: any OperableQueue
}

extension Composition {
  /// The queues that an operator means: the one that is configured, else those of all runtimes.
  ///
  /// - Throws: `.configuration` where none is named; `.notFound` for one that nobody has used; `.unsupported` for one
  ///   whose plugin cannot be operated.
  public func operatedQueues() async throws -> [OperatedQueue] {
    var addresses: [(runtime: String?, address: ConfigurationValue)] = []
    if let address = configuration[.queue] {
      addresses = [(configuration.text(.runtime), address)]
    } else if configuration[.runtimes] != nil, let topic = configuration[.topic] {
      for runtime in try await catalog().runtimes where [nil, runtime.name].contains(configuration.text(.runtime)) {
        addresses.append((runtime.name, try queueAddress(runtime.queue, of: runtime, beside: topic)))
      }
    }
    guard !addresses.isEmpty else {
      throw SDError(
        .configuration,
        "which queue? Say --state DIR for those of a system on this machine, --runtime NAME for one of them, "
          + "or --queue with an address")
    }
    var queues: [OperatedQueue] = []
    for (runtime, address) in addresses { queues.append(try await operated(address, runtime: runtime)) }
    return queues
  }

  /// What empties a queue and cancels the tasks in it; `nil` where it is not configured where tasks are recorded, and where
  /// their ends are announced.
  package func purge(of queue: any OperableQueue) async throws -> QueuePurge? {
    guard configuration[.store] != nil, configuration[.events] != nil else { return nil }
    let ledger = try await ledger()
    let closer = RunCloser(
      ledger: ledger, store: try await store(), events: try await events(), clocks: context.clocks,
      logger: context.logger)
    return QueuePurge(of: queue, ledger: ledger, closer: closer, clocks: context.clocks)
  }

  private func operated(_ address: ConfigurationValue, runtime: String?) async throws -> OperatedQueue {
    guard PluginURI(address.text)?.scheme != "memory",
      let queue = try await registry.queues.make(address, in: context) as? any OperableQueue
    else {
      throw SDError(
        .unsupported, "\(Redaction.redacted(address.text)) cannot be operated from outside of the process that has it")
    }
    guard try await queue.exists() else {
      throw SDError(.notFound, "there is no queue \(queue.name) at \(Redaction.redacted(address.text))")
    }
    return OperatedQueue(runtime: runtime, queue: queue)
  }
}
