public import Logging
public import ServiceLifecycle
public import UnixSignals

/// Runs services until they end or a signal ends them.
///
/// The first signal asks them to finish what they have begun (graceful shutdown); the second cancels them, so that they
/// give back at once. Both ends are good ends.
public struct ServiceRunner: Sendable {
  private let services: [any Service]
  private let logger: Logger

  /// What is to be run; shut down in reverse order. Services that should end together belong into one
  /// ``ConcurrentServices``.
  public init(_ services: [any Service], logger: Logger) { (self.services, self.logger) = (services, logger) }

  /// The signals that end a program, caught from now on: call it first of all, before anything can be left half done.
  public static func terminationSignals() async -> UnixSignalsSequence {
    await UnixSignalsSequence(trapping: .sigterm, .sigint)
  }

  /// Runs the services to their end. Throws what made one of them fail.
  public func run<Signals: AsyncSequence & Sendable>(until signals: Signals) async throws
  where Signals.Element == UnixSignal {
    let group = ServiceGroup(
      configuration: .init(
        services: services.map {
          .init(
            service: NamedService($0), successTerminationBehavior: .gracefullyShutdownGroup,
            failureTerminationBehavior: .gracefullyShutdownGroup)
        },
        logger: logger))
    try await withThrowingTaskGroup(of: End.self) { tasks in
      tasks.addTask {
        try await group.run()
        return .services
      }
      tasks.addTask { try await obey(signals, in: group) }
      while let end = try await next(of: &tasks) {
        switch end {
        case .services:
          tasks.cancelAll()
          return
        case .signals: tasks.cancelAll()
        case .silence: continue
        }
      }
    }
  }

  private enum End {
    /// The services have ended.
    case services
    /// They are to end at once.
    case signals
    /// No signals will come.
    case silence
  }

  /// What ended next; services that were cancelled have ended as they should.
  private func next(of tasks: inout ThrowingTaskGroup<End, any Error>) async throws -> End? {
    do {
      return try await tasks.next()
    } catch is CancellationError {
      return .services
    }
  }

  private func obey<Signals: AsyncSequence & Sendable>(_ signals: Signals, in group: ServiceGroup) async throws -> End
  where Signals.Element == UnixSignal {
    var count = 0
    for try await signal in signals {
      count += 1
      guard count == 1 else {
        logger.notice("ending at once", metadata: ["signal": "\(signal)"])
        return .signals
      }
      logger.notice("ending", metadata: ["signal": "\(signal)"])
      await group.triggerGracefulShutdown()
    }
    return .silence
  }
}

/// A service that is known to logs by its type alone: the group describes what it runs, and what services hold, secrets
/// too, is nobody's business.
private struct NamedService: Service, CustomStringConvertible {
  private let service: any Service
  let description: String

  init(_ service: any Service) { (self.service, description) = (service, "\(type(of: service))") }

  func run() async throws { try await service.run() }
}

/// Services that run beside each other and end together, none waiting for another.
public struct ConcurrentServices: Service {
  private let services: [any Service]

  /// What is to be run.
  public init(_ services: [any Service]) { self.services = services }

  /// Runs them all; the first that fails cancels the others.
  public func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for service in services { group.addTask { try await service.run() } }
      try await group.waitForAll()
    }
  }
}
