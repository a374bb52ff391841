import FoundationEssentials
public import Logging
import Metrics
import SDCore
public import ServiceLifecycle
import Tracing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What a program does from its flags to its end: configuration, logging, signals, services, and the exit status.
public struct Program: Sendable {
  /// The version of all programs of this package.
  public static let version = "0.1.0"

  /// How a program ends: its exit status.
  public struct Status: RawRepresentable, Sendable, Hashable {
    public var rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
    /// As it should: done, drained, or nothing to do.
    public static let fine = Status(rawValue: 0)
    /// A task failed.
    public static let failed = Status(rawValue: 1)
    /// What the program needs is not there, or a defect of ours.
    public static let broken = Status(rawValue: 70)
    /// The configuration cannot work.
    public static let configuration = Status(rawValue: 78)
  }

  /// The program's name.
  public let name: String
  /// What was configured, and what it means.
  public let composition: Composition
  /// Where it logs to.
  public let logger: Logger
  /// What is measured.
  public let metrics: MetricsRegistry
  /// Exports the spans that have ended: for programs that may be frozen between two things that they do.
  public let flushSpans: @Sendable () async -> Void

  /// Runs a program to its end.
  ///
  /// - Parameters:
  ///   - options: the flags that it was started with, and the file named among them.
  ///   - defaults: what holds for this program unless something is said.
  ///   - registry: the plugins that there are.
  ///   - services: makes what is run until it ends or a signal ends it.
  ///   - end: judges how it went, once the services have ended.
  ///   - broken: cleans up where it never came to that, with what was configured.
  public static func run(
    _ name: String, options: [any ConfigurationOptions], file: String?, defaults: [ConfigurationKey: String] = [:],
    registry: PluginRegistry = .standard, services: @Sendable (Program) async throws -> [any Service],
    end: @Sendable (Program) async throws -> Status = { _ in .fine },
    broken: @Sendable (Configuration) async -> Void = { _ in }
  ) async -> Status {
    // A peer or reader that is gone is an error of the write, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    FreedMemory.giveBack()
    let signals = await ServiceRunner.terminationSignals()
    let environment = ProcessInfo.processInfo.environment
    let flags = options.reduce(into: [ConfigurationKey: String]()) { all, some in all.merge(some.flags) { a, _ in a } }
    var configuration = Configuration.ofEnd(flags: flags, environment: environment)
    do {
      configuration = try Configuration(flags: flags, file: file, environment: environment)
      try configuration.setDefaults(defaults)
      LoggingSetup.bootstrap(configuration, environment: environment, metadataProvider: .trace)
      let logger = Logger(label: name)
      configuration.log(to: logger)
      let metrics = MetricsRegistry()
      MetricsSystem.bootstrap(metrics)
      let composition = try Composition(configuration, registry: registry, logger: logger)
      let batcher = try await composition.spanBatcher()
      let program = Program(
        name: name, composition: composition, logger: logger, metrics: metrics,
        flushSpans: { await batcher?.flush() })
      InstrumentationSystem.bootstrap(SDTracer(service: name, batcher: batcher))
      // Services are shut down from the last to the first: spans are gathered until the others have ended.
      let all = [batcher].compactMap { $0 as (any Service)? } + (try await services(program))
      FreedMemory.forgetStart()
      try await ServiceRunner(all, logger: logger).run(until: signals)
      return try await end(program)
    } catch {
      let status = complain(error, name: name)
      await broken(configuration)
      return status
    }
  }

  private static func complain(_ error: any Error, name: String) -> Status {
    var line: [UInt8] = []
    LineText.appendPlain("\(name): \(LogLine.shown(message(of: error)))", to: &line)
    StandardError.write(line + [0x0A])
    return (error as? SDError)?.code == .configuration ? .configuration : .broken
  }

  private static func message(of error: any Error) -> String {
    guard let error = error as? SDError else { return "\(error)" }
    // A message about the configuration says all; elsewhere what lies below may be the only clue.
    return error.underlying == nil || error.code == .configuration ? error.message : error.description
  }
}
